"""The way of one port's values out of a segment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from like_keras_core.runtime.host.input_buffers import PortBuffer
from like_keras_core.values.semantics import snapshot


class Link(Protocol):
    """The way of one port's values to one other node."""

    @property
    def has_credit(self) -> bool:
        """Whether one more value may be sent."""
        ...

    @property
    def lost(self) -> Sequence[tuple[int, int, int]]:
        """Of each gap in what is sent: the first lost tick, the next one, the last."""
        ...

    def send(self, tick: int, value: Any) -> None:
        """Send a value without waiting; its arrays are referred to until `settle`."""
        ...

    def absent(self, tick: int) -> None:
        """Say that nothing more comes up to a tick; costs no credit."""
        ...

    def settle(self) -> None:
        """Copy what is kept of values whose memory their producer may use again."""
        ...


class FanOut:
    """Answers for one port after every tick, to everybody who reads it elsewhere.

    An answer is a value or its absence. Without the latter a reader could not tell a
    port that sends nothing at a tick from one that is late.

    Attributes:
        links: One for each other node that reads it; all are there before tick 0.
        local: For the other segments of this node that read it, if there are any.
        answered: Everybody has an answer for each tick up to this one. It is the same
            for all of them: where sending fails half-way, the rest is told of an
            absence.
    """

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.local: PortBuffer | None = None
        self.answered = -1

    @property
    def has_credit(self) -> bool:
        """Whether everybody has room for one more value."""
        for link in self.links:
            if not link.has_credit:
                return False
        return self.local is None or self.local.has_credit

    def __call__(self, tick: int, value: Any) -> None:
        """Send the value of a tick, or say that there is none.

        Raises:
            Exception: It cannot be sent; then there is none for those who wait.
        """
        if tick <= self.answered:
            return
        if value is None:
            self._absent(tick)
            return
        try:
            for link in self.links:
                link.send(tick, value)
            if self.local is not None:
                self.local.send(tick, snapshot(value))
        except BaseException:
            self._absent(tick)
            raise
        self.answered = tick

    def _absent(self, tick: int) -> None:
        """Answer for whoever has no answer yet."""
        self.answered = tick
        for link in self.links:
            link.absent(tick)
        if self.local is not None:
            self.local.absent(tick)
