"""Garbage collection around ticks: when it happens, and that all is as before."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import like_keras_core as lk
from like_keras_core.runtime.host import quiet_gc as quiet_gc_module
from like_keras_core.runtime.host.quiet_gc import QuietGc
from like_keras_core.values.gc_pause import collection_paused
from tests.components import Count, Sink

LONG_S = 10.0


class Loop:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.me = self


def seen() -> tuple[bool, bool]:
    """Return whether collection is automatic, and whether objects are frozen."""
    return gc.isenabled(), gc.get_freeze_count() > 0


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whatever a test does, collection is as it was."""
    gc.unfreeze()
    gc.enable()
    yield
    assert seen() == (True, False)


@pytest.fixture
def quiet() -> Iterator[QuietGc]:
    """That of a run at a rate which has begun."""
    made = QuietGc()
    made.begin()
    yield made
    made.end()


def fill(count: int) -> list[Any]:
    """Return objects that the collector looks at."""
    return [[n] for n in range(count)]


def worth() -> int:
    """Return how many young objects are worth a collection."""
    return gc.get_threshold()[0]


def collections(generation: int) -> int:
    """Return how often a generation was collected."""
    return int(gc.get_stats()[generation]["collections"])


class Look(lk.Component):
    """Sees in `forward`, and in the hooks, what collection is like."""

    def on_activate(self) -> None:
        self.before = seen()
        self.heap = fill(100)

    def forward(self, number: int) -> None:
        self.during = seen()

    def on_shutdown(self) -> None:
        self.at_end = seen()


def look(**options: Any) -> Look:
    """Run a system of which one component looks on."""
    count, component = Count(), Look()
    component(count())
    lk.System([count, component]).launch(3, engine="native", **options)
    return component


def test_at_a_rate_nothing_is_collected_unasked() -> None:
    """From tick 0 to the last hook; what was there before is frozen."""
    found = look(rate_hz=1000)

    assert found.before == (True, False)
    assert found.during == (False, True)
    assert found.at_end == (False, True)


def test_without_a_rate_collection_stays_automatic() -> None:
    """Nobody waits for a tick, so collections hold up nobody."""
    assert look().during == (True, False)


def test_an_error_leaves_all_as_before() -> None:
    """The fixture looks at what is left."""

    class Broken(lk.Component):
        def forward(self, number: int) -> None:
            raise ValueError

    count, broken = Count(), Broken()
    broken(count())
    with pytest.raises(lk.ComponentError):
        lk.System([count, broken]).launch(3, engine="native", rate_hz=100)


def test_a_stop_leaves_all_as_before() -> None:
    """From another thread, in a long wait, and soon."""
    system = lk.System([Count()])
    threading.Timer(0.2, system.stop).start()

    report = system.launch(engine="native", rate_hz=0.01)

    assert report.ended_by == "stop"
    assert report.duration_s < 5


def test_who_has_turned_it_off_keeps_it_off() -> None:
    """Nothing is frozen or collected, and it is not turned on at the end."""
    gc.disable()
    quiet = QuietGc()
    before = collections(1)

    quiet.begin()
    kept = fill(100 * worth())
    quiet.idle(LONG_S)
    quiet.end()

    assert (seen(), len(kept)) == ((False, False), 100 * worth())
    assert collections(1) == before
    gc.enable()


def test_what_a_program_has_frozen_stays_frozen() -> None:
    """To thaw is for all or nothing."""
    gc.freeze()
    frozen = gc.get_freeze_count()

    quiet = QuietGc()
    quiet.begin()
    quiet.end()

    assert gc.get_freeze_count() == pytest.approx(frozen, rel=0.01)
    assert gc.isenabled()
    gc.unfreeze()


def test_runs_at_the_same_time_restore_it_once() -> None:
    """It stays quiet until the last one ends, in whatever order they end."""
    first, second = QuietGc(), QuietGc()
    first.begin()
    full = collections(2)
    second.begin()

    assert collections(2) == full  # That would hold up the first one.
    first.end()
    first.end()
    assert seen() == (False, True)
    second.end()
    assert seen() == (True, False)


def test_a_run_begins_while_another_system_is_lowered() -> None:
    """Both pause collection; who ends last resumes it."""
    quiet = QuietGc()
    with collection_paused():
        quiet.begin()
    assert seen() == (False, True)

    quiet.end()

    assert seen() == (True, False)


def test_garbage_is_collected_in_a_wait(quiet: QuietGc) -> None:
    """Young objects, once there are enough of them; no full collection."""
    full = collections(2)
    garbage = weakref.ref(Loop())
    quiet.idle(LONG_S)
    assert garbage() is not None

    kept = fill(2 * worth())
    quiet.idle(LONG_S)

    assert (garbage(), len(kept)) == (None, 2 * worth())
    assert collections(2) == full


def test_a_short_wait_is_left_alone(quiet: QuietGc) -> None:
    """A tick does not begin late for the sake of some garbage."""
    garbage = weakref.ref(Loop())
    kept = fill(2 * worth())

    for left_s in (-1.0, 0.0, 1e-5):
        quiet.idle(left_s)

    assert (garbage() is not None, len(kept)) == (True, 2 * worth())


def test_memory_does_not_grow_for_ever_without_waits(quiet: QuietGc) -> None:
    """A loop that is always late collects now and then, in portions."""
    alive: list[weakref.ref[Loop]] = []
    most = 0

    for _ in range(50):
        alive += [weakref.ref(Loop()) for _ in range(worth())]
        quiet.idle(-1.0)
        most = max(most, sum(item() is not None for item in alive))

    assert most < 15 * worth()


def test_old_garbage_is_collected_now_and_then(
    quiet: QuietGc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What outlived one collection is found by the next full one, in a long wait."""
    loop: Loop | None = Loop()
    old = weakref.ref(loop)
    kept = fill(2 * worth())
    quiet.idle(LONG_S)
    del loop
    kept += fill(2 * worth())
    quiet.idle(LONG_S)
    assert old() is not None

    monkeypatch.setattr(quiet, "_all_at", 0.0)
    quiet.idle(1e-4)
    assert old() is not None
    quiet.idle(LONG_S)

    assert old() is None


def test_old_garbage_is_collected_where_no_wait_is_long_enough(
    quiet: QuietGc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once very much has come since the last full collection."""
    monkeypatch.setattr(quiet_gc_module, "_MOST_OLD", 40 * worth())
    loop: Loop | None = Loop()
    old = weakref.ref(loop)
    kept = fill(12 * worth())
    quiet.idle(-1.0)
    del loop
    for _ in range(5):
        kept += fill(12 * worth())
        quiet.idle(-1.0)

    assert old() is None


def test_a_growing_heap_is_not_looked_through_as_a_whole() -> None:
    """A run at a rate makes no full collection, however much it keeps."""

    class Grow(lk.Component):
        def on_activate(self) -> None:
            self.kept: list[Any] = []

        def forward(self, number: int) -> int:
            if number == 0:
                self.full = collections(2)
            self.kept += fill(3000)
            self.fulls = collections(2) - self.full
            return number

    count, grow, sink = Count(), Grow(), Sink()
    sink(grow(count()))
    lk.System([count, grow, sink], rate_hz=200).launch(60, engine="native")

    assert len(grow.kept) == 180_000
    assert grow.fulls == 0


def test_a_wait_is_used_by_every_tick() -> None:
    """The pacer of a run hands its waits on."""
    young, kept = collections(1), list[Any]()

    class Grow(lk.Component):
        def forward(self, number: int) -> None:
            kept.extend(fill(2 * worth()))

    count, grow = Count(), Grow()
    grow(count())
    lk.System([count, grow], rate_hz=100).launch(10, engine="native")

    assert collections(1) - young >= 4
