"""Strangers at the control port: they take no descriptors, memory, thread or time."""

import os
import queue
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from like_keras_core.runtime.control import strangers as strangers_module
from like_keras_core.runtime.control.connection import (
    LONGEST_DATA,
    LONGEST_TEXT,
    ControlConnectionLostError,
    ProcessConnection,
    connect,
)
from like_keras_core.runtime.control.keys import (
    KEY,
    KEYS,
    TOKEN,
    node_key,
    own_environment,
    own_key,
    remove_keys,
    write_keys,
)
from like_keras_core.runtime.control.message import ProtocolError
from like_keras_core.runtime.control.protocol import (
    ConnectionLost,
    FromProcess,
    NodeFailed,
    Records,
    Reported,
)
from like_keras_core.runtime.control.server import ControlServer, ServerConnection

SECRET = "a token"

pytestmark = pytest.mark.timeout(60)


class Port:
    """A control port, who was let in, and what they said."""

    def __init__(self) -> None:
        self.server = ControlServer(SECRET, 3.0)
        self.admitted: queue.SimpleQueue[ServerConnection] = queue.SimpleQueue()
        self.heard: queue.SimpleQueue[FromProcess] = queue.SimpleQueue()
        self.strangers: list[socket.socket] = []
        self.server.start(self._take)

    def _take(self, connection: ServerConnection) -> None:
        self.admitted.put(connection)
        connection.start(self.heard.put)

    def stranger(self) -> socket.socket:
        """Connect, and say nothing."""
        self.strangers.append(socket.create_connection(self.server.address, 10))
        return self.strangers[-1]

    def process(self, node: str = "a") -> ProcessConnection:
        """Connect as the process of a node does."""
        return connect(self.server.address, node_key(SECRET, node), node)


@pytest.fixture
def port() -> Iterator[Port]:
    """Open a port that is closed afterwards."""
    opened = Port()
    yield opened
    opened.server.close()
    while not opened.admitted.empty():
        opened.admitted.get().close()
    for client in opened.strangers:
        client.close()


def descriptors() -> int:
    """Return how many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have room for eight strangers."""
    monkeypatch.setattr(strangers_module, "_MOST", 8)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give strangers little time for their proof."""
    monkeypatch.setattr(strangers_module, "_PROOF_S", 0.2)


def test_a_crowd_of_strangers_takes_a_bounded_number_of_descriptors(
    few: None, port: Port
) -> None:
    """And keeps no process out: the oldest of them makes room."""
    before, threads = descriptors(), threading.active_count()
    for _ in range(100):
        port.stranger()

    connection = port.process()
    connection.send(Reported())

    assert port.heard.get(timeout=10) == Reported()
    assert descriptors() <= before + 100 + 2 + 8
    assert threading.active_count() <= threads
    connection.close()


def test_a_stranger_that_says_nothing_is_dropped(quick: None, port: Port) -> None:
    """After the time that a proof may take."""
    stranger = port.stranger()

    assert len(stranger.recv(100)) == 32
    assert stranger.recv(100) == b""


@pytest.mark.parametrize(
    "sent", [bytes(1 << 20), b"\xff" * 4096, b"GET / HTTP/1.1\r\n" * 9]
)
def test_what_a_stranger_sends_is_read_up_to_the_first_wrong_byte(
    port: Port, sent: bytes
) -> None:
    """It is dropped as soon as its reply is whole or too long."""
    stranger = port.stranger()
    stranger.recv(100)

    try:
        stranger.sendall(sent)
        end = stranger.recv(100)
    except ConnectionError:
        end = b""

    assert end == b""
    port.process().close()


def test_a_port_without_descriptors_goes_on_later(port: Port) -> None:
    """It neither ends nor takes a processor."""
    waiting = [socket.socket() for _ in range(3)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir("/proc/self/fd"))
    began = time.process_time()
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, hard))
    try:
        for client in waiting:
            client.connect(port.server.address)
        time.sleep(0.5)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert time.process_time() - began < 0.4
    connection = port.process()
    connection.send(Reported())
    assert port.heard.get(timeout=10) == Reported()
    connection.close()
    for client in waiting:
        client.close()


def test_a_key_is_that_of_one_node(port: Port) -> None:
    """What proves one node proves no other."""
    with pytest.raises(ControlConnectionLostError):
        connect(port.server.address, node_key(SECRET, "a"), "b")

    port.process("b").close()
    assert port.admitted.get(timeout=10).node == "b"


@pytest.mark.parametrize("sizes", [(LONGEST_TEXT + 1, 0), (10, LONGEST_DATA + 1)])
def test_a_frame_that_is_too_long_is_refused_by_its_head(
    port: Port, sizes: tuple[int, int]
) -> None:
    """Nothing of it is waited for."""
    connection = port.process()

    connection._socket.sendall(b"".join(n.to_bytes(4, "big") for n in sizes))

    lost = port.heard.get(timeout=10)
    assert isinstance(lost, ConnectionLost)
    assert lost.is_refused
    assert "too long" in lost.reason
    connection.close()


@pytest.mark.parametrize(
    "message",
    [Records("a.b", False, bytes(LONGEST_DATA + 1)), NodeFailed("x" * (1 << 25))],
)
def test_a_message_that_is_too_long_is_not_sent(
    port: Port, message: Records | NodeFailed
) -> None:
    """Whoever sends it is told, with both sizes."""
    connection = port.process()

    with pytest.raises(ProtocolError, match="the limits are 16,777,216 and 67,108,864"):
        connection.send(message)

    connection.close()


def test_a_message_of_many_brackets_is_refused(port: Port) -> None:
    """As what it is: no message."""
    connection = port.process()
    text = b"[" * 200_000

    connection._socket.sendall(len(text).to_bytes(4, "big") + bytes(4) + text)

    lost = port.heard.get(timeout=10)
    assert isinstance(lost, ConnectionLost)
    assert "is not a JSON array" in lost.reason
    connection.close()


def test_keys_are_files_of_their_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One a node; a node's name is no path."""
    build = tmp_path
    for name in (KEY, KEYS, TOKEN):
        monkeypatch.delenv(name, raising=False)
    names = ["a", "b", "../../x"]

    folder = write_keys(SECRET, names, build)
    monkeypatch.setenv(KEYS, str(folder))

    assert [own_key(name) for name in names] == [node_key(SECRET, x) for x in names]
    assert folder.parent == build
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 3
    remove_keys(build)
    assert not folder.exists()


def test_keys_are_not_written_or_removed_through_a_link(tmp_path: Path) -> None:
    """What somebody has put in their place is replaced, not followed."""
    build, victim = tmp_path / "build", tmp_path / "victim"
    build.mkdir()
    victim.mkdir()
    (victim / "kept").touch()
    (build / "keys").symlink_to(victim)

    write_keys(SECRET, ["a"], build)
    remove_keys(build)

    assert [path.name for path in victim.iterdir()] == ["kept"]


def test_a_process_of_a_node_does_not_get_the_token() -> None:
    """Whatever environment an engine hands over."""
    for given in ({TOKEN: SECRET}, {KEY: node_key(SECRET, "a"), TOKEN: "x", KEYS: "y"}):
        own = own_environment({"PATH": "/bin", **given}, "a")

        assert own == {"PATH": "/bin", KEY: node_key(SECRET, "a")}
