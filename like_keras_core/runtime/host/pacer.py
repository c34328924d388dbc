"""Ticks in real time: absolute deadlines, met by sleeping and then spinning.

Where a tick begins late, a sleep has ended after its deadline: the system takes some
100 us to wake a sleeper, and now and then more. That is what the margin is for. Or
another process was running, and Linux let it finish its turn, up to 4 ms: against that
help a free core and a real-time priority, which are the user's to give.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_MARGIN_S = 300e-6
_MARGIN_MIN_S = 200e-6
_MARGIN_MAX_S = 1000e-6
_MARGIN_STEP_S = 100e-6
"""How much a single oversleep may add to the margin."""

_HEADROOM = 1.25
"""How much longer the margin is than the oversleep it follows."""

_FORGETTING = 0.998
"""What is left of a margin after a tick; after 100 ticks, 1 / 1.25, the headroom. So an
oversleep that comes back in 100 ticks still fits."""

_WORKER_SPIN_S = 100e-6
"""The most to spin before a tick where other threads work: who spins holds the GIL."""

_SLICE_S = 0.05
"""How long to sleep at most before asking whether to stop."""


def most_spin_s(*, has_workers: bool) -> float:
    """Return the most to spin before a tick [s].

    Args:
        has_workers: Whether other threads work meanwhile.
    """
    return _WORKER_SPIN_S if has_workers else _MARGIN_MAX_S


class Pacer:
    """Waits for tick t until `start + t / rate`, so that errors never add up.

    The operating system wakes a sleeper late by some 100 us. So the pacer sleeps until
    shortly before the deadline and spins for the rest. This margin follows the longest
    oversleeps of the latest ticks, between 0.2 ms and half of the period, at most 1 ms.

    Args:
        rate_hz: Ticks per second.
        is_stopped: Asked while waiting; ends the wait.
        most_spin_s: The most to spin before a tick [s], if that is to be less.
        idle: Called at the beginning of each wait with the time until it is to spin
            [s], 0 or less where a tick is late. It may use that time.

    Attributes:
        late_ticks: Ticks that began after their deadline by more than a tenth of
            the period, or by more than 1 ms.
    """

    def __init__(
        self,
        rate_hz: float,
        is_stopped: Callable[[], bool],
        *,
        most_spin_s: float = _MARGIN_MAX_S,
        idle: Callable[[float], object] | None = None,
    ) -> None:
        self.rate_hz = rate_hz
        self.late_ticks = 0
        # A tick counts as late beyond this [s].
        self._tolerance = min(1e-3, 0.1 / rate_hz)
        # The time before a deadline that is spun and not slept [s]: always between
        # these two.
        self._margin_min = min(_MARGIN_MIN_S, most_spin_s)
        wanted = min(_MARGIN_MAX_S, 0.5 / rate_hz, most_spin_s)
        self._margin_max = max(self._margin_min, wanted)
        self._margin = min(_FIRST_MARGIN_S, self._margin_max)
        self._is_stopped = is_stopped
        self._idle = idle
        # The deadline of tick 0, by perf_counter [s]; all others follow from it, so a
        # late tick delays none after it.
        self._start = time.perf_counter()

    def start(self) -> float:
        """Begin counting time; return the deadline of tick 0, by `perf_counter` [s]."""
        self._start = time.perf_counter()
        return self._start

    def wakes_at(self, tick: int) -> float:
        """Return when to stop sleeping and call `wait`, by `perf_counter` [s].

        For a caller that sleeps in a way of its own, such as for a message or until
        then. It may call `wait` sooner or later; no deadline changes.
        """
        return self._start + tick / self.rate_hz - self._margin

    def now(self) -> float:
        """Return the time [s]."""
        return time.perf_counter()

    def elapsed_s(self) -> float:
        """Return the time that ticks follow [s]; from where it counts is not said."""
        return self.now()

    def is_due(self, tick: int) -> bool:
        """Say whether to call `wait` for a tick now."""
        return self.wakes_at(tick) <= self.now()

    def is_over(self, tick: int, closest: float) -> bool:
        """Say whether less than a part of a period remains before the next tick.

        Args:
            tick: The tick.
            closest: The part.
        """
        over = self._start + (tick + 1 - closest) / self.rate_hz
        return self.now() > over

    def wait(self, tick: int) -> None:
        """Return at the deadline of a tick, at once when it has passed."""
        now = time.perf_counter
        if self._idle is not None:
            self._idle(self.wakes_at(tick) - now())
        while (left := self.wakes_at(tick) - now()) > 0:
            if self._is_stopped():
                return
            if left <= _SLICE_S:
                before = now()
                time.sleep(left)
                self.learn(now() - before - left)
            else:
                time.sleep(_SLICE_S)
        deadline = self._start + tick / self.rate_hz
        while (late := now() - deadline) < 0:
            pass
        if late > self._tolerance:
            self.late_ticks += 1

    def learn(self, oversleep: float) -> None:
        """Adapt the margin to a sleep that ended `oversleep` later than asked [s].

        `wait` does so itself. It is for sleeps until `wakes_at` that ended by
        themselves, not for those that a message ended.
        """
        wanted = _HEADROOM * oversleep
        if wanted > self._margin:
            # In steps: most of what is far too long for any margin comes once.
            wanted = min(wanted, self._margin + _MARGIN_STEP_S)
        else:
            wanted = max(wanted, _FORGETTING * self._margin)
        self._margin = min(self._margin_max, max(self._margin_min, wanted))
