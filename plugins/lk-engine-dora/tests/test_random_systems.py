"""Random systems over dora: they give what one process gives."""

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from like_keras_core import ComponentError, LkWarning, RunReport
from like_keras_core.testing import same
from lk_engine_dora import DoraEngine
from tests.components import report_of
from tests.splits import Split, alone, splits

TICKS = 25

Error = tuple[str, str, int | None] | None
"""The name of what was raised, by which component, and when."""


def settled(examples: int) -> Any:
    """Return settings for so many examples, always the same ones."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def run(system: Split) -> tuple[RunReport, Error]:
    """Run a system over dora."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        try:
            report = DoraEngine().launch(
                system.spec(), iterations=TICKS, record="all", timeout_s=60
            )
        except ComponentError as raised:
            kind = raised.error.partition(":")[0]
            return report_of(raised), (kind, raised.component, raised.tick)
    return report, None


def check(system: Split) -> None:
    """Compare all that must not depend on the engine."""
    expected = alone(system, TICKS)
    report, error = run(system)

    known = expected.error and (expected.error[0].__name__, *expected.error[1:])
    assert error == known
    assert report.iterations == expected.report.iterations
    assert report.ended_by == expected.report.ended_by
    assert _counts(report) == _counts(expected.report)
    assert same(dict(report.records), dict(expected.report.records))


def _counts(report: RunReport) -> tuple[Any, ...]:
    fired = {name: (x.fired, x.absent) for name, x in report.components.items()}
    return fired, {name: x.messages for name, x in report.connections.items()}


@pytest.mark.usefixtures("launches")
@pytest.mark.timeout(300)
@settled(20)
@given(system=splits())
def test_twenty_systems(system: Split) -> None:
    """Records, counts, messages, errors and the end."""
    check(system)


@pytest.mark.slow
@pytest.mark.usefixtures("launches")
@pytest.mark.timeout(1200)
@settled(100)
@given(system=splits())
def test_a_hundred_systems(system: Split) -> None:
    """And these."""
    check(system)
