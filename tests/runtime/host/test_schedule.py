"""Tests of the generated source: where it can be read, and for how long."""

from __future__ import annotations

import gc
import linecache
import traceback
from typing import Any

import pytest

from like_keras_core import Component, ComponentError, System
from like_keras_core.runtime.host.schedule import Schedule
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.testing.components import Count, Scale


class Interrupted(Component):
    """Lets Ctrl-C through, which is no error of a component."""

    def forward(self, value: int) -> int:
        raise KeyboardInterrupt


class Broken(Component):
    def forward(self, value: int) -> int:
        raise RuntimeError("no value")


def prepared(system: System) -> SingleHost:
    """Return a host with a generated schedule."""
    lowered = system.lower()
    host = SingleHost(lowered.spec, lowered.components)
    host.configure()
    host.activate()
    return host


def schedule_of(host: SingleHost) -> Schedule:
    """Return the one schedule of a host."""
    (schedule,) = host._schedules()
    return schedule


def generated_files() -> list[str]:
    """Return the file names of generated code that linecache knows."""
    gc.collect()
    return [name for name in linecache.cache if name.startswith("<like_keras")]


def test_the_source_says_which_component_a_line_calls() -> None:
    """It is the code that runs, with a mark for each object."""
    source = schedule_of(prepared(System([Count(), Scale()]))).source

    assert source.startswith("def run(t, s, regs, kinds):\n")
    assert "v0 = '@forward count'()\n" in source
    assert "'@forward scale'(v0)\n" in source


@pytest.mark.usefixtures("ctrl_c")
def test_a_traceback_through_the_generated_function_shows_its_line() -> None:
    """Such as that of a second Ctrl-C."""
    host = prepared(System([Count(), Interrupted()]))

    with pytest.raises(KeyboardInterrupt) as caught:
        host.run(3)

    text = "".join(traceback.format_exception(caught.value))
    file = schedule_of(host).kept.filename
    assert f'File "{file}", line ' in text
    assert "'@forward interrupted'(v0)" in text


def test_an_error_of_a_component_does_not_show_it() -> None:
    """The user's part of a traceback begins at forward."""
    with pytest.raises(ComponentError) as caught:
        System([Count(), Broken()]).launch(3)

    assert "like_keras schedule" not in str(caught.value)
    assert "like_keras schedule" not in caught.value.traceback
    trace = cause_of(caught.value).__traceback__
    assert trace is not None
    assert trace.tb_frame.f_code.co_name == "forward"


def cause_of(error: ComponentError) -> BaseException:
    """Return what a component raised."""
    assert error.__cause__ is not None
    return error.__cause__


def test_two_schedules_have_two_files() -> None:
    """So that each frame shows its own."""
    hosts = [prepared(System([Count(), Scale()])) for _ in range(2)]

    names = {schedule_of(host).kept.filename for host in hosts}

    assert names <= set(generated_files())
    assert len(names) == 2


def test_the_source_is_forgotten_with_the_schedule() -> None:
    """However many launches there are."""
    before = generated_files()

    for _ in range(20):
        System([Count(), Scale()]).launch(3)

    assert generated_files() == before


@pytest.mark.usefixtures("ctrl_c")
def test_a_traceback_keeps_the_source_of_its_frames() -> None:
    """The host is gone by the time that somebody prints it."""

    with pytest.raises(KeyboardInterrupt) as caught:
        prepared(System([Count(), Interrupted()])).run(3)
    gc.collect()
    lines = traceback.format_tb(caught.value.__traceback__)

    assert any("@forward interrupted" in line for line in lines)


def test_source_outlives_what_empties_linecache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A schedule has lines of its own, and is forgotten in peace afterwards."""
    host: Any = prepared(System([Count(), Scale()]))
    schedule = schedule_of(host)
    monkeypatch.setattr(linecache, "cache", linecache.cache.copy())

    linecache.clearcache()

    assert "@forward scale" in schedule.source
