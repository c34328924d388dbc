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

References:
    Kung & Morris, "Credit-Based Flow Control for ATM Networks", *IEEE Network* 9(2),
    1995: credits that come back as a cumulative count. Here a credit comes back when
    its value is used up, not when a buffer is free.
    Adamson et al., "NACK-Oriented Reliable Multicast (NORM) Transport Protocol", RFC
    5740, 2009: the receiver finds gaps, waits in case of mere disorder and asks for
    ranges; the sender repairs on request only, and asks at the end of what it sent
    (there FLUSH). With one receiver nothing has to be suppressed or aggregated.
    Stenning, "A Data Transfer Protocol", *Computer Networks* 1(2), 1976: a window over
    a medium that loses, doubles and reorders. Numbers have 64 bits here and are not
    used twice, so the rule that keeps old and new ones apart is not needed.
    Chandy & Misra, "Distributed Simulation: A Case Study in Design and Verification of
    Distributed Programs", *IEEE Transactions on Software Engineering* SE-5(5), 1979:
    watermarks are its null messages.
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
