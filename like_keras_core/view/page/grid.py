"""Where everything stands on a grid of columns and rows, before there are pixels."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Link:
    """A connection, by the numbers of its components.

    Args:
        source: The component that sends.
        target: The component that receives.
        is_delayed: Whether it arrives a tick later.
        net: The number of the output port: links of one port share their way.
    """

    source: int
    target: int
    is_delayed: bool
    net: int


@dataclass(slots=True)
class Area:
    """A rectangle of cells: a node's, or a machine's.

    Args:
        left: Its first column.
        right: Its last column.
        height: How many rows it has.
        top: Its first row.
    """

    left: int
    right: int
    height: int
    top: int = 0

    @property
    def bottom(self) -> int:
        """Its last row."""
        return self.top + self.height - 1

    def overlaps(self, other: Area) -> bool:
        """Say whether two areas share a cell."""
        return (
            self.left <= other.right
            and other.left <= self.right
            and self.top <= other.bottom
            and other.top <= self.bottom
        )

    def holds(self, other: Area) -> bool:
        """Say whether another area lies within this one."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )


@dataclass(slots=True)
class Grid:
    """The cell of each component, and the areas of nodes and machines.

    Args:
        columns: By component.
        rows: By component.
        nodes: By name.
        machines: By name.
    """

    columns: list[int]
    rows: list[int]
    nodes: dict[str, Area] = field(default_factory=dict)
    machines: dict[str, Area] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return max(self.columns, default=-1) + 1

    @property
    def height(self) -> int:
        """How many rows there are."""
        return max(self.rows, default=-1) + 1
