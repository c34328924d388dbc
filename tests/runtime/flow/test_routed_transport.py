"""Several transports as one: each node by the one that reaches it, and no polling."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest

from like_keras_core.runtime.flow.routed_transport import RoutedTransport

LONG_S = 20.0
"""A wait that a test must not sit out [s]."""


class Threaded:
    """Hands over frames from threads of others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent: list[tuple[str, bytes]] = []
        self.peers: dict[str, str] = {}
        self.is_closed = False

    def bind(self) -> str:
        return f"{self.name}:1"

    def start(self, arrived: Callable[[Any], object], peers: Mapping[str, str]) -> None:
        self.arrived, self.peers = arrived, dict(peers)

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        self.sent.append((node, b"".join(frame)))

    def close(self) -> None:
        self.is_closed = True


class Polled(Threaded):
    """Keeps frames until somebody waits for them."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.came: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.readers: set[int] = set()

    def receive(self, timeout_s: float) -> None:
        self.readers.add(threading.get_ident())
        with suppress(queue.Empty):
            while frame := self.came.get(timeout=timeout_s):
                self.arrived(frame)
                timeout_s = 0.0

    def wake(self) -> None:
        self.came.put(None)


Made = tuple[RoutedTransport, dict[str, Any], list[bytes]]


def routed(**transports: Threaded) -> Made:
    """Return a started transport: node `to_x` is reached by transport `x`."""
    routes = {f"to_{name}": name for name in transports}
    transport = RoutedTransport(transports, routes)
    found: list[Any] = []
    endpoint = transport.bind()
    transport.start(found.append, dict.fromkeys(routes, endpoint))
    return transport, dict(transports), found


@pytest.fixture
def two() -> Iterator[Made]:
    """A polled transport and a threaded one."""
    made = routed(a=Polled("a"), b=Threaded("b"))
    yield made
    made[0].close()


def test_a_frame_goes_by_the_transport_of_its_node(two: Made) -> None:
    """The others see nothing of it."""
    transport, parts, _ = two

    transport.send("to_b", [b"x", b"y"])

    assert (parts["a"].sent, parts["b"].sent) == ([], [("to_b", b"xy")])


def test_each_transport_gets_the_endpoints_that_it_made(two: Made) -> None:
    """Of the nodes that it reaches, and of no other."""
    _, parts, _ = two

    assert (parts["a"].peers, parts["b"].peers) == ({"to_a": "a:1"}, {"to_b": "b:1"})


@pytest.mark.parametrize("source", ["a", "b"])
def test_a_frame_of_either_ends_the_wait(two: Made, source: str) -> None:
    """At once, and it is handed over by the thread that waits."""
    transport, parts, found = two
    part = parts[source]
    put = part.came.put if source == "a" else part.arrived
    timer = threading.Timer(0.05, put, [b"frame"])
    timer.start()
    began = time.monotonic()

    while not found and time.monotonic() < began + LONG_S / 2:
        transport.receive(LONG_S)

    assert found == [b"frame"]
    assert time.monotonic() < began + LONG_S / 2
    timer.join()


@pytest.mark.parametrize("kind", [Polled, Threaded])
def test_a_wake_ends_the_wait(kind: type[Threaded]) -> None:
    """Whichever transports there are."""
    transport, _, found = routed(a=kind("a"), b=Threaded("b"))
    threading.Timer(0.05, transport.wake).start()
    began = time.monotonic()

    transport.receive(LONG_S)

    assert time.monotonic() < began + LONG_S / 2
    assert found == []
    transport.close()


def test_of_two_polled_transports_one_has_a_thread() -> None:
    """Frames of both end the wait of the process, and arrive in its thread."""
    transport, parts, found = routed(a=Polled("a"), b=Polled("b"))
    began = time.monotonic()

    parts["b"].came.put(b"second")
    while len(found) < 1 and time.monotonic() < began + LONG_S / 2:
        transport.receive(LONG_S)
    parts["a"].came.put(b"first")
    while len(found) < 2 and time.monotonic() < began + LONG_S / 2:
        transport.receive(LONG_S)

    assert found == [b"second", b"first"]
    assert parts["a"].readers == {threading.get_ident()}
    assert threading.get_ident() not in parts["b"].readers
    transport.close()
    assert all(part.is_closed for part in parts.values())


def test_a_transport_that_fails_in_its_thread_is_heard_of() -> None:
    """By the process, where it waits; the others are closed all the same."""

    class Broken(Polled):
        def receive(self, timeout_s: float) -> None:
            raise OSError("its link is gone")

        def close(self) -> None:
            raise OSError("nothing to close")

    transport, parts, _ = routed(a=Polled("a"), b=Broken("b"), c=Threaded("c"))
    transport._threads[0].join(LONG_S)

    with pytest.raises(OSError, match="its link is gone"):
        transport.receive(LONG_S)

    with pytest.raises(OSError, match="nothing to close"):
        transport.close()
    assert parts["a"].is_closed
    assert parts["c"].is_closed
