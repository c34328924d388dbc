"""Random systems on an engine of processes: they give what one process gives."""

from __future__ import annotations

import warnings
from typing import Any

from hypothesis import HealthCheck, settings

from like_keras_core import ComponentError, Engine, LkWarning, RunReport
from like_keras_core.testing import same
from tests.components import report_of
from tests.example_counts import share_of
from tests.splits import Split, alone

TICKS = 25

Error = tuple[str, str, int | None] | None
"""The name of what was raised, by which component, and when."""


def settled(examples: int) -> Any:
    """Return settings for so many examples, always the same ones."""
    return settings(
        max_examples=share_of(examples),
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def check_equal(engine: Engine, system: Split) -> None:
    """Compare all that must not depend on the engine."""
    expected = alone(system, TICKS)
    report, error = _run(engine, system)

    known = expected.error and (expected.error[0].__name__, *expected.error[1:])
    assert error == known
    assert report.iterations == expected.report.iterations
    assert report.ended_by == expected.report.ended_by
    assert _counts(report) == _counts(expected.report)
    assert same(dict(report.records), dict(expected.report.records))


def _run(engine: Engine, system: Split) -> tuple[RunReport, Error]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        try:
            report = engine.launch(
                system.spec(), iterations=TICKS, record="all", timeout_s=60
            )
        except ComponentError as raised:
            kind = raised.error.partition(":")[0]
            return report_of(raised), (kind, raised.component, raised.tick)
    return report, None


def _counts(report: RunReport) -> tuple[Any, ...]:
    fired = {name: (x.fired, x.absent) for name, x in report.components.items()}
    return fired, {name: x.messages for name, x in report.connections.items()}
