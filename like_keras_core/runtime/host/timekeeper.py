"""How well the components of a process kept their times, in a run at a rate."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

from like_keras_core.report import TimingReport
from like_keras_core.runtime.host.sampling import ThinnedSamples

KEPT = 4096
"""How many samples of one quantity are kept at most."""

_LONG_FIRINGS = 32
"""So many of the latest firings that may have held up others are looked through."""


class _Times:
    """What is measured of one component."""

    __slots__ = ("began", "held_by", "late", "periods", "took")

    def __init__(self) -> None:
        self.began: float | None = None
        self.took = ThinnedSamples(KEPT)
        self.periods = ThinnedSamples(KEPT)
        self.late = ThinnedSamples(KEPT)
        self.held_by: dict[str, float] = {}


class Timekeeper:
    """Notes when each component of a process fires, in a run at a rate.

    Args:
        rate_hz: Ticks per second.

    Attributes:
        blocked_by: Whose values, or whose reading of them, the tick that runs had to
            wait for: a component, or words for several; empty where it had not.
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.blocked_by = ""
        # As a pacer's: what counts as late [s].
        self._tolerance = min(1e-3, 0.1 / rate_hz)
        # The deadline of tick 0, by perf_counter [s].
        self._start = perf_counter()
        self._of: dict[str, _Times] = {}
        # Begin, end and component of the latest firings that lasted long enough to hold
        # up another one.
        self._long: deque[tuple[float, float, str]] = deque(maxlen=_LONG_FIRINGS)

    def start(self, at: float) -> None:
        """Know the deadline of tick 0, by `perf_counter` [s]."""
        self._start = at

    def wrap(
        self,
        name: str,
        forward: Callable[..., Any],
        clock: Sequence[Any],
        *,
        is_alone: bool = True,
    ) -> Callable[..., Any]:
        """Return a forward whose times are noted.

        Args:
            name: The component.
            forward: What it calls.
            clock: Has the tick in its second place.
            is_alone: Whether all others of the process wait while it fires.
        """
        times = self._of.setdefault(name, _Times())

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = perf_counter()
            self._begins(times, clock[1], began)
            try:
                return forward(*args, **kwargs)
            finally:
                self._ends(name if is_alone else "", times, began)

        return timed

    def _begins(self, times: _Times, tick: int, now: float) -> None:
        if times.began is not None:
            times.periods.add(now - times.began)
        times.began = now
        due = self._start + tick / self.rate_hz
        times.late.add(max(0.0, now - due))
        if now - due > self._tolerance:
            self._blame(times, due, now)

    def _ends(self, name: str, times: _Times, began: float) -> None:
        now = perf_counter()
        times.took.add(now - began)
        if name:
            self._hold(name, began, now)

    def held(self, name: str, began: float) -> None:
        """Know that all else has waited for a component until now.

        Args:
            name: The component.
            began: Since when, by `perf_counter` [s].
        """
        self._hold(name, began, perf_counter())

    def _hold(self, name: str, began: float, now: float) -> None:
        if now - began > self._tolerance:
            self._long.append((began, now, name))

    def _blame(self, times: _Times, due: float, now: float) -> None:
        """Find out what ran, or was waited for, when a late firing was due."""
        held_s, by = 0.0, ""
        for began, ended, name in list(self._long):
            overlap = min(ended, now) - max(began, due)
            if overlap > held_s:
                held_s, by = overlap, name
        if held_s < self._tolerance and self.blocked_by:
            held_s, by = now - due, self.blocked_by
        if held_s >= self._tolerance:
            times.held_by[by] = max(held_s, times.held_by.get(by, 0.0))

    def durations(self, name: str) -> Sequence[float]:
        """Return how long some firings of a component took, the first in front [s]."""
        times = self._of.get(name)
        return times.took.kept if times is not None else ()

    def timing(
        self,
        name: str,
        period: float,
        fired: int,
        duration_s: float,
        *,
        takes: int = 0,
        overruns: int = 0,
        skipped: int = 0,
    ) -> TimingReport:
        """Return how well a component kept its times.

        Args:
            name: The component.
            period: Ticks from one firing to the next, as the system has it.
            fired: How often it fired.
            duration_s: How long the run took [s].
            takes: How many ticks its firings take.
            overruns: Results that were not there in time.
            skipped: Ticks at which it did not fire since they were over.
        """
        times = self._of.get(name) or _Times()
        mean_s = times.periods.mean
        return TimingReport(
            target_hz=self.rate_hz / period,
            rate_hz=1 / mean_s if mean_s else fired / max(duration_s, 1e-9),
            period_p50_s=times.periods.quantile(0.5),
            period_p99_s=times.periods.quantile(0.99),
            period_max_s=times.periods.greatest,
            late_p99_s=times.late.quantile(0.99),
            late_max_s=times.late.greatest,
            took_max_s=times.took.greatest,
            takes=takes,
            takes_s=takes / self.rate_hz,
            overruns=overruns,
            skipped=skipped,
            held_by=_greatest_first(times.held_by),
        )


def _greatest_first(held_by: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(held_by.items(), key=lambda item: -item[1]))
