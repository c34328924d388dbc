"""Where a run ends: the first place that does not count, and what made it so."""

from __future__ import annotations

from typing import NamedTuple


class StopPoint(NamedTuple):
    """The end of a run; the smaller of two wins.

    Args:
        tick: The first tick that does not count as a whole.
        order: The place of who raised in the execution order; components before it
            still fire at that tick, since one of them may raise, too. 0 for a stop
            and a number of iterations.
        kind: `"error"`, `"end of stream"`, `"stop"` or `"iterations"`.
        component: Who raised.
    """

    tick: int
    order: int
    kind: str = "iterations"
    component: str = ""

    @property
    def place(self) -> tuple[int, int]:
        """What cuts are compared by, whatever their kind."""
        return (self.tick, self.order)

    @property
    def end(self) -> int:
        """The first tick in which nothing can count, nor lower the end any more."""
        return self.tick + (self.order > 0)

    def ticks(self, order: int) -> int:
        """Return how many ticks count for the component at a place in the order.

        At the tick of an error, those before it count; at an end of stream, none.
        """
        return self.tick + (self.kind == "error" and order < self.order)


FOREVER = StopPoint(1 << 60, 0)
"""The cut of a run without a known end."""
