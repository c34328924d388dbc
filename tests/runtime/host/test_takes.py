"""Tests of components that take ticks, in one process: the table, threads, and ends."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from like_keras_core import (
    Component,
    ComponentError,
    EndOfStream,
    InputPort,
    LkWarning,
    System,
    Tap,
)
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.host.worker import Job
from like_keras_core.testing.components import Count
from tests.components import (
    Sink,
    counts,
    failed,
    messages,
    records,
    report_of,
    run,
)
from tests.slow_components import Held, Slow

pytestmark = pytest.mark.timeout(60)


def slow_system(takes: int = 3, **options: Any) -> System:
    """Return a counter, what takes ticks, and a reader that holds."""
    count, slow, held = Count(), Slow(takes=takes, **options), Held()
    held(slow(count()))
    return System([count, slow, held])


def test_a_result_belongs_to_the_tick_that_many_later() -> None:
    """It takes 0, is busy, takes 3, and so on; readers see each result at its tick."""
    report = run(slow_system(), 8)

    assert records(report, "slow.output") == [(3, 0), (6, 30)]
    assert records(report, "held.output") == [
        (3, 0),
        (4, 0),
        (5, 0),
        (6, 30),
        (7, 30),
    ]
    assert counts(report)["slow"] == (2, 6)
    assert counts(report)["held"] == (8, 0)
    assert messages(report) == {
        "count.output -> slow.value": 8,
        "slow.output -> held.value": 2,
    }


class Split(NamedTuple):
    """Two ports."""

    left: int | None
    right: int | None


class Splitter(Component):
    """Gives even values on the left, others on the right."""

    takes = 2

    def forward(self, value: int) -> Split:
        even = value % 2 == 0
        return Split(value if even else None, None if even else value)


def test_each_port_of_a_result_comes_at_its_tick() -> None:
    """A port that is left out sends nothing at the tick of the result."""
    count, splitter = Count(), Splitter()
    splitter(count())

    report = run(System([count, splitter]), 7)

    assert records(report, "splitter.left") == [(2, 0), (4, 2), (6, 4)]
    assert records(report, "splitter.right") == []
    assert counts(report)["splitter"] == (3, 4)


def test_results_come_before_all_firings_of_their_tick() -> None:
    """A reader earlier in the list of components sees the result at its very tick."""
    held, slow, count = Held(), Slow(takes=1), Count()
    held(slow.outputs.output)
    slow(count())

    report = run(System([held, slow, count]), 4)

    assert records(report, "held.output") == [(1, 0), (2, 10), (3, 20)]


def test_a_delay_after_it_adds_one_tick() -> None:
    """Readers by sync, by delay and by hold read the row of its results."""
    count, slow, late = Count(), Slow(takes=2), Held(name="late")
    slow(count())
    late(slow.outputs.output.delay(initial=-1))
    sink = Sink()
    sink(slow.outputs.output)

    report = run(System([count, slow, late, sink]), 6)

    assert records(report, "slow.output") == [(2, 0), (4, 20)]
    assert records(report, "late.output") == [
        *((t, -1) for t in (0, 1, 2)),
        *((3, 0), (4, 0), (5, 20)),
    ]
    assert sink.received == [0, 20]
    assert counts(report)["sink"] == (2, 4)


class Source(Component):
    """Gives how often it has fired before."""

    fired = 0

    def forward(self) -> int:
        self.fired += 1
        return self.fired - 1


def test_a_source_begins_when_it_is_due_and_free() -> None:
    """With every=2 and takes=3 it begins at 0, 4, 8: at 2 and 6 it is busy."""
    with pytest.warns(LkWarning, match="fires only once in 4 ticks"):
        report = run(System([Source(every=2, takes=3)]), 12)

    assert records(report, "source.output") == [(3, 0), (7, 1), (11, 2)]
    assert counts(report) == {"source": (3, 9)}


class Integrator(Component):
    """Adds up what it holds of itself."""

    value = InputPort(int, policy="hold")

    def forward(self, value: int | None) -> int:
        return 1 if value is None else value + 1


def test_a_cycle_through_it_needs_no_delay() -> None:
    """What it sends itself is there, at the earliest, when its result is."""
    loop = Integrator(takes=2)
    loop(loop.outputs.output)

    report = run(System([loop]), 7)

    assert records(report, "integrator.output") == [(2, 1), (4, 2), (6, 3)]


def test_several_of_them_run_at_the_same_time() -> None:
    """Each has a thread: two that wait for each other get on."""
    barrier = threading.Barrier(2)

    class Meets(Component):
        takes = 2

        def forward(self) -> int:
            return barrier.wait(20) * 0

    report = run(System([Meets(name="a"), Meets(name="b")]), 5)

    assert records(report, "a.output") == records(report, "b.output")
    assert records(report, "a.output") == [(2, 0), (4, 0)]


class Threads(Component):
    """Remembers in which thread each of its methods was called."""

    takes = 1

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.calls: list[tuple[str, str]] = []

    def note(self, method: str) -> None:
        self.calls.append((method, threading.current_thread().name))

    def on_configure(self) -> None:
        self.note("on_configure")

    def on_activate(self) -> None:
        self.note("on_activate")

    def forward(self) -> None:
        self.note("forward")

    def on_deactivate(self) -> None:
        self.note("on_deactivate")

    def on_shutdown(self) -> None:
        self.note("on_shutdown")


def test_its_hooks_and_firings_run_in_one_thread_that_ends() -> None:
    """From on_configure to on_shutdown; no thread and no setting of it is left."""
    component, before = Threads(), sys.getswitchinterval()
    intervals: list[float] = []

    class Looks(Component):
        def forward(self) -> None:
            intervals.append(sys.getswitchinterval())

    run(System([component, Looks()]), 3)

    hooks = ("on_configure", "on_activate")
    ends = ("on_deactivate", "on_shutdown")
    expected = [*hooks, "forward", "forward", "forward", *ends]
    assert component.calls == [(method, "threads") for method in expected]
    assert not [x for x in threading.enumerate() if x.name == "threads"]
    assert max(intervals) <= 5e-4
    assert sys.getswitchinterval() == before


def test_logs_and_random_numbers_are_those_of_the_begin(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A log record has the tick at which the firing began; `rng` gives one sequence."""

    class Logs(Component):
        def forward(self, value: int) -> float:
            self.log.warning("at %d", value)
            return float(self.rng.random())

    def drawn(takes: int) -> list[float]:
        count, logs = Count(), Logs(takes=takes)
        logs(count())
        report = run(System([count, logs]), 10, seed=3)
        return [value for _, value in records(report, "logs.output")]

    with caplog.at_level(logging.WARNING):
        numbers = drawn(3)

    ticks = [item.tick for item in caplog.records if hasattr(item, "tick")]
    assert ticks == [0, 3, 6, 9]
    assert numbers == drawn(0)[:3]


class Reuses(Component):
    """Sends the same list, which it fills again at each tick."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = [0]
        self.fired = 0

    def forward(self) -> list[int]:
        self.buffer[0] = self.fired
        self.fired += 1
        return self.buffer


def test_it_is_given_copies() -> None:
    """Its producer may fill its memory again while it is at work."""
    gate = threading.Event()

    class Reads(Component):
        takes = 3

        def forward(self, value: list[int]) -> int:
            assert gate.wait(20)
            return value[0]

    class Opens(Component):
        def forward(self, value: int) -> None:
            if value == 2:
                gate.set()

    reuses, reads, count, opens = Reuses(), Reads(), Count(), Opens()
    reads(reuses())
    opens(count())

    report = run(System([reuses, reads, count, opens]), 4)

    assert records(report, "reads.output") == [(3, 0)]


class Lists(Component):
    """Sends a new list each tick."""

    def forward(self) -> list[int]:
        return [0]


class Changes(Component):
    """Changes what it is given."""

    def forward(self, value: list[int]) -> None:
        value.append(1)


def test_check_values_finds_one_that_changes_what_it_received() -> None:
    """At the tick of its result."""
    source, changes = Lists(), Changes(takes=2)
    changes(source())

    error = failed(System([source, changes]), 9, check_values=True)

    assert (error.component, error.tick) == ("changes", 2)
    assert "changed the value of 'changes.value'" in str(error)


def test_check_values_looks_at_its_result_when_that_is_due() -> None:
    """Who changes it is named as for any other value."""
    source, changes = Lists(), Changes()

    class Gives(Component):
        def forward(self, value: list[int]) -> list[int]:
            return [*value]

    gives = Gives(takes=2)
    changes(gives(source()))

    error = failed(System([source, gives, changes]), 9, check_values=True)

    assert (error.component, error.tick) == ("changes", 2)


class Raises(Component):
    """Raises at its second firing."""

    def __init__(self, error: BaseException, takes: int) -> None:
        super().__init__(takes=takes)
        self.error = error
        self.fired = 0

    def forward(self, value: int) -> int:
        self.fired += 1
        if self.fired == 2:
            raise self.error
        return value


def raising(error: BaseException) -> System:
    """Return a system whose firing that began at tick 3 raises."""
    count, raises = Count(), Raises(error, 3)
    raises(count())
    return System([count, raises])


@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(3), asyncio.CancelledError()]
)
def test_what_it_raises_belongs_to_the_tick_of_its_result(error: BaseException) -> None:
    """The error says also when it began; the run counts up to that tick."""
    caught = failed(raising(error), 20)

    assert (caught.component, caught.phase, caught.tick) == ("raises", "forward", 6)
    assert "the firing began at tick 3" in str(caught)
    assert "in forward at tick 6" in str(caught)
    assert "test_takes.py" in caught.place
    assert caught.__cause__ is error
    report = report_of(caught)
    assert report.iterations == 6
    assert counts(report) == {"count": (6, 0), "raises": (1, 5)}


def test_its_end_of_stream_belongs_to_the_tick_of_its_result() -> None:
    """Nothing of that tick counts."""
    report = run(raising(EndOfStream()), 20)

    assert (report.iterations, report.ended_by) == (6, "end of stream")
    assert counts(report) == {"count": (6, 0), "raises": (1, 5)}


def test_what_is_due_beyond_the_end_is_dropped() -> None:
    """Neither its result nor its error counts; its thread has ended before."""
    report = run(raising(ValueError("too late")), 6)

    assert (report.iterations, report.ended_by) == (6, "iterations")
    assert counts(report)["raises"] == (1, 5)


def test_one_that_fires_before_it_in_the_tick_may_fail_first() -> None:
    """Results come first: an error of a result wins over one of a firing."""

    class Fails(Component):
        def forward(self, value: int) -> None:
            if value == 6:
                raise RuntimeError("at the same tick")

    count, fails, raises = Count(), Fails(), Raises(ValueError("no"), 3)
    fails(count())
    raises(count.outputs.output)

    error = failed(System([count, fails, raises]), 20)

    assert (error.component, error.tick) == ("raises", 6)
    assert counts(report_of(error))["fails"] == (6, 0)


def stop_when(
    system: System, ready: threading.Event, stopped: threading.Event | None = None
) -> None:
    """Stop a system, in a thread, once an event has happened; set another one then."""

    def stop() -> None:
        assert ready.wait(20)
        system.stop()
        if stopped is not None:
            stopped.set()

    threading.Thread(target=stop, daemon=True).start()


def test_the_wait_for_a_result_hears_a_stop() -> None:
    """The tick that waits does not begin; the firing ends, and is dropped."""
    almost, stopped = threading.Event(), threading.Event()

    class Waits(Component):
        takes = 2
        is_done = False

        def forward(self) -> int:
            assert stopped.wait(20)
            self.is_done = True
            return 1

        def on_deactivate(self) -> None:
            assert self.is_done

    class Tells(Component):
        def forward(self, value: int) -> None:
            if value == 1:
                almost.set()

    count, tells = Count(), Tells()
    tells(count())
    system = System([Waits(), count, tells])
    stop_when(system, almost, stopped)

    report = run(system, None)

    assert (report.iterations, report.ended_by) == (2, "stop")
    assert counts(report) == {"waits": (0, 2), "count": (2, 0), "tells": (2, 0)}


class Hangs(Component):
    """Does not return from its first firing while `hangs`."""

    def __init__(self, *, in_python: bool) -> None:
        super().__init__(takes=2)
        self.in_python = in_python
        self.begun = threading.Event()
        self.free = threading.Event()
        self.called: list[str] = []

    def forward(self) -> None:
        self.begun.set()
        if not self.in_python:
            self.free.wait()
        while not self.free.is_set():
            pass

    def on_deactivate(self) -> None:
        self.called.append("on_deactivate")


class Motor(Component):
    """Knows whether it was switched off."""

    is_off = False

    def forward(self, value: int) -> None:
        pass

    def on_deactivate(self) -> None:
        self.is_off = True


@pytest.mark.parametrize("in_python", [True, False])
def test_a_firing_that_does_not_return_is_named(in_python: bool) -> None:
    """Python code is interrupted; foreign code is left, with no hook beside it."""
    hangs, count, motor = Hangs(in_python=in_python), Count(), Motor()
    motor(count())
    system = System([hangs, count, motor])
    stop_when(system, hangs.begun)

    error = failed(system, None, stop_grace_s=0.3)

    hangs.free.set()
    assert (error.component, error.phase, error.tick) == ("hangs", "forward", 2)
    assert "it began at tick 0 and did not return within stop_grace_s=0.3" in str(error)
    assert "in forward\n" in str(error)
    assert hangs.called == (["on_deactivate"] if in_python else [])
    assert motor.is_off
    assert report_of(error).iterations <= 2


@pytest.mark.parametrize("in_python", [True, False])
def test_firings_that_do_not_return_share_the_grace(in_python: bool) -> None:
    """So that a motor does not stay on for as many times as long."""
    hangs = [Hangs(in_python=in_python) for _ in range(5)]
    count, motor = Count(), Motor()
    motor(count())
    system = System([count, motor, *hangs])
    stop_when(system, hangs[-1].begun)
    began = time.monotonic()

    error = failed(system, None, stop_grace_s=1.0)

    assert time.monotonic() - began < 3.5
    for item in hangs:
        item.free.set()
    assert motor.is_off
    assert all(f"'hangs_{n}' in forward" in str(error) for n in (1, 2, 3, 4))
    called = ["on_deactivate"] if in_python else []
    assert [item.called for item in hangs] == [called] * 5


def test_a_hook_that_does_not_return_is_named() -> None:
    """As for any component, with the stack of its own thread."""

    class Stays(Component):
        takes = 1

        def forward(self) -> None:
            pass

        def on_deactivate(self) -> None:
            while True:
                pass

    error = failed(System([Stays()]), 2, stop_grace_s=0.3)

    assert (error.component, error.phase) == ("stays", "on_deactivate")
    assert "in on_deactivate\n" in str(error)


def test_who_waits_says_for_what() -> None:
    """After a timeout the error names the firing that the tick waited for."""
    free = threading.Event()

    class Detector(Component):
        takes = 3

        def forward(self) -> None:
            free.wait(2.0)

    with pytest.raises(
        TimeoutError, match="'detector' was inside forward, which began"
    ):
        run(System([Detector()]), None, timeout_s=0.3)
    free.set()


def test_results_that_come_too_late_for_a_rate_are_counted() -> None:
    """`overruns` of what it has under way; without a rate nothing is due."""

    class Sleeps(Component):
        takes = 1

        def forward(self) -> None:
            time.sleep(0.02)

    def overruns(rate_hz: float | None) -> int:
        lowered = System([Sleeps()]).lower()
        host = SingleHost(lowered.spec, lowered.components)
        host.configure()
        host.activate()
        host.run(5, rate_hz=rate_hz)
        host.deactivate()
        host.shutdown()
        return host.pending["sleeps"].overruns

    assert overruns(500.0) == 4
    assert overruns(None) == 0


def test_durations_are_those_of_the_work() -> None:
    """Not those of handing it over."""

    class Sleeps(Component):
        takes = 5

        def forward(self) -> None:
            time.sleep(0.01)

    report = run(System([Sleeps()]), 21)

    found = report.components["sleeps"]
    assert found.fired == 4
    assert found.latency_p50_s is not None
    assert found.latency_p50_s >= 0.01
    assert found.busy_s >= 0.04


def test_taps_see_a_result_at_its_tick() -> None:
    """As they see any value."""
    seen: list[tuple[int, Any]] = []
    count, slow = Count(), Slow(takes=3)
    slow(count())
    _seen_by.append(lambda tick, value: seen.append((tick, value)))

    run(
        System([count, slow]), 7, taps=[Tap(slow.outputs.output, f"{__name__}:Watches")]
    )

    _seen_by.clear()
    assert seen == [(3, 0), (6, 30)]


_seen_by: list[Callable[[int, Any], object]] = []


class Watches:
    """A tap that tells a test what it sees."""

    def __call__(self, tick: int, value: Any) -> None:
        _seen_by[0](tick, value)


class Actor:
    """A worker without a thread: its job runs when it is waited for."""

    thread = None

    def __init__(self, name: str, woken: Callable[[], object]) -> None:
        self.job: Job | None = None

    @property
    def is_idle(self) -> bool:
        return self.job is None

    def start(self, job: Job) -> None:
        self.job = job

    def wait(self, timeout_s: float) -> bool:
        job, self.job = self.job, None
        if job is not None:
            job()
        return True

    def interrupt(self) -> None:
        raise AssertionError("nothing hangs")

    def close(self) -> None:
        pass


def test_a_simulation_may_take_the_place_of_threads() -> None:
    """A host makes workers by the factory that it is given."""
    lowered = slow_system().lower()
    host = SingleHost(lowered.spec, lowered.components, record="all", worker=Actor)
    host.configure()
    host.activate()
    before = threading.active_count()

    failure = host.run(8)

    assert failure is None
    assert threading.active_count() == before
    assert host.recorded()["slow.output"] == [(3, 0), (6, 30)]


def test_systems_without_them_are_generated_as_before() -> None:
    """No line is about results."""
    count, slow, held = Count(), Slow(), Held()
    held(slow(count()))
    lowered = System([count, slow, held]).lower()
    host = SingleHost(lowered.spec, lowered.components)
    host.configure()

    (schedule,) = host._schedules()

    assert "pending" not in schedule.source
    assert "@results" not in schedule.source
    host.shutdown()


def test_an_error_keeps_what_had_counted() -> None:
    """`ComponentError` carries the report, as for any component."""
    with pytest.raises(ComponentError) as caught:
        raising(ValueError("no")).launch(20, engine="native")

    assert report_of(caught.value).iterations == 6
