"""The control channel: who may connect, what arrives, and what silence means."""

import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from like_keras_core.runtime.control.connection import (
    ControlConnectionLostError,
    ProcessConnection,
    connect,
)
from like_keras_core.runtime.control.keys import node_key
from like_keras_core.runtime.control.protocol import (
    ConnectionLost,
    FromProcess,
    Linked,
    Records,
    Reported,
    StopAsked,
    ToProcess,
)
from like_keras_core.runtime.control.server import ControlServer, ServerConnection

TOKEN = "a token"
NODE = "a"


class Exchange:
    """A server, its connections, and what came on them.

    Attributes:
        act: Called with each message first, in the thread that reads.
    """

    def __init__(self, silence_s: float) -> None:
        self.act: Callable[[FromProcess], object] = lambda message: None
        self.server = ControlServer(TOKEN, silence_s)
        self.connections: queue.SimpleQueue[ServerConnection] = queue.SimpleQueue()
        self.heard: queue.SimpleQueue[FromProcess] = queue.SimpleQueue()
        self.server.start(self._connected)

    def connect(self) -> ProcessConnection:
        """Connect as a process does."""
        return connect(self.server.address, node_key(TOKEN, NODE), NODE)

    def lost(self) -> str:
        """Wait for a connection to be lost; return why."""
        message = self.heard.get(timeout=10)
        assert isinstance(message, ConnectionLost)
        return message.reason

    def _connected(self, connection: ServerConnection) -> None:
        self.connections.put(connection)
        connection.start(self._hear)

    def _hear(self, message: FromProcess) -> None:
        self.act(message)
        self.heard.put(message)


@pytest.fixture
def open_exchange() -> Iterator[Callable[[float], Exchange]]:
    """Open exchanges that are closed afterwards."""
    opened: list[Exchange] = []

    def make(silence_s: float) -> Exchange:
        opened.append(Exchange(silence_s))
        return opened[-1]

    yield make
    for exchange in opened:
        exchange.server.close()
        while not exchange.connections.empty():
            exchange.connections.get().close()


Open = Callable[[float], Exchange]


def test_messages_arrive_in_order_with_their_data(open_exchange: Open) -> None:
    """With fields of JSON, and bytes of any size."""
    exchange = open_exchange(5)
    connection = exchange.connect()
    big = bytes(range(256)) * 40_000

    connection.send(Linked(("a", "b")))
    connection.send(Records("count.output", False, big))

    assert exchange.heard.get(timeout=10) == Linked(("a", "b"))
    assert exchange.heard.get(timeout=10) == Records("count.output", False, big)
    connection.close()


def test_who_does_not_know_the_token_is_not_heard(open_exchange: Open) -> None:
    """The caller is told so; the switchboard hears nothing."""
    exchange = open_exchange(5)

    with pytest.raises(ControlConnectionLostError):
        connect(exchange.server.address, node_key("another token", NODE), NODE)

    assert exchange.connections.empty()


def test_a_switchboard_must_know_the_token_too() -> None:
    """A caller does not talk to somebody who only listens there."""
    server = socket.create_server(("127.0.0.1", 0))

    def pretend() -> None:
        connection, _ = server.accept()
        connection.sendall(bytes(32))
        connection.recv(64)
        connection.sendall(bytes(40))
        connection.close()

    thread = threading.Thread(target=pretend)
    thread.start()

    with pytest.raises(ControlConnectionLostError, match="does not know the token"):
        connect(server.getsockname(), node_key(TOKEN, NODE), NODE)

    thread.join()
    server.close()


def test_nobody_there_is_said(open_exchange: Open) -> None:
    """With the address."""
    exchange = open_exchange(5)
    exchange.server.close()

    with pytest.raises(ControlConnectionLostError, match="Nobody answers at"):
        exchange.connect()


def test_garbage_loses_the_line_and_nothing_else(open_exchange: Open) -> None:
    """The switchboard goes on answering."""
    exchange = open_exchange(5)
    connection = exchange.connect()

    connection._socket.sendall(b"\xff" * 64)

    assert "not a message" in exchange.lost()
    other = exchange.connect()
    other.send(Reported())
    assert exchange.heard.get(timeout=10) == Reported()
    connection.close()
    other.close()


def test_a_closed_line_is_heard_at_once(open_exchange: Open) -> None:
    """As the loss that it is."""
    exchange = open_exchange(0)
    connection = exchange.connect()

    connection.close()

    assert exchange.lost()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'["progress","x"]', "'progress' has a wrong field: tick must be an integer"),
        (b'["progress"]', "'progress' has 0 fields; expected are 1: tick"),
        (b'["build",{}]', "'build' does not exist in this direction"),
    ],
)
def test_a_wrong_message_loses_its_connection_with_its_name(
    open_exchange: Open, text: bytes, problem: str
) -> None:
    """And with the field that is wrong."""
    exchange = open_exchange(5)
    connection = exchange.connect()

    connection._socket.sendall(struct.pack("!II", len(text), 0) + text)

    assert problem in exchange.lost()
    connection.close()


def test_silence_loses_the_line(open_exchange: Open) -> None:
    """Who does not beat is gone."""
    exchange = open_exchange(0.3)
    connection = exchange.connect()

    assert "nothing was heard of it for 0.3 s" in exchange.lost()
    connection.close()


def test_beats_keep_an_idle_line(open_exchange: Open) -> None:
    """Both ends beat, so neither hears of a loss."""
    exchange = open_exchange(0.3)
    connection = exchange.connect()
    heard: queue.SimpleQueue[ToProcess] = queue.SimpleQueue()
    connection.start(heard.put)

    with pytest.raises(queue.Empty):
        exchange.heard.get(timeout=1.0)

    assert heard.empty()
    connection.close()


@pytest.mark.timeout(30)
def test_who_beats_is_not_lost_while_nobody_listens(open_exchange: Open) -> None:
    """The listening thread was held up; what came meanwhile lies unread."""
    exchange = open_exchange(0.5)
    connections = [exchange.connect() for _ in range(3)]
    for connection in connections:
        connection.start(lambda message: None)

    def hold_up(message: FromProcess) -> None:
        time.sleep(1.0)

    exchange.act = hold_up
    connections[0].send(Reported())

    assert exchange.heard.get(timeout=10) == Reported()
    with pytest.raises(queue.Empty):
        exchange.heard.get(timeout=0.5)
    for connection in connections:
        connection.close()


@pytest.mark.timeout(30)
def test_what_cannot_be_taken_loses_its_own_line(open_exchange: Open) -> None:
    """The others are heard as before."""
    exchange = open_exchange(5)
    one, other = (exchange.connect() for _ in range(2))

    def refuse(message: FromProcess) -> None:
        if message == StopAsked():
            raise ValueError("bad")

    exchange.act = refuse
    one.send(StopAsked())
    lost = exchange.lost()
    other.send(Reported())

    assert "cannot be taken: ValueError('bad')" in lost
    assert exchange.heard.get(timeout=10) == Reported()
    one.close()
    other.close()
