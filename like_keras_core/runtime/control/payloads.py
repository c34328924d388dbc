"""What a node's process sends home, in the form in which a line carries it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from like_keras_core.runtime.failure import Failure
from like_keras_core.runtime.tracebacks import place_of, text_of
from like_keras_core.values.msgpack import to_bytes

_BATCH_BYTES = 16_000_000
_BATCH_VALUES = 4096
"""Recorded values travel in messages of about so many."""


def failures_of(failure: Failure | None) -> list[dict[str, Any]]:
    """Return a failure as data, or nothing."""
    if failure is None:
        return []
    said = failure_of(failure.name, failure.phase, failure.error)
    return [{**said, "tick": failure.tick}]


def failure_of(name: str, phase: str, error: BaseException) -> dict[str, Any]:
    """Return as data what a component raised.

    Args:
        name: The component.
        phase: What it was called for.
        error: What it raised.
    """
    return {
        "component": name,
        "phase": phase,
        "tick": None,
        "error": text_of(error, phase),
        "traceback": "".join(traceback.format_exception(error)),
        "place": place_of(error),
    }


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
