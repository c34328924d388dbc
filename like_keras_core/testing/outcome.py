"""What a launch gave, of that what no engine may change, and how two of them differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from like_keras_core.errors import ComponentError
from like_keras_core.report import RunReport
from like_keras_core.values.semantics import same


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a launch gave, without all that may differ from engine to engine.

    Args:
        error: Component, node, phase, tick and text of what was raised.
        iterations: Ticks that count.
        ended_by: What ended it.
        fired: By component, how often it fired and how often it was absent.
        messages: By connection, values that were sent.
        records: By port, `(tick, value)`.
    """

    error: tuple[str, str, str, int | None, str] | None = None
    iterations: int = 0
    ended_by: str = ""
    fired: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    messages: Mapping[str, int] = field(default_factory=dict)
    records: Mapping[str, Sequence[tuple[int, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, launch: Callable[[], RunReport]) -> Outcome:
        """Launch, and keep what came of it; only a `ComponentError` is caught."""
        error = None
        try:
            report: RunReport | None = launch()
        except ComponentError as raised:
            report = raised.report
            error = (
                raised.component,
                raised.node,
                raised.phase,
                raised.tick,
                raised.error,
            )
        if report is None:
            return cls(error=error)
        return cls(
            error=error,
            iterations=report.iterations,
            ended_by=report.ended_by,
            fired={k: (x.fired, x.absent) for k, x in report.components.items()},
            messages={name: x.messages for name, x in report.connections.items()},
            records=dict(report.records),
        )

    def differences(self, found: Outcome) -> list[str]:
        """List where another outcome differs from this one, a line each."""
        lines = []
        for what in ("error", "iterations", "ended_by"):
            lines += _difference(what, getattr(self, what), getattr(found, what))
        for what in ("fired", "messages", "records"):
            expected, got = getattr(self, what), getattr(found, what)
            for name in [*expected, *(set(got) - set(expected))]:
                one, other = expected.get(name), got.get(name)
                if what == "records" and one is not None and other is not None:
                    lines += _first_difference(f"records of {name}", one, other)
                else:
                    lines += _difference(f"{what} of {name}", one, other)
        return lines


def _difference(what: str, expected: Any, found: Any) -> list[str]:
    if same(expected, found):
        return []
    return [f"{what}: expected {expected!r:.300}, found {found!r:.300}"]


def _first_difference(
    what: str, expected: Sequence[tuple[int, Any]], found: Sequence[tuple[int, Any]]
) -> list[str]:
    pairs = [(tuple(x), tuple(y)) for x, y in zip(expected, found, strict=False)]
    for n, (one, other) in enumerate(pairs):
        if not same(one, other):
            where = f"{what}, entry {n} of {len(expected)}"
            return _difference(where, one, other)
    return _difference(f"number of {what}", len(expected), len(found))
