"""What an engine of several processes gives to each of them: ways to the others.

The process of a node calls its transport in this order, always from one thread, its
own: `bind`, `start`, `send` as often as it likes, `close`. `close` may come without
`start`, where a run ended before. A polled transport is asked to `receive` from `start`
on, by the same thread. What a transport calls, `arrived`, may be called from any
thread, but not before `start`. `wake` alone may be called from any thread, and from a
signal handler, also after `close`.

A frame arrives whole or not at all. Frames may be lost, repeated and overtaken: what
reads them puts that right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

FrameParts = Sequence[bytes | bytearray | memoryview]
"""A frame in parts, as it is sent: one after the other they are the frame."""

Arrived = Callable[[bytes | memoryview], object]
"""Takes a frame that has arrived."""


class Transport(Protocol):
    """What an engine gives: frames to the other nodes, and theirs to a receiver."""

    def bind(self) -> str:
        """Become reachable for the other nodes' processes.

        Returns:
            The endpoint: whatever the others need to reach this process, such as
            `"tcp://127.0.0.1:40000"`. It travels to them over the authenticated control
            channel, so that it may hold a secret. Empty where the runtime knows the
            others by itself.
        """
        ...

    def start(self, arrived: Arrived, peers: Mapping[str, str]) -> None:
        """Call `arrived` with each frame for this node, from now on.

        Args:
            arrived: Takes a frame. Its memory belongs to the values in it from then
                on; it must not change any more.
            peers: The endpoint of each other node of the run. All of them are bound.
        """
        ...

    def send(self, node: str, frame: FrameParts) -> None:
        """Hand over a frame for another node; do not wait for it.

        Args:
            node: The node.
            frame: The frame in parts. Their memory may change when this has returned.
        """
        ...

    def close(self) -> None:
        """Give back all that was opened; nothing is sent any more."""
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
        """End the present wait, or the next one; from any thread or signal handler."""
        ...


def endpoint_of(transport: Transport) -> str:
    """Bind a transport and return its endpoint.

    Raises:
        TypeError: It returned something else than a string.
    """
    endpoint: object = transport.bind()
    if not isinstance(endpoint, str):
        kind = type(transport).__qualname__
        raise TypeError(f"{kind}.bind returns a string; it returned {endpoint!r:.80}.")
    return endpoint


def frames_to(take: Arrived) -> Arrived:
    """Return what a transport may call with a frame, and with nothing else."""

    def arrived(frame: bytes | memoryview) -> None:
        given: object = frame
        if not isinstance(given, (bytes, bytearray, memoryview)):
            raise TypeError(f"arrived takes bytes or a memoryview; got {given!r:.80}.")
        take(frame)

    return arrived
