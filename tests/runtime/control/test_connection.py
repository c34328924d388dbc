"""The channel home: who may call, what is said, and what silence means."""

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from like_keras_core.runtime.control.connection import (
    ControlConnection,
    ControlConnectionLostError,
    Message,
    connect,
)
from like_keras_core.runtime.control.server import ControlServer

TOKEN = "a token"


class Exchange:
    """A switchboard, the lines that called, and what they said.

    Attributes:
        act: Called with each message first, in the thread that listens.
    """

    def __init__(self, silence_s: float) -> None:
        self.act: Callable[[Message], object] = lambda message: None
        self.board = ControlServer(TOKEN, silence_s)
        self.lines: queue.SimpleQueue[ControlConnection] = queue.SimpleQueue()
        self.heard: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self.board.start(self._called)

    def _called(self, line: ControlConnection) -> None:
        self.lines.put(line)
        line.start(self._hear)

    def _hear(self, message: Message) -> None:
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
        exchange.board.close()
        while not exchange.lines.empty():
            exchange.lines.get().close()


Open = Callable[[float], Exchange]


def test_messages_arrive_in_order_with_their_data(open_exchange: Open) -> None:
    """Verb, JSON arguments, and bytes of any size."""
    exchange = open_exchange(5)
    line = connect(exchange.board.address, TOKEN)
    big = bytes(range(256)) * 40_000

    line.send("one", 1, None, {"a": [2.5]})
    line.send("two", data=big)

    assert exchange.heard.get(timeout=10) == Message("one", (1, None, {"a": [2.5]}))
    assert exchange.heard.get(timeout=10) == Message("two", (), big)
    line.close()


def test_who_does_not_know_the_token_is_not_heard(open_exchange: Open) -> None:
    """The caller is told so; the switchboard hears nothing."""
    exchange = open_exchange(5)

    with pytest.raises(ControlConnectionLostError):
        connect(exchange.board.address, "another token")

    assert exchange.lines.empty()


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
        connect(server.getsockname(), TOKEN)

    thread.join()
    server.close()


def test_nobody_there_is_said(open_exchange: Open) -> None:
    """With the address."""
    exchange = open_exchange(5)
    exchange.board.close()

    with pytest.raises(ControlConnectionLostError, match="Nobody answers at"):
        connect(exchange.board.address, TOKEN)


def test_garbage_loses_the_line_and_nothing_else(open_exchange: Open) -> None:
    """The switchboard goes on answering."""
    exchange = open_exchange(5)
    line = connect(exchange.board.address, TOKEN)

    line._socket.sendall(b"\xff" * 64)

    assert exchange.heard.get(timeout=10).verb == "lost"
    other = connect(exchange.board.address, TOKEN)
    other.send("hello")
    assert exchange.heard.get(timeout=10) == Message("hello")
    line.close()
    other.close()


def test_a_closed_line_is_heard_at_once(open_exchange: Open) -> None:
    """As the loss that it is."""
    exchange = open_exchange(0)
    line = connect(exchange.board.address, TOKEN)

    line.close()

    assert exchange.heard.get(timeout=10).verb == "lost"


def test_silence_loses_the_line(open_exchange: Open) -> None:
    """Who does not beat is gone."""
    exchange = open_exchange(0.3)
    line = connect(exchange.board.address, TOKEN)

    message = exchange.heard.get(timeout=10)

    assert message.verb == "lost"
    assert "nothing was heard of it for 0.3 s" in message.arguments[0]
    line.close()


def test_beats_keep_an_idle_line(open_exchange: Open) -> None:
    """Both ends beat, so neither hears of a loss."""
    exchange = open_exchange(0.3)
    line = connect(exchange.board.address, TOKEN)
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
    line.start(heard.put)

    with pytest.raises(queue.Empty):
        exchange.heard.get(timeout=1.0)

    assert heard.empty()
    line.close()


@pytest.mark.timeout(30)
def test_who_beats_is_not_lost_while_nobody_listens(open_exchange: Open) -> None:
    """The listening thread was held up; what came meanwhile lies unread."""
    exchange = open_exchange(0.5)
    lines = [connect(exchange.board.address, TOKEN) for _ in range(3)]
    for line in lines:
        line.start(lambda message: None)

    def hold_up(message: Message) -> None:
        if message.verb == "slow":
            time.sleep(1.0)

    exchange.act = hold_up
    lines[0].send("slow")

    assert exchange.heard.get(timeout=10).verb == "slow"
    with pytest.raises(queue.Empty):
        exchange.heard.get(timeout=0.5)
    for line in lines:
        line.close()


@pytest.mark.timeout(30)
def test_what_cannot_be_taken_loses_its_own_line(open_exchange: Open) -> None:
    """The others are heard as before."""
    exchange = open_exchange(5)
    one, other = (connect(exchange.board.address, TOKEN) for _ in range(2))

    def refuse(message: Message) -> None:
        if message.verb == "bad":
            raise ValueError("bad")

    exchange.act = refuse
    one.send("bad")
    lost = exchange.heard.get(timeout=10)
    other.send("good")

    assert lost.verb == "lost"
    assert "cannot be taken: ValueError('bad')" in lost.arguments[0]
    assert exchange.heard.get(timeout=10) == Message("good")
    one.close()
    other.close()
