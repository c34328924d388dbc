"""Every value once, in order, within a window: one channel over a bad transport.

A channel leads from one output port to one process that consumes it. Its two ends are
state machines without I/O, threads or clocks: they are handed frames and the time [s],
and asked what to send. Whatever the transport loses, doubles or swaps:

- The consumer gets every value exactly once, in order, or a watermark: "nothing more up
  to tick t". A watermark costs no credit, and a later one replaces it.
- At most `window` values are under way. A credit comes back when the consumer has
  finished the tick, not when the value arrives; acknowledgements are cumulative, so a
  lost one does no harm.
- What is missing is sent again when the receiver says so. It sees gaps itself; where
  nothing follows that shows one, the sender asks after a while, and ever more rarely.
  Nothing is repeated on a guess, so a slow consumer gets no duplicates.

The loop around them, for a sender as for a receiver: give each frame that arrives to
`on_frame`, then hand over what `frames` returns. Pass `idle=True` before waiting, and
wait no longer than until `wakes_at`.
"""

from __future__ import annotations

from like_keras_core.runtime.flow.events import (
    Closed,
    Event,
    ReceiverStatistics,
    Resolved,
    SenderStatistics,
    Value,
)
from like_keras_core.runtime.flow.receiver import Receiver
from like_keras_core.runtime.flow.sender import Sender
from like_keras_core.runtime.flow.wire_format import (
    Buffer,
    Frame,
    Payload,
    channel_of,
)

__all__ = [
    "Buffer",
    "Closed",
    "Event",
    "Frame",
    "Payload",
    "Receiver",
    "ReceiverStatistics",
    "Resolved",
    "Sender",
    "SenderStatistics",
    "Value",
    "channel_of",
]
