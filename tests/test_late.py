"""Tests of `late` and `choices` as options: what they take, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from like_keras_core import Component, GraphError, InputPort, System, SystemSpec
from like_keras_core.errors import CapabilityError
from like_keras_core.graph.choices import Choices
from like_keras_core.launch_options import LaunchOptions
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.testing.components import Count


class Hold(Component):
    """Says what it was given."""

    value = InputPort(int, policy="latest")

    def forward(self, value: int | None) -> int:
        return -1 if value is None else value


def system(**options: Any) -> System:
    """A source, and what takes whatever is there."""
    count, hold = Count(), Hold()
    hold(count())
    return System([count, hold], **options)


def test_a_system_says_what_it_does_with_what_is_late() -> None:
    """In its spec, which is as it was for those that wait."""
    spec = system(rate_hz=100, late="skip").to_spec()

    assert spec.to_dict()["late"] == "skip"
    assert SystemSpec.from_json(spec.to_json()) == spec
    assert System.from_spec(spec).late == "skip"
    assert "late" not in system().to_spec().to_dict()


def test_another_word_is_refused() -> None:
    """By the system, its check, and the launch."""
    robot = system(rate_hz=100)
    with pytest.raises(ValueError, match="late must be 'wait' or 'skip'; got 'drop'"):
        system(late="drop")
    with pytest.raises(ValueError, match="late must be 'wait' or 'skip'; got 3"):
        robot.run(1, late=3)

    robot.late = "drop"

    with pytest.raises(GraphError, match="late is one of 'wait', 'skip'; got 'drop'"):
        robot.run(1)


@pytest.mark.parametrize("said", [{"late": "skip"}, {}])
def test_to_skip_without_a_rate_is_refused(said: dict[str, str]) -> None:
    """With what to give instead."""
    robot = system() if said else system(late="skip")

    with pytest.raises(GraphError, match="needs a rate") as caught:
        robot.run(1, **said)

    assert "System(..., rate_hz=100), or the launch: rate_hz=100" in str(caught.value)
    assert robot.run(1, rate_hz=1000.0, **said).iterations == 1


def test_a_launch_may_say_it_otherwise() -> None:
    """It wins over the system; and without a clock nothing is late."""
    spec = system(rate_hz=100, late="skip").to_spec()

    def told(**options: Any) -> RunOptions:
        return RunOptions.of(spec, LaunchOptions(**options))

    assert told().skips
    assert not told(late="wait").skips
    assert not told(choices=Choices()).skips


def test_an_engine_that_cannot_is_refused_by_name() -> None:
    """As for every capability."""
    from like_keras_core.plugins.engine_registry import get_engine

    robot = system(rate_hz=100, late="skip")
    cls = type(get_engine("native"))
    before, cls.capabilities = cls.capabilities, cls.capabilities - {"late"}
    try:
        with pytest.raises(CapabilityError, match="'late', which is needed for late="):
            robot.run(1)
        with pytest.raises(CapabilityError, match=r"launch\(choices=\.\.\.\)"):
            system().run(1, choices=Choices(ended={"count": 3}))
    finally:
        cls.capabilities = before


def test_choices_of_another_system_are_refused() -> None:
    """By the names that it does not have."""
    choices = Choices(took={"motor.value": ((0, 1, 1, -1, 0),)})

    with pytest.raises(GraphError, match="they name 'motor\\.value', which"):
        system().run(1, choices=choices)


def test_what_was_taken_is_taken_again() -> None:
    """In one process, too, where nothing is ever late."""
    choices = Choices(took={"hold.value": ((1, 3, 1, 0, 1),)}, ended={"count": 4})

    report = system().run(6, record="all", choices=choices.to_dict())

    assert report.records["hold.output"] == [
        *((0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 4))
    ]
    assert report.records["count.output"] == [(tick, tick) for tick in range(5)]
    assert report.choices == choices
    assert report.to_dict()["choices"] == choices.to_dict()
