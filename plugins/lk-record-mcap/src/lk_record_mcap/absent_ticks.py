"""Which ticks a port was silent at, in few numbers."""

from __future__ import annotations


class AbsentTicks:
    """The ticks at which a port sent nothing, as runs of evenly spaced ones.

    A run is `[first, count, step]`: a source that fires on each second tick is silent
    for one run, however long it is recorded.
    """

    def __init__(self) -> None:
        self.runs: list[list[int]] = []
        self._next = 0

    def sent(self, tick: int) -> None:
        """Know that something was sent; ticks come in order."""
        while self._next < tick:
            self._skip(tick)
        self._next = tick + 1

    def until(self, counted: int) -> list[list[int]]:
        """Return the runs, up to the first tick that does not count."""
        self.sent(counted)
        return self.runs

    def _skip(self, until: int) -> None:
        """Put ticks that were passed over into a run, as many as fit."""
        tick, last = self._next, self.runs[-1] if self.runs else None
        if last is not None and last[1] == 1:
            last[2] = tick - last[0]
        if last is not None and last[0] + last[1] * last[2] == tick:
            count = until - tick if last[2] == 1 else 1
            last[1] += count
        else:
            self.runs.append([tick, 1, 1])
            count = 1
        self._next += count
