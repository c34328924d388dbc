"""Random systems as ROS nodes: they give what one process gives."""

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from like_keras_core import ComponentError, LkWarning, RunReport
from like_keras_core.testing import same
from lk_engine_ros2_stub import Ros2Engine
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
    """Run a system as ROS nodes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        try:
            report = Ros2Engine().launch(
                system.spec(), iterations=TICKS, record="all", timeout_s=60
            )
        except ComponentError as raised:
            kind = raised.error.partition(":")[0]
            return report_of(raised), (kind, raised.component, raised.tick)
    return report, None


@pytest.mark.slow
@pytest.mark.usefixtures("launches")
@pytest.mark.timeout(600)
@settled(30)
@given(system=splits())
def test_thirty_systems(system: Split) -> None:
    """Records, counts, messages, errors and the end."""
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
