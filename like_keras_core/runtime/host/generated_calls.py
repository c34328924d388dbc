"""What generated code calls beside components: it counts gaps, and protects values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.plan import Plan
from like_keras_core.values.kinds import IMMUTABLE
from like_keras_core.values.semantics import protect


class UNKNOWN:
    """The class of no value: after it, the next one is looked at."""


def launcher(pending: Sequence[PendingResult]) -> Callable[[], None]:
    """Return what lets the threads fire that have begun at a tick."""

    def launch() -> None:
        for item in pending:
            item.launch()

    return launch


def miss_counter(
    plan: Plan, counter: int, others: Sequence[int]
) -> Callable[..., None]:
    """Return what counts a gap at a tick.

    Args:
        plan: Has the counters.
        counter: The one that always rises.
        others: Those that rise where the value given for them, in this order, is None.
    """
    gaps, last = plan.gaps, plan.last

    def miss(tick: int) -> None:
        gaps[counter] += 1
        last[counter] = tick

    def miss_among(tick: int, *values: Any) -> None:
        miss(tick)
        for other, value in zip(others, values, strict=True):
            if value is None:
                gaps[other] += 1
                last[other] = tick

    return miss_among if others else miss


def protector(kinds: list[Any], n: int) -> Callable[[Any], Any]:
    """Return what protects a value.

    It remembers the class of a value that needs no protection, at place `n` of `kinds`.
    The generated code does not call it for a value of the class that it finds there.
    """

    def look(value: Any) -> Any:
        kind = value.__class__
        if kind in IMMUTABLE:
            if value is not None:
                kinds[n] = kind
            return value
        kinds[n] = UNKNOWN
        return protect(value)

    return look
