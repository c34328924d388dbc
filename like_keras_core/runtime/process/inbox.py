"""What reaches the thread that serves a node: messages, and frames of the transport."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from typing import Any

from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.flow.transport import (
    PolledTransport,
    Transport,
    frames_to,
)
from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue

Item = p.ToProcess | p.StopAsked | bytes | memoryview


class Inbox:
    """Takes items from other threads and signal handlers, for one thread that serves.

    That one waits here, or in its transport where it can, and is woken there.

    Args:
        take: Called with each item in the thread that serves.
    """

    def __init__(self, take: Callable[[Item], object]) -> None:
        self._take = take
        #: None wakes the thread, and is nothing to take.
        self._items: SignalSafeQueue[Item | None] = SignalSafeQueue()
        #: The transport, once it was started, if the thread waits there.
        self._polled: PolledTransport | None = None

    def put(self, item: Item, *, wakes: bool = True) -> None:
        """Add an item; from any thread or signal handler.

        Args:
            item: The item.
            wakes: Whether it cannot wait until something else wakes the thread.
        """
        self._items.put(item)
        if wakes and self._polled is not None:
            self._polled.wake()

    def wake(self) -> None:
        """Let the thread that serves look for what it can do; from any thread."""
        if self._polled is not None:
            self._polled.wake()
        else:
            self._items.put(None)

    def empty(self) -> bool:
        """Say whether there is nothing now, but for frames in the transport."""
        return self._items.empty()

    def start(
        self,
        transport: Transport,
        arrived: Callable[[Any], object],
        peers: Mapping[str, str],
    ) -> None:
        """Start a transport, whose frames come here.

        Args:
            transport: The transport.
            arrived: Takes a frame at once, in the thread that serves.
            peers: The endpoint of each other node.
        """
        if isinstance(transport, PolledTransport):
            # Within `receive` frames come in the thread that takes them.
            transport.start(arrived, peers)
            self._polled = transport
        else:
            transport.start(frames_to(self._items.put), peers)

    def leave_transport(self) -> None:
        """Wait here from now on: a thread hangs that has waited in the transport."""
        self._polled = None

    def receive(self, wait_s: float) -> None:
        """Take all that has come; wait for something, if there is nothing.

        Args:
            wait_s: How long to wait [s].
        """
        items = self._items
        if self._polled is not None:
            self._polled.receive(wait_s if items.empty() else 0.0)
        elif wait_s:
            try:
                item = items.get(wait_s)
            except queue.Empty:
                return
            if item is not None:
                self._take(item)
        while not items.empty():
            if (item := items.get_nowait()) is not None:
                self._take(item)
