"""What an engine of several processes gives to each of them: ways to the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol


class Transport(Protocol):
    """What an engine gives: frames to the other nodes, and theirs to an inbox."""

    def start(self, arrived: Callable[[bytes | memoryview], object]) -> None:
        """Call `arrived` with each frame for this node, from any thread.

        A frame's memory belongs to the values in it; it must not change any more.
        """
        ...

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        """Hand over a frame, given in parts, for another node; do not wait for it.

        The memory of the parts may change when this has returned.
        """
        ...
