"""Recorded values: gathered in one list, tick after tick; a port's are every n-th."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

ROW = 32
"""About how many values are gathered at once: so many stay in fast local variables."""


class Column:
    """The recorded values of one port, one entry a tick, None where it sent nothing."""

    def __init__(self) -> None:
        self._gathered: list[Any] = []
        self._first, self._width = 0, 1

    def place(self, gathered: list[Any], first: int, width: int) -> None:
        """Know where the values are.

        Args:
            gathered: The list that has them, among those of other ports.
            first: The index of the first one.
            width: How far one is from the next.
        """
        self._gathered, self._first, self._width = gathered, first, width

    def __getitem__(self, ticks: slice) -> list[Any]:
        return self._gathered[self._first :: self._width][ticks]


def rescuer(
    gathered: list[Any], places: Sequence[tuple[int, str]], lines: Sequence[int]
) -> Callable[[TracebackType], None]:
    """Return what gathers, after an error, what the steps before it had sent.

    The last values of a tick are gathered at its end, so an error leaves its row
    incomplete.

    Args:
        gathered: Where values go.
        places: The step and the local variable of each recorded value of a tick.
        lines: The step that each line of the generated function belongs to.
    """

    def rescue(trace: TracebackType) -> None:
        raised, local = lines[trace.tb_lineno - 1], trace.tb_frame.f_locals
        for step, name in places[len(gathered) % len(places) :]:
            if step >= raised:
                break
            gathered.append(local[name])

    return rescue
