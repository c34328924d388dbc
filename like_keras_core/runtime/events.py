"""What a channel brings to its consumer."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from like_keras_core.runtime.wire_format import Payload


class Value(NamedTuple):
    """A value arrived, and with it that nothing else did since the one before.

    Args:
        tick: Its tick.
        payload: As it was sent: the same bytes, or a list of the same buffers.
        stamp: When it was emitted, on the sender's clock [s]; 0 if it was not said.
    """

    tick: int
    payload: Payload
    stamp: float


class Watermark(NamedTuple):
    """Nothing more will arrive up to this tick."""

    tick: int


class Closed(NamedTuple):
    """Nothing more will arrive at all."""


Event: TypeAlias = Value | Watermark | Closed
