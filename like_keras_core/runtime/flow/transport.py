"""What an engine of several processes gives to each of them: ways to the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable


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


@runtime_checkable
class PolledTransport(Transport, Protocol):
    """A transport without a thread of its own: the process reads when it waits.

    That saves each frame the way from one thread to another. Frames are handed over
    from within `receive` only.
    """

    def receive(self, timeout_s: float) -> None:
        """Hand over what has arrived; if there is nothing, wait for it.

        Called between any two ticks, mostly with 0, so that must cost little.

        Args:
            timeout_s: How long to wait at most [s]. A tick may be due then.
        """
        ...

    def wake(self) -> None:
        """End the present wait, or the next one; from any thread."""
        ...
