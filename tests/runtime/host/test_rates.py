"""Rates that are any part of the system's, and what components read of its clock."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from like_keras_core import Component, InputPort, System
from like_keras_core.testing import run as run_alone
from like_keras_core.testing.components import Count
from tests.components import Ticks, Times, failed, run, ticks, values


class Loop(Component):
    """Fires at its own rate, and holds its input."""

    image = InputPort(int, policy="hold")

    def forward(self, image: int | None) -> Any:
        return image, self.dt


def test_a_robot_of_several_rates() -> None:
    """200, 100, 30 and 5 Hz: each fires at the first tick that is not too early."""
    imu, loop = Ticks("imu"), Loop("loop", rate_hz=100)
    camera, planner = Ticks("camera", rate_hz=30), Ticks("planner", rate_hz=5)
    loop(camera())
    system = System([imu, loop, camera, planner], rate_hz=200)

    report = run(system, 81, speed=None)

    assert ticks(report, "imu.output") == list(range(81))
    assert ticks(report, "loop.output") == list(range(0, 81, 2))
    assert ticks(report, "camera.output") == [
        *(0, 7, 14, 20, 27, 34, 40, 47, 54, 60, 67, 74, 80)
    ]
    assert ticks(report, "planner.output") == [0, 40, 80]
    images = values(report, "loop.output")
    assert [image for image, _ in images[:8]] == [0, 0, 0, 0, 7, 7, 7, 14]


@pytest.mark.parametrize(
    "every", [Fraction(3, 2), Fraction(20, 3), Fraction(1001, 1000), Fraction(7, 6)]
)
@pytest.mark.parametrize("checks", [False, True])
def test_every_may_be_a_fraction(every: Fraction, checks: bool) -> None:
    """The n-th firing is at ceil(n * every)."""
    report = run(System([Count(every=every)]), 300, check_values=checks)

    due = [ceil(n * every) for n in range(300)]
    assert ticks(report, "count.output") == [tick for tick in due if tick < 300]


def test_a_component_reads_the_clock_of_the_system() -> None:
    """`dt` is the time since it fired before, and at first the period."""
    camera, times = Ticks("camera", rate_hz=30), Times()
    times(camera())

    report = run(System([camera, times], rate_hz=200), 21, speed=None)

    assert values(report, "times.output") == [
        (0, 0.0, 1 / 30),
        (7, 0.035, 7 / 200),
        (14, 0.07, 7 / 200),
        (20, 0.1, 6 / 200),
    ]


def test_a_firing_that_is_absent_makes_a_longer_dt() -> None:
    """What counts is when the component fired, not when it could have."""

    class Some(Component):
        def forward(self) -> int | None:
            return 1 if self.tick in (0, 1, 5) else None

    some, times = Some(), Times()
    times(some())

    report = run(System([some, times], rate_hz=10), 8, speed=None)

    assert [dt for _, _, dt in values(report, "times.output")] == [0.1, 0.1, 0.4]


def test_the_speed_changes_no_time_of_the_system() -> None:
    """Nor does a rate of the launch, where the system has one."""
    given: list[dict[str, Any]] = [
        *({}, {"speed": None}, {"speed": 50.0}, {"rate_hz": 5000.0})
    ]
    found = []

    for options in given:
        count, loop = Ticks(), Loop()
        loop(count())
        report = run(System([count, loop], rate_hz=500), 9, **options)
        found.append(report.records)

    assert found == [found[0]] * 4


def test_a_rate_of_a_launch_is_a_speed_or_the_rate() -> None:
    """It is the rate of a system without one."""
    paced = System([Ticks()], rate_hz=1000).launch(11, rate_hz=50)
    given = run(System([Ticks(), Times()]), 2, rate_hz=1000.0)

    assert paced.duration_s >= 0.2
    assert paced.spec is not None
    assert paced.spec.rate_hz == 1000
    assert values(given, "times.output") == [(0, 0.0, 0.001), (1, 0.001, 0.001)]


def test_a_system_without_a_rate_has_no_seconds() -> None:
    """The error says what to write; ticks there are."""

    class Reader(Component):
        def __init__(self, name: str) -> None:
            super().__init__("reader")
            self.what = name

        def forward(self) -> float:
            return float(getattr(self, self.what))

    for name in ("time_s", "dt"):
        error = failed(System([Reader(name)]), 1)

        assert isinstance(error.__cause__, AttributeError)
        assert f"{name} of 'reader' is in seconds" in str(error)
        assert "has no rate. Write System(..., rate_hz=200)" in str(error)


def test_dt_may_be_read_in_what_a_class_calls() -> None:
    """Its own functions, and a `getattr`; elsewhere nobody has noted it."""

    class Calls(Component):
        def forward(self) -> float:
            return step_of(self)

    class Gets(Component):
        def forward(self) -> float:
            return float(getattr(self, "dt"))  # noqa: B009

    class Decorated(Component):
        @plainly
        def forward(self) -> float:
            return float(self.dt)

    class Hides(Component):
        def forward(self) -> float:
            return float(getattr(self, NAME[1:]))

    report = run(System([Calls(), Gets(), Decorated()], rate_hz=1000), 2)

    for name in ("calls", "gets", "decorated"):
        assert values(report, f"{name}.output") == [1e-3] * 2
    error = failed(System([Hides()], rate_hz=1000), 1)
    assert "dt of 'hides' is read by code outside" in str(error)


NAME = "_dt"


def plainly(function: Any) -> Any:
    """Decorate a method, and say nothing of what is inside."""

    def forward(self: Component) -> float:
        return float(function(self))

    return forward


def step_of(component: Component) -> float:
    """Return the time since a component fired."""
    return float(component.dt)


def test_what_does_not_read_dt_is_not_slowed() -> None:
    """Its `forward` is called as it is; only that of a reader is followed."""
    source, times = Ticks(), Times()
    times(source())

    run(System([source, times], rate_hz=1000), 2)

    assert source._lk.begins is None
    assert times._lk.begins == [0, 1]


def test_hooks_know_the_period() -> None:
    """A filter may be designed before the first tick; there is no time then."""

    class Filter(Component):
        def on_configure(self) -> None:
            self.period = self.dt
            with pytest.raises(AttributeError, match="there is none"):
                print(self.time_s)

        def forward(self) -> float:
            return float(self.period)

    report = run(System([Filter(rate_hz=30)], rate_hz=200), 1)

    assert values(report, "filter.output") == [1 / 30]


def test_a_component_alone_has_a_clock() -> None:
    """That which is said, else its own rate; called by hand it has none."""
    assert run_alone(Times(), value=[1, None, 1], rate_hz=100) == [
        (0, 0.0, 0.01),
        None,
        (2, 0.02, 0.02),
    ]
    assert run_alone(Loop(rate_hz=50), image=[1, 2]) == [(1, 0.02), (2, 0.02)]
    times = Times()
    assert times.tick is None
    with pytest.raises(AttributeError, match=r"testing.run\(component, rate_hz="):
        times(1)
    times.tick, times.time_s, times.dt = 3, 0.3, 0.1
    assert times(1) == (3, 0.3, 0.1)


def test_an_input_may_be_called_rate_hz() -> None:
    """It was one before `run` had a rate."""

    class Echo(Component):
        def forward(self, rate_hz: int) -> int:
            return rate_hz

    assert run_alone(Echo(), rate_hz=[3, 4]) == [3, 4]


def test_seconds_are_ticks_of_the_system() -> None:
    """Rounded up, by the system's clock whatever the speed."""
    system = System([Count()], rate_hz=100)

    assert system.launch(seconds=0.07, speed=None).iterations == 7
    assert system.launch(seconds=0.071, speed=20).iterations == 8
    assert System([Count()]).launch(seconds=0.1, rate_hz=1000).iterations == 100


def test_a_summary_says_the_rate() -> None:
    """In ticks, and in Hz where there is a rate."""
    system = System([Ticks(rate_hz=30)], rate_hz=200)

    assert "ticks (every 20/3, 30 Hz)" in system.summary()
    assert "ticks every 20/3, 30 Hz" in system.to_mermaid()
    assert "count (every 3)" in System([Count(every=3)]).summary()
