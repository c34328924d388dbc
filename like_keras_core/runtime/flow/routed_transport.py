"""Several transports as one: each other node is reached by one of them."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from like_keras_core.runtime.flow.transport import (
    Arrived,
    FrameParts,
    PolledTransport,
    Transport,
)
from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue

_LOOK_S = 0.5
"""How often a thread that waits in a transport sees whether that was closed [s]."""


class RoutedTransport:
    """Sends each frame by the transport that reaches its node, and waits for all.

    The process waits in the first polled transport; the frames of the others wake it.
    Of several polled ones all but the first have a thread that waits in them.

    Args:
        transports: The transports, by names that are the same in every process.
        routes: For each other node the name of the transport that reaches it.
    """

    def __init__(
        self, transports: Mapping[str, Transport], routes: Mapping[str, str]
    ) -> None:
        self._transports = dict(transports)
        self._routes = dict(routes)
        polled = {
            name: item
            for name, item in transports.items()
            if isinstance(item, PolledTransport)
        }
        #: The one that the process waits in; None where all have threads of their own.
        self._waits_in = next(iter(polled.values()), None)
        #: Those that a thread waits in.
        self._threaded = list(polled.values())[1:]
        #: Frames of all but `_waits_in`; None is a call to wake up.
        self._frames: SignalSafeQueue[bytes | memoryview | None] = SignalSafeQueue()
        self._arrived: Arrived = lambda frame: None
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        #: What ended a thread that waits in a transport; raised where it is asked for.
        self._failed: Exception | None = None

    def bind(self) -> str:
        """Bind every transport; the endpoint names that of each."""
        return json.dumps({name: x.bind() for name, x in self._transports.items()})

    def start(self, arrived: Arrived, peers: Mapping[str, str]) -> None:
        """Start every transport with the endpoints of the nodes that it reaches."""
        self._arrived = arrived
        endpoints = {node: json.loads(text) for node, text in peers.items()}
        for name, transport in self._transports.items():
            own = {
                node: endpoints[node][name]
                for node, route in self._routes.items()
                if route == name and node in endpoints
            }
            is_waited_in = transport is self._waits_in
            transport.start(arrived if is_waited_in else self._put, own)
        for item in self._threaded:
            thread = threading.Thread(target=partial(self._poll, item), daemon=True)
            self._threads.append(thread)
            thread.start()

    def send(self, node: str, frame: FrameParts) -> None:
        """Send a frame by the transport that reaches its node."""
        self._transports[self._routes[node]].send(node, frame)

    def receive(self, timeout_s: float) -> None:
        """Hand over what has arrived anywhere; if there is nothing, wait for it.

        Args:
            timeout_s: How long to wait at most [s].
        """
        if self._failed is not None:
            raise self._failed
        is_idle = not self._drain()
        wait_s = timeout_s if is_idle else 0.0
        if self._waits_in is not None:
            self._waits_in.receive(wait_s)
        elif wait_s:
            try:
                frame = self._frames.get(wait_s)
            except queue.Empty:
                return
            if frame is not None:
                self._arrived(frame)
        self._drain()

    def wake(self) -> None:
        """End the present wait, or the next one; from any thread or signal handler."""
        if self._waits_in is not None:
            self._waits_in.wake()
        else:
            self._frames.put(None)

    def close(self) -> None:
        """Close every transport, also where one of them fails."""
        self._closed.set()
        for item in self._threaded:
            item.wake()
        for thread in self._threads:
            thread.join()
        with ExitStack() as closing:
            for transport in self._transports.values():
                closing.callback(transport.close)

    def _put(self, frame: bytes | memoryview) -> None:
        self._frames.put(frame)
        if self._waits_in is not None:
            self._waits_in.wake()

    def _drain(self) -> bool:
        """Hand over the frames of the others; tell whether there were any."""
        is_any = False
        while not self._frames.empty():
            frame = self._frames.get_nowait()
            if frame is not None:
                is_any = True
                self._arrived(frame)
        return is_any

    def _poll(self, transport: PolledTransport) -> None:
        try:
            while not self._closed.is_set():
                transport.receive(_LOOK_S)
        except Exception as error:  # noqa: BLE001 - raised in the process's thread
            self._failed = error
            self.wake()
