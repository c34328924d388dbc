"""Ticks in real time, tested with a clock that moves only when it is asked to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from like_keras_core import Component, System
from like_keras_core.runtime.host import pacer as pacer_module
from like_keras_core.runtime.host.pacer import Pacer, most_spin_s
from tests.components import Count, Pass, Sink, counts, records, run

LOOK_S = 1e-6
"""How long it takes to look at the clock."""


class Clock:
    """Time as the pacer sees it; nothing passes but what is said here.

    Args:
        oversleep: How much later than asked the n-th sleep ends [s].
    """

    def __init__(self, oversleep: Callable[[int], float] = lambda n: 0.0) -> None:
        self.now = 1000.0
        self.oversleep = oversleep
        self.sleeps: list[float] = []
        self.on_sleep: Callable[[], object] = lambda: None

    def perf_counter(self) -> float:
        self.now += LOOK_S
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds + self.oversleep(len(self.sleeps))
        self.sleeps.append(seconds)
        self.on_sleep()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The pacer's clock."""
    made = Clock()
    monkeypatch.setattr(pacer_module, "time", made)
    return made


def started(rate_hz: float, is_stopped: Callable[[], bool] = lambda: False) -> Pacer:
    """Return a pacer at its tick 0."""
    pacer = Pacer(rate_hz, is_stopped)
    pacer.start()
    return pacer


def begins(pacer: Pacer, clock: Clock, ticks: int, work: Any = None) -> list[float]:
    """Return when each tick begins, since tick 0; `work(tick)` is its duration [s]."""
    start, found = clock.now, []
    for tick in range(ticks):
        pacer.wait(tick)
        found.append(clock.now - start)
        clock.now += work(tick) if work is not None else 0.0
    return found


@pytest.mark.parametrize("rate_hz", [0.1, 1.0, 30.0, 1000.0])
def test_each_tick_begins_at_its_deadline(clock: Clock, rate_hz: float) -> None:
    """Never before it, and after it by no more than two looks at the clock."""
    found = begins(started(rate_hz), clock, 50)

    errors = [begin - tick / rate_hz for tick, begin in enumerate(found)]
    assert min(errors) >= -1e-9
    assert max(errors) <= 3 * LOOK_S


@pytest.mark.parametrize("oversleep_s", [50e-6, 300e-6, 900e-6])
def test_errors_do_not_add_up(clock: Clock, oversleep_s: float) -> None:
    """After 5000 ticks with a sleepy system the mean rate is exact."""
    clock.oversleep = lambda n: oversleep_s * (n % 7) / 6
    pacer = started(100.0)

    found = begins(pacer, clock, 5001, lambda tick: 1e-4 * (tick % 13))

    assert found[5000] == pytest.approx(50.0, abs=1e-3)
    assert found[5000] >= 50.0 - 1e-9


def test_the_time_that_work_takes_is_part_of_the_period(clock: Clock) -> None:
    """A tick of 9 ms at 100 Hz delays nothing."""
    pacer = started(100.0)

    found = begins(pacer, clock, 20, lambda tick: 0.009)

    assert found[19] == pytest.approx(0.19, abs=1e-5)
    assert pacer.late_ticks == 0


def test_late_ticks_run_at_once_and_are_counted(clock: Clock) -> None:
    """One tick of 35 ms at 100 Hz makes three late; then the deadlines hold again."""
    pacer = started(100.0)

    found = begins(pacer, clock, 8, lambda tick: 0.035 if tick == 1 else 0.0)

    expected = [0.0, 0.01, 0.045, 0.045, 0.045, 0.05, 0.06, 0.07]
    assert found == pytest.approx(expected, abs=1e-5)
    assert pacer.late_ticks == 3


def test_a_late_tick_does_not_sleep(clock: Clock) -> None:
    """It begins as soon as it is asked for."""
    pacer = started(100.0)
    clock.now += 5.0

    pacer.wait(3)

    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("rate_hz", "late_s", "is_late"),
    [
        (1.0, 0.9e-3, False),
        (1.0, 1.1e-3, True),
        (1000.0, 0.05e-3, False),
        (1000.0, 0.15e-3, True),
    ],
)
def test_a_tick_is_late_by_a_tenth_of_its_period_or_a_millisecond(
    clock: Clock, rate_hz: float, late_s: float, is_late: bool
) -> None:
    """Whichever is shorter."""
    pacer = started(rate_hz)
    clock.now += 1 / rate_hz + late_s

    pacer.wait(1)

    assert pacer.late_ticks == is_late


def test_tick_0_begins_at_once(clock: Clock) -> None:
    """Time is counted from it."""
    pacer = started(0.001)

    pacer.wait(0)

    assert clock.sleeps == []
    assert pacer.late_ticks == 0


def test_a_stop_ends_a_long_wait_soon(clock: Clock) -> None:
    """Within a twentieth of a second, and the tick is not counted as late."""
    pacer = started(0.01, lambda: len(clock.sleeps) >= 3)
    start = clock.now

    pacer.wait(1)

    assert clock.now - start < 0.2
    assert pacer.late_ticks == 0


def test_no_sleep_is_longer_than_a_stop_may_take(clock: Clock) -> None:
    """However low the rate."""
    begins(started(0.1), clock, 3)

    assert max(clock.sleeps) <= 0.05


def test_one_long_oversleep_teaches_little(clock: Clock) -> None:
    """It comes once, and no margin would have been enough."""
    clock.oversleep = lambda n: 0.004 if n == 0 else 0.0
    pacer = started(100.0)

    begins(pacer, clock, 3)

    assert pacer.start() - pacer.wakes_at(0) <= 0.0004


def test_an_oversleep_in_a_hundred_is_learned(clock: Clock) -> None:
    """After some of them the ticks are on time, and it still sleeps before each."""
    clock.oversleep = lambda n: 0.0004 if n % 100 == 50 else 0.0001
    pacer = started(1000.0)

    found = begins(pacer, clock, 3000)

    errors = [begin - tick / 1000.0 for tick, begin in enumerate(found)]
    assert max(errors[1000:]) <= 3 * LOOK_S
    assert len(clock.sleeps) == pytest.approx(3000, abs=5)


@pytest.mark.parametrize("rate_hz", [100.0, 1000.0, 5000.0])
def test_the_margin_has_a_bound(clock: Clock, rate_hz: float) -> None:
    """Half of the period or 1 ms, and 0.2 ms however high the rate."""
    pacer = started(rate_hz)
    for _ in range(100):
        pacer.learn(1.0)

    margin = pacer.start() - pacer.wakes_at(0)

    assert margin == pytest.approx(max(2e-4, min(1e-3, 0.5 / rate_hz)))


def test_who_sleeps_in_a_way_of_its_own_changes_no_deadline(clock: Clock) -> None:
    """After a sleep until `wakes_at`, the pacer only spins."""
    pacer = started(100.0)
    start = clock.now

    clock.now = pacer.wakes_at(1)
    pacer.wait(1)

    assert clock.sleeps == []
    assert clock.now - start == pytest.approx(0.01, abs=3 * LOOK_S)


class Worker(Component):
    """Takes time at some ticks.

    Args:
        clock: The clock to move on.
        durations: How long each tick takes [s]; 0 after the last.
    """

    def __init__(self, clock: Clock, durations: list[float]) -> None:
        super().__init__()
        self.clock, self.durations = clock, durations
        self.begins: list[float] = []

    def forward(self) -> int:
        tick = len(self.begins)
        self.begins.append(self.clock.now)
        if tick < len(self.durations):
            self.clock.now += self.durations[tick]
        return tick


def test_a_launch_keeps_its_rate(clock: Clock) -> None:
    """Tick t begins at t / rate, with sampled ticks and without."""
    worker = Worker(clock, [])

    report = run(System([worker, Pass()]), 201, rate_hz=100.0)

    apart = [begin - worker.begins[0] for begin in worker.begins]
    assert apart == pytest.approx([tick / 100 for tick in range(201)], abs=1e-5)
    assert report.late_ticks == 0


def test_a_launch_counts_late_ticks_and_skips_none(clock: Clock) -> None:
    """Records have every tick."""
    worker = Worker(clock, [0.0, 0.035])

    report = run(System([worker]), 10, rate_hz=100.0)

    assert report.late_ticks == 3
    assert records(report, "worker.output") == [(tick, tick) for tick in range(10)]


def test_a_launchs_rate_comes_before_the_systems(clock: Clock) -> None:
    """Which is used where a launch gives none."""
    found = []
    for options in ({}, {"rate_hz": 50.0}):
        system = System([Worker(clock, [])], rate_hz=10.0)
        begins = run(system, 11, **options).instances["worker"].begins
        found.append(begins[10] - begins[0])

    assert found == pytest.approx([1.0, 0.2], abs=1e-5)


def test_a_rate_changes_no_result(clock: Clock) -> None:
    """It is about when, not about what."""
    paced, free = (
        run(System([Count(every=3), Pass(), Sink()]), 100, rate_hz=rate_hz)
        for rate_hz in (100.0, None)
    )

    assert dict(paced.records) == dict(free.records)
    assert counts(paced) == counts(free)
    assert free.late_ticks == 0


def test_stop_while_a_tick_waits_leaves_that_tick_out(clock: Clock) -> None:
    """It has not begun."""
    worker = Worker(clock, [])
    system = System([worker])
    clock.on_sleep = lambda: system.stop() if len(worker.begins) == 3 else None

    report = run(system, None, rate_hz=1.0)

    assert report.ended_by == "stop"
    assert report.iterations == len(worker.begins) == 3


@pytest.mark.parametrize("rate_hz", [0, -1, float("inf"), float("nan")])
def test_a_rate_is_above_zero(rate_hz: float) -> None:
    """Other numbers are refused before anything runs."""
    count = Count()

    with pytest.raises(ValueError, match="rate_hz"):
        run(System([count]), 1, rate_hz=rate_hz)

    assert count.count == 0


@pytest.mark.parametrize("most_spin_s", [100e-6, 400e-6])
def test_it_spins_no_longer_than_it_may(clock: Clock, most_spin_s: float) -> None:
    """However late sleeps end: who spins keeps other threads of Python waiting."""
    clock.oversleep = lambda n: 0.002
    pacer = Pacer(100.0, lambda: False, most_spin_s=most_spin_s)

    start = pacer.start()
    begins(pacer, clock, 50)

    assert start - pacer.wakes_at(0) == pytest.approx(most_spin_s, abs=1e-9)


def test_a_short_spin_keeps_the_deadlines(clock: Clock) -> None:
    """Each tick is late by its own oversleep, and errors do not add up."""
    clock.oversleep = lambda n: 300e-6
    pacer = Pacer(100.0, lambda: False, most_spin_s=most_spin_s(has_workers=True))
    pacer.start()

    found = begins(pacer, clock, 500)

    errors = [begin - tick / 100 for tick, begin in enumerate(found)]
    assert max(errors) <= 300e-6
    assert pacer.late_ticks == 0


def test_a_wait_can_be_used(clock: Clock) -> None:
    """Its length is known, and what it is used for shortens the sleep."""
    given: list[float] = []

    def use(left_s: float) -> None:
        given.append(left_s)
        clock.now += max(0.0, left_s - 0.001)

    pacer = Pacer(100.0, lambda: False, idle=use)
    pacer.start()
    found = begins(pacer, clock, 3, lambda tick: 0.025 if tick == 1 else 0.0)

    assert found == pytest.approx([0.0, 0.01, 0.035], abs=1e-4)
    assert given[1] == pytest.approx(0.0097, abs=1e-4)
    assert given[2] < 0  # Tick 2 is late.
    assert max(clock.sleeps) <= 0.001
