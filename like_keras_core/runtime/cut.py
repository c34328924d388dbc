"""Where a run ends: the first place that does not count, and what made it so."""

from __future__ import annotations

from typing import NamedTuple


class Cut(NamedTuple):
    """The end of a run; the smaller of two wins.

    Args:
        tick: The first tick that does not count as a whole.
        order: Components before this place in the execution order count at that tick,
            too: 0 for an end of stream, a stop, or a number of iterations.
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


FOREVER = Cut(1 << 60, 0)
"""The cut of a run without a known end."""
