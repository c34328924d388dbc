"""Which values of a channel a newer one has replaced before they left."""

from __future__ import annotations


class LostValues:
    """The gaps in what a reader gets of a port, for those who repeat the run.

    Attributes:
        count: How many values were replaced.
        gaps: Of each gap the tick of the first lost value, of the value that came
            after it, and of the one before, -1 for none.
    """

    def __init__(self) -> None:
        self.count = 0
        self.gaps: list[tuple[int, int, int]] = []
        self._first: int | None = None

    def add(self, tick: int) -> None:
        """Know that the value of a tick is lost."""
        self.count += 1
        if self._first is None:
            self._first = tick

    def sent(self, tick: int, before: int) -> None:
        """Know that a value leaves, and the tick of the one before it."""
        if self._first is not None:
            self.gaps.append((self._first, tick, before))
            self._first = None
