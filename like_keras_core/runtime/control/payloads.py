"""Encoding of failures and recorded values for the control channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from like_keras_core.runtime.control.message import shortened
from like_keras_core.runtime.failure import Failure, ReportedFailure
from like_keras_core.runtime.tracebacks import place_of, text_of, traceback_of
from like_keras_core.values.msgpack import to_bytes

_BATCH_BYTES = 16_000_000
_BATCH_VALUES = 4096
"""Recorded values travel in messages of about so many."""


def failures_of(failure: Failure | None) -> tuple[ReportedFailure, ...]:
    """Return a failure as it travels, or nothing."""
    if failure is None:
        return ()
    name, phase, error = failure.name, failure.phase, failure.error
    return (failure_of(name, phase, error, failure.tick, failure.began),)


def failure_of(
    name: str,
    phase: str,
    error: BaseException,
    tick: int | None = None,
    began: int | None = None,
) -> ReportedFailure:
    """Return what a component raised, as it travels.

    Args:
        name: The component.
        phase: What it was called for.
        error: What it raised.
        tick: The tick at which it did; None outside `forward`.
        began: The tick at which its firing began, where that is another one.
    """
    return ReportedFailure(
        component=name,
        phase=phase,
        tick=tick,
        error=shortened(text_of(error, phase, began)),
        traceback=shortened(traceback_of(error)),
        place=place_of(error),
    )


def batches_of(values: Sequence[tuple[int, Any]], what: str) -> Iterator[bytes]:
    """Yield recorded values as messages of a size that is handy.

    Args:
        values: Ticks and values.
        what: Whose they are, for the error.

    Raises:
        NotSerializableError: A value cannot be sent.
    """
    size = len(to_bytes(values[:1], what))
    count = min(_BATCH_VALUES, max(1, _BATCH_BYTES // size))
    for n in range(0, len(values), count):
        yield to_bytes(values[n : n + count], what)


def parts_of(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield data in parts that a message may hold, each with whether more follow."""
    for n in range(0, len(data), _BATCH_BYTES):
        end = n + _BATCH_BYTES
        yield end < len(data), data[n:end]
