"""Tests of what a run says it was doing when it was asked to end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from itertools import count

import pytest

from like_keras_core import Component, LaunchTimeoutError, System
from like_keras_core.report import RunReport
from like_keras_core.runtime.host.firing import Firing
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.testing.components import Count, Scale


class Blocks(Component):
    """Calls a function at a tick, and passes values on.

    Args:
        at: The tick.
        meanwhile: What it calls.
    """

    def __init__(self, at: int, meanwhile: Callable[[], object]) -> None:
        super().__init__("slow")
        self.at = at
        self.meanwhile = meanwhile

    def on_configure(self) -> None:
        self.ticks = count()

    def forward(self, value: int) -> int:
        if next(self.ticks) == self.at:
            self.meanwhile()
        return value


def host_of(*components: Component) -> SingleHost:
    """Return a host that can run."""
    lowered = System([Count(), *components, Scale()]).lower()
    host = SingleHost(lowered.spec, lowered.components)
    host.configure()
    host.activate()
    return host


@pytest.mark.parametrize("tick", [2, 40])
@pytest.mark.parametrize("check", [False, True])
def test_another_thread_sees_which_component_fires(tick: int, check: bool) -> None:
    """At any tick, measured or not, and with wrappers around forward."""
    seen: list[Firing | None] = []
    inside, looked = threading.Event(), threading.Event()

    def meet() -> None:
        inside.set()
        looked.wait(10)

    system = System([Count(), Blocks(tick, meet), Scale()])
    lowered = system.lower()
    host = SingleHost(lowered.spec, lowered.components, check_values=check)
    host.configure()

    def look() -> None:
        inside.wait(10)
        seen.append(host.firing())
        looked.set()

    thread = threading.Thread(target=look)
    thread.start()
    host.run(100)
    thread.join()

    (firing,) = seen
    assert firing is not None
    assert (firing.name, firing.tick) == ("slow", tick)
    assert (firing.duration_s is not None) == (tick == 2)
    assert str(firing).startswith(f"'slow' was inside forward at tick {tick}")


def test_nothing_fires_before_and_after_a_run() -> None:
    """Nor between two ticks, as where progress is told."""
    seen = []
    host = host_of()
    seen.append(host.firing())

    host.run(10, progress=lambda ticks: seen.append(host.firing()))
    seen.append(host.firing())

    assert len(seen) > 2
    assert set(seen) == {None}


def test_the_error_after_a_time_limit_names_who_was_firing() -> None:
    """And how much longer it took, since the run had to wait for it."""
    released = threading.Event()
    system = System([Count(), Blocks(4, lambda: released.wait(0.8)), Scale()])

    with pytest.raises(LaunchTimeoutError) as caught:
        system.launch(10**9, timeout_s=0.4)

    text = str(caught.value)
    assert "with 5 ticks done. 'slow' was inside forward at tick 4; the tick " in text
    assert text.endswith(" more.")
    assert caught.value.report.waited_for[0] in str(caught.value.report)
    assert caught.value.report.to_dict()["waited_for"] == [
        caught.value.report.waited_for[0]
    ]


def interrupted(tick: int) -> RunReport:
    """Return the report of a run whose component is interrupted by Ctrl-C."""

    def ctrl_c() -> None:
        signal.raise_signal(signal.SIGINT)

    return System([Count(), Blocks(tick, ctrl_c), Scale()]).launch()


@pytest.mark.usefixtures("ctrl_c")
def test_the_report_after_ctrl_c_names_who_was_firing() -> None:
    """A signal comes in the same thread, on top of the component."""
    report = interrupted(12)

    assert (report.ended_by, report.iterations) == ("interrupt", 13)
    assert report.waited_for == ("'slow' was inside forward at tick 12.",)


@pytest.mark.usefixtures("ctrl_c")
def test_where_the_firing_was_measured_it_says_for_how_long() -> None:
    """The first ticks are, so a component that hangs at once is."""
    (sentence,) = interrupted(0).waited_for

    assert sentence.startswith("'slow' was inside forward at tick 0, for ")


def test_a_run_that_ends_by_itself_says_nothing() -> None:
    """Nor does one that the program stops."""
    stops: list[Callable[[], object]] = []
    blocks = Blocks(3, lambda: [stop() for stop in stops])
    system = System([Count(), blocks, Scale()])
    ended = system.launch(9)
    stops.append(system.stop)
    stopped = system.launch()

    assert (ended.ended_by, ended.waited_for) == ("iterations", ())
    assert (stopped.ended_by, stopped.waited_for) == ("stop", ())
