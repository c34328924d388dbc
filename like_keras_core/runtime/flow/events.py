"""What a channel brings to its consumer, and what its ends count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from like_keras_core.runtime.flow.wire_format import Buffer


class Value(NamedTuple):
    """A value arrived, and with it that nothing else did since the one before.

    Args:
        tick: Its tick.
        payload: The bytes that were sent, as one contiguous buffer.
        stamp: When it was emitted, on the sender's clock [s]; 0 if unknown.
    """

    tick: int
    payload: Buffer
    stamp: float


class Resolved(NamedTuple):
    """Nothing more will arrive up to this tick."""

    tick: int


class Closed(NamedTuple):
    """Nothing more will arrive at all."""


Event: TypeAlias = Value | Resolved | Closed


@dataclass(frozen=True, slots=True)
class SenderStatistics:
    """What a sender has counted.

    Args:
        messages: Values sent.
        bytes: Their payloads' sizes in all.
        dropped: Values that a newer one replaced before they left.
        resends: Frames sent again.
        probes: Questions asked for want of an answer.
    """

    messages: int
    bytes: int
    dropped: int
    resends: int
    probes: int


@dataclass(frozen=True, slots=True)
class ReceiverStatistics:
    """What a receiver has counted.

    Args:
        messages: Values delivered.
        bytes: Their payloads' sizes in all.
        duplicates: Values and chunks that had arrived before.
        gaps: How often something was missing.
        nacks: Frames that asked for something missing.
    """

    messages: int
    bytes: int
    duplicates: int
    gaps: int
    nacks: int
