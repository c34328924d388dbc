"""Ticks in real time: absolute deadlines, met by sleeping and then spinning."""

from __future__ import annotations

import time
from collections.abc import Callable

_MARGIN_S = 200e-6
_MARGIN_MAX_S = 1000e-6
_SLICE_S = 0.05


class Pacer:
    """Waits for tick t until `start + t / rate`, so that errors never add up.

    The operating system wakes a sleeper late by some 100 us. So the pacer sleeps until
    shortly before the deadline and spins for the rest; the margin follows the latest
    oversleeps, between 0.2 ms and a third of the period, at most 1 ms.

    Args:
        rate_hz: Ticks per second.
        is_stopped: Asked while waiting; ends the wait.

    Attributes:
        late_ticks: Ticks that began after their deadline by more than a tenth of
            the period, or by more than 1 ms.
    """

    def __init__(self, rate_hz: float, is_stopped: Callable[[], bool]) -> None:
        self.rate_hz = rate_hz
        self.late_ticks = 0
        self._tolerance = min(1e-3, 0.1 / rate_hz)
        self._margin = _MARGIN_S
        self._margin_max = max(_MARGIN_S, min(_MARGIN_MAX_S, 0.33 / rate_hz))
        self._is_stopped = is_stopped
        self._start = time.perf_counter()

    def start(self) -> float:
        """Begin counting time; return the deadline of tick 0, by `perf_counter` [s]."""
        self._start = time.perf_counter()
        return self._start

    def wait(self, tick: int) -> None:
        """Return at the deadline of a tick, at once when it has passed."""
        now = time.perf_counter
        deadline = self._start + tick / self.rate_hz
        while (left := deadline - now() - self._margin) > 0:
            if self._is_stopped():
                return
            if left <= _SLICE_S:
                before = now()
                time.sleep(left)
                self._learn(now() - before - left)
            else:
                time.sleep(_SLICE_S)
        while (late := now() - deadline) < 0:
            pass
        if late > self._tolerance:
            self.late_ticks += 1

    def _learn(self, oversleep: float) -> None:
        wanted = max(1.25 * oversleep, 0.95 * self._margin)
        self._margin = min(self._margin_max, max(_MARGIN_S, wanted))
