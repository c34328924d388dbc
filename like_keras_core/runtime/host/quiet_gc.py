"""Garbage collection that keeps out of the way of ticks.

A full collection stops every thread, for about 0.1 s where there are a million objects.
So at a rate what exists before tick 0 is frozen: no collection looks at it during the
run. Nothing is collected unasked. What came since is looked through in the waits for
the next tick: young objects whenever there are enough of them, all of it now and then;
and only where the wait is long enough, by what earlier collections took. Where no wait
is, it happens all the same, late and in small portions, so that memory never grows for
ever.
"""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import dataclass

from like_keras_core.values.gc_pause import AUTOMATIC_COLLECTION

_YOUNG, _ALL = 1, 2
"""Generations that `gc.collect` takes: with the younger ones."""

_ALL_EACH_S = 10.0
"""How often to look through all that came since tick 0, where that fits [s]."""

_PATIENCE = 10
"""Young objects wait for a fitting wait until there are so many times the threshold."""

_MOST_OLD = 2_000_000
"""So many objects that came since the last full collection are looked through however
long that takes: some 0.2 GB."""

_HEADROOM = 2.0
"""How much longer than expected a collection may take, and still fit into a wait."""

_LEAST_S = 0.2e-3
"""In shorter waits nothing is collected unless it has to be [s]."""

_COST_S = 0.2e-6
"""What a collection takes for each object, until that is known [s]."""

_FORGETTING = 0.8
"""What is left of an old measurement after a new one."""

_lock = threading.RLock()


@dataclass(slots=True)
class _Runs:
    """The runs that go on in this process; under `_lock`.

    Args:
        quiet: How many keep collection quiet.
        freezing: How many have frozen objects: the last of them thaws. A program's own
            frozen objects would thaw, too, so where there are some before the first
            run, nothing is frozen here.
    """

    quiet: int = 0
    freezing: int = 0


_runs = _Runs()


class QuietGc:
    """Takes the garbage collection of this process through one run at a rate.

    A program that has turned automatic collection off keeps it as it is, and where it
    has frozen objects of its own, nothing else is frozen.

    It is not for runs without a rate. To freeze resets the counters by which Python
    decides on a full collection: a program that launches again and again would keep the
    garbage of each launch.
    """

    def __init__(self) -> None:
        self._has_begun = False
        self._has_frozen = False
        # Estimates. So many objects had survived the last full collection, and so many
        # have become old since, at most: neither counts what is frozen.
        self._old = 0
        self._grown = 0
        # What a collection takes for each object, by generation [s].
        self._cost_s = {_YOUNG: _COST_S, _ALL: _COST_S}
        # When to look through all, by perf_counter [s].
        self._all_at = 0.0

    def begin(self) -> None:
        """Collect and freeze what there is: all components are active, no tick runs."""
        if self._has_begun or not AUTOMATIC_COLLECTION.is_wanted:
            return
        with _lock:
            self._has_begun = True
            began = time.perf_counter()
            # Not all, while another run is at its ticks.
            gc.collect(_YOUNG if _runs.quiet else _ALL)
            took_s = time.perf_counter() - began
            if _runs.freezing or not gc.get_freeze_count():
                self._has_frozen = True
                _runs.freezing += 1
                gc.freeze()
            else:
                self._old = len(gc.get_objects())
            _runs.quiet += 1
            AUTOMATIC_COLLECTION.pause()
        known = self._old or gc.get_freeze_count()
        self._cost_s[_ALL] = max(_COST_S / 2, min(took_s / max(1, known), 10 * _COST_S))
        self._all_at = time.perf_counter() + _ALL_EACH_S

    def idle(self, left_s: float) -> None:
        """Collect, if it is time to and if it fits into a wait.

        Args:
            left_s: How long until the next tick begins [s]; 0 or less where it is late.
        """
        if not self._has_begun:
            return
        # Net of what was freed, so it is how much the heap has grown, at least.
        young, threshold = gc.get_count()[0], gc.get_threshold()[0]
        if self._grown + young >= _MOST_OLD or (
            time.perf_counter() >= self._all_at
            and self._fits(_ALL, self._old + self._grown + young, left_s)
        ):
            self._collect(_ALL, self._old + self._grown + young)
        elif young >= threshold and (
            young >= _PATIENCE * threshold or self._fits(_YOUNG, young, left_s)
        ):
            self._collect(_YOUNG, young)

    def _fits(self, generation: int, count: int, left_s: float) -> bool:
        expected_s = count * self._cost_s[generation]
        return left_s >= max(_LEAST_S, _HEADROOM * expected_s)

    def _collect(self, generation: int, count: int) -> None:
        """Collect, and learn what it takes.

        Args:
            generation: `_YOUNG` or `_ALL`.
            count: How many objects are looked through, about.
        """
        began = time.perf_counter()
        found = gc.collect(generation)
        ended = time.perf_counter()
        left = max(0, count - found)
        if generation == _ALL:
            self._old, self._grown = left, 0
            self._all_at = ended + _ALL_EACH_S
        else:
            self._grown += left
        if count >= gc.get_threshold()[0]:
            before_s = self._cost_s[generation]
            # Another process may have run meanwhile: once is no measure.
            took_s = min((ended - began) / count, 4 * before_s)
            self._cost_s[generation] += (1 - _FORGETTING) * (took_s - before_s)

    def end(self) -> None:
        """Leave garbage collection as it was before `begin`; more than once is fine."""
        with _lock:
            if not self._has_begun:
                return
            self._has_begun = False
            _runs.quiet -= 1
            AUTOMATIC_COLLECTION.resume()
            if self._has_frozen:
                self._has_frozen = False
                _runs.freezing -= 1
                if not _runs.freezing:
                    gc.unfreeze()
