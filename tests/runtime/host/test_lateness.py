"""Tests of `late="skip"` on one host, with a clock that the components set."""

from __future__ import annotations

from typing import Any

import pytest

from like_keras_core import Component, EndOfStream, InputPort, System
from like_keras_core.graph.choices import Choices
from like_keras_core.runtime.host.pacer import Pacer
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.testing.components import Count


class Clock(Pacer):
    """One tick a second, and a time that whoever is slow moves on."""

    def __init__(self) -> None:
        super().__init__(1.0, lambda: False)
        self.time = 0.0

    def start(self) -> float:
        self._start = 0.0
        return 0.0

    def now(self) -> float:
        return self.time

    def wait(self, tick: int) -> None:
        self.time = max(self.time, float(tick))


class Slow(Component):
    """Takes its time at some firings, and fails or ends at one.

    Args:
        clock: What it moves on.
        lasts: By firing, how long it takes [s].
        raises: By firing, what it raises.
    """

    def __init__(
        self,
        clock: Clock,
        lasts: dict[int, float],
        raises: dict[int, BaseException] | None = None,
    ) -> None:
        super().__init__()
        self.clock, self.lasts, self.raises = clock, lasts, raises or {}
        self.fired = -1

    def forward(self) -> int:
        self.fired += 1
        self.clock.time += self.lasts.get(self.fired, 0.0)
        if self.fired in self.raises:
            raise self.raises[self.fired]
        return self.fired


class Motor(Component):
    """Keeps when it fires."""

    command = InputPort(int, policy="hold")

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock, self.times = clock, list[float]()

    def forward(self, command: int | None) -> int:
        self.times.append(self.clock.time)
        return -1 if command is None else command


class Log(Component):
    """Reads each value."""

    def forward(self, value: int) -> int:
        return value


def run(
    parts: list[Component], clock: Clock, ticks: int, **options: Any
) -> tuple[SingleHost, Any]:
    """Run components on one host, and return what was raised, too."""
    lowered = System(parts).lower()
    options = {"skips": True, **options}
    host = SingleHost(lowered.spec, lowered.components, record="all", **options)
    host.configure()
    host.activate()
    failure = host.run(ticks, rate_hz=1.0, pacer=clock)
    host.note(failure)
    host.deactivate()
    host.shutdown()
    return host, failure


def robot(clock: Clock, **slow: Any) -> list[Component]:
    """A slow source, what reads each of its values, and a motor."""
    source, log, motor = Slow(clock, **slow), Log(), Motor(clock)
    motor(log(source()))
    return [source, log, motor]


def test_a_tick_that_is_over_is_left_out() -> None:
    """By what no sync input fires; what reads them is absent as they are.

    Tick 5 is not over, half a second late. But its command would come at once after
    that of tick 2, and so would the value that the source sends.
    """
    clock = Clock()

    host, _ = run(robot(clock, lasts={2: 3.5}), clock, 8)
    report = host.report("single")

    skipped = report.choices.skipped
    assert skipped == {"slow": ((3, 3, 1),), "motor": ((3, 3, 1),)}
    fired = {name: item.fired for name, item in report.components.items()}
    assert fired == {"slow": 5, "log": 5, "motor": 5}
    assert [tick for tick, _ in host.recorded()["motor.output"]] == [0, 1, 2, 6, 7]


def test_less_than_a_quarter_of_a_period_is_too_late() -> None:
    """So that the next firing does not come closer than that."""
    clock = Clock()
    in_time, over = robot(clock, lasts={0: 1.7}), robot(clock, lasts={0: 1.8})

    first, _ = run(in_time, clock, 3)
    clock.time = 0.0
    second, _ = run(over, clock, 3)

    assert "slow" not in first.choices().skipped
    assert second.choices().skipped["slow"] == ((1, 1, 1),)


@pytest.mark.parametrize("lasts", [{1: 1.7}, {1: 2.74}, {1: 0.9, 2: 0.9, 3: 5.6}])
def test_a_motor_never_fires_twice_within_a_quarter(lasts: dict[int, float]) -> None:
    """Also where the tick before it ended late, and the next one is not over."""
    clock = Clock()
    parts = robot(clock, lasts=lasts)
    motor: Any = parts[2]

    host, _ = run(parts, clock, 12)

    apart = [b - a for a, b in zip(motor.times, motor.times[1:], strict=False)]
    assert min(apart) >= 0.25
    again, _ = run(robot(Clock(), lasts={}), Clock(), 12, choices=host.choices())
    assert again.recorded() == host.recorded()


class Drive(Component):
    """Keeps when a value fires it, and is held up on the way to it at some ticks."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock, self.times = clock, list[float]()

    def forward(self, value: int) -> int:
        self.times.append(self.clock.time)
        return value


class Held(Slow):
    """Passes its value on, after its time."""

    def forward(self, value: int) -> int:  # type: ignore[override]
        super().forward()
        return value


@pytest.mark.parametrize(
    ("lasts", "left_out"),
    [
        ({2: 3.6}, 3),
        ({2: 3.8}, 4),
        ({2: 1.05}, 1),
        ({1: 0.9, 2: 0.05}, 1),
        (dict.fromkeys(range(20), 0.8), 0),
    ],
)
def test_what_others_fire_does_not_fire_twice_within_a_quarter(
    lasts: dict[int, float], left_out: int
) -> None:
    """Where the tick before was held up between the two; but regular ones all fire."""
    clock = Clock()
    source, held, drive = Slow(clock, {}), Held(clock, lasts), Drive(clock)
    drive(held(source()))

    host, _ = run([source, held, drive], clock, 12)

    apart = [b - a for a, b in zip(drive.times, drive.times[1:], strict=False)]
    assert min(apart) >= 0.25
    skipped = host.choices().skipped.get("slow", ())
    assert sum(count for _, count, _ in skipped) == left_out
    assert len(drive.times) == 12 - left_out
    counts = host.report("single").components
    assert counts["slow"].fired == counts["drive"].fired


def test_late_values_are_not_lost_on_their_way() -> None:
    """A sync input fires whoever it feeds, however late it is."""
    clock = Clock()

    host, _ = run(robot(clock, lasts={1: 9.0}), clock, 5)

    records = host.recorded()
    assert records["log.output"] == records["slow.output"]


def test_nothing_is_left_out_in_time() -> None:
    """And nothing is chosen."""
    host, _ = run(robot(Clock(), lasts={}), Clock(), 5)

    assert host.choices() == Choices()
    assert host.report("single").components["motor"].fired == 5


def test_a_failure_stops_the_run_behind_its_tick() -> None:
    """The others fire in that tick, and what they have sent counts."""
    clock = Clock()

    host, failure = run(robot(clock, lasts={}, raises={2: ValueError("no")}), clock, 9)
    report = host.report("single")

    assert (failure.name, failure.tick) == ("slow", 2)
    assert (report.ended_by, report.iterations) == ("error", 3)
    assert report.choices.ended == {"slow": 2}
    fired = {name: item.fired for name, item in report.components.items()}
    assert fired == {"slow": 2, "log": 2, "motor": 3}
    assert report.connections["slow.output -> log.value"].messages == 2


def test_a_failure_is_repeated_while_the_others_go_on() -> None:
    """It fails again where it failed, and the run ends where it ended."""
    clock = Clock()
    fails = {"lasts": {}, "raises": {2: ValueError("no")}}
    host, _ = run(robot(clock, **fails), clock, 9)

    again, failure = run(
        robot(clock, **fails), clock, host.cut.tick, skips=False, choices=host.choices()
    )

    assert again.recorded() == host.recorded()
    assert (failure.name, failure.tick, again.ended_by) == ("slow", 2, "error")
    assert again.choices() == host.choices()


def test_the_end_of_a_stream_stops_the_run_likewise() -> None:
    """No command of its tick is cut out."""
    clock = Clock()

    host, failure = run(robot(clock, lasts={}, raises={2: EndOfStream()}), clock, 9)

    assert failure is None
    assert (host.ended_by, host.cut.tick) == ("end of stream", 3)
    assert len(host.recorded()["motor.output"]) == 3


def test_a_source_that_fires_rarely_is_left_out_at_its_ticks_only() -> None:
    """At the others it would not have fired."""
    clock = Clock()
    slow, count = Slow(clock, {1: 4.0}), Count(every=3)

    host, _ = run([slow, count], clock, 9)

    assert host.choices().skipped == {"slow": ((2, 3, 1),), "count": ((3, 1, 1),)}
