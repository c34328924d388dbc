"""Counts of a node that stay tentative until it is sure which of its ticks count."""

from __future__ import annotations

from collections import Counter

KEPT = 1024
"""When there are so many entries, those that no cut can reach are only counted."""


class TentativeCounts:
    """Notes of ticks, by counter.

    A node may run ticks that turn out to lie beyond the end of the run, and then must
    not have counted them: so a note keeps its tick until no end can be below it. An end
    never lies below the tick that all nodes have finished, so `run_ahead` bounds what
    is kept.

    Attributes:
        entries: `(counter, tick)` of what may still be taken back, and of some that
            may not; in any order.
    """

    def __init__(self) -> None:
        self.entries: list[tuple[int, int]] = []
        # The entries that were dropped, counted. All of them lie below a `sure`, so
        # whoever asks for a tick asks for one at or above theirs.
        self._folded: Counter[int] = Counter()

    def note(self, counter: int, tick: int) -> None:
        """Write down that it happened at a tick."""
        self.entries.append((counter, tick))

    def fold(self, sure: int) -> None:
        """Know that every tick below `sure` counts."""
        if len(self.entries) > KEPT:
            self._folded.update(key for key, tick in self.entries if tick < sure)
            self.entries = [item for item in self.entries if item[1] >= sure]

    def below(self, tick: int) -> Counter[int]:
        """Return how often each thing happened below a tick, at or above the folds."""
        return self._folded + Counter(key for key, at in self.entries if at < tick)

    def at(self, tick: int) -> set[int]:
        """Return what happened at a tick."""
        return {key for key, at in self.entries if at == tick}
