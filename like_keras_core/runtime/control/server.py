"""The launcher's end of the control channels: one thread reads all, one beats for all.

A thread a connection would be simpler. Where many processes share few processors,
though, each thread waits for its turn, and then for Python's lock; fifty of them can be
silent for seconds though nothing is wrong.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from math import inf

from like_keras_core.runtime.control.connection import (
    HEARTBEATS,
    LONGEST_DATA,
    LONGEST_TEXT,
    ControlConnection,
    ControlConnectionLostError,
)
from like_keras_core.runtime.control.process_state import HALTED, process_state
from like_keras_core.runtime.control.protocol import (
    FROM_PROCESS,
    Beats,
    ConnectionLost,
    FromNode,
    FromProcess,
    GetSystem,
    Hello,
    ToProcess,
)
from like_keras_core.runtime.control.strangers import Strangers

_LOOK_S = 1.0
_BACKLOG = 1024
_LOG = logging.getLogger("like_keras")

Heard = Callable[[FromNode | GetSystem], object]


class ControlServer:
    """Accepts the control connections of the nodes' processes that prove themselves.

    Args:
        token: What the key of each node follows from, by which it proves itself.
        silence_s: How long a process may say nothing [s]; 0 is for ever.
        host: The address to listen on: loopback, or the one the machines reach.
        port: The port; 0 takes a free one.
    """

    def __init__(
        self, token: str, silence_s: float, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._token = token
        self._silence_s = silence_s
        #: How long the serving thread waits before it looks who was silent [s].
        self._look_s = min(silence_s / HEARTBEATS or _LOOK_S, _LOOK_S)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        #: Listens; closed by the serving thread once that runs, else by `close`.
        self._socket = socket.create_server(
            (host, port), family=family, backlog=_BACKLOG
        )
        self._socket.setblocking(False)
        #: Whether the last connection was not accepted for want of a file descriptor.
        self.lacks_files = False
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        #: Has the listening socket, until `close`, every connection of `_connections`,
        #: and every client that has not proved itself yet.
        self._selector = selectors.DefaultSelector()
        #: The connections that are read. Added to under `_ending` by any thread,
        #: taken from by the serving thread alone, when one is lost.
        self._connections: set[ServerConnection] = set()
        #: By node, the connection that only beats, of those that have one.
        self._beaters: dict[str, ServerConnection] = {}
        #: When this process went on after it was halted itself [s].
        self._awake_since = -inf
        #: Whether the serving thread was started; never false again.
        self._is_started = False
        #: Whether no more connections are accepted; never false again.
        self._is_closed = False
        #: Set when the server is closed and its last connection gone: both threads
        #: end, and none is added any more.
        self._is_over = threading.Event()
        #: Held to add a connection, and to decide that it is over, so that none is
        #: added to a server whose thread has ended.
        self._ending = threading.Lock()

    def start(self, connected: Callable[[ServerConnection], object]) -> None:
        """Accept connections in a thread.

        Args:
            connected: Called, in the thread that reads, with each that proved itself.
        """
        self._is_started = True
        threading.Thread(target=self._serve, args=[connected], daemon=True).start()
        if self._silence_s:
            threading.Thread(target=self._send_heartbeats, daemon=True).start()

    def add(self, connection: ServerConnection) -> None:
        """Read a connection until it is lost; from any thread."""
        with self._ending:
            if not self._is_over.is_set():
                connection.heard_at = time.monotonic()
                self._connections.add(connection)
                self._selector.register(connection, selectors.EVENT_READ)
                return
        connection.release()

    def close(self) -> None:
        """Accept no more connections; each stays until it is closed itself."""
        self._is_closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if not self._is_started:
            self._socket.close()

    def _serve(self, connected: Callable[[ServerConnection], object]) -> None:
        selector, listener = self._selector, self._socket
        strangers = Strangers(listener, selector, self._token, self._silence_s)
        while not self._is_at_end():
            asked_at = time.monotonic()
            for key, _ in selector.select(min(self._look_s, strangers.wakes_in_s)):
                if isinstance(key.fileobj, ServerConnection):
                    self._read(key.fileobj)
                elif key.fileobj is not listener:
                    self._admit(key.fileobj, strangers, connected)
                elif not self._is_closed:
                    strangers.accept()
            if self._is_closed:
                strangers.close()
            else:
                strangers.look_after()
            self.lacks_files = strangers.lacks_files
            self._look_for_silence(asked_at)
        strangers.close()
        selector.close()
        listener.close()

    def _is_at_end(self) -> bool:
        with self._ending:
            if self._is_closed and not self._connections:
                self._is_over.set()
        return self._is_over.is_set()

    def _admit(
        self,
        client: object,
        strangers: Strangers,
        connected: Callable[[ServerConnection], object],
    ) -> None:
        """Take in a client that has proved itself."""
        proved = strangers.read(client)
        if proved is None:
            return
        connection = ServerConnection(*proved, self._silence_s, self)
        try:
            connected(connection)
        except Exception:  # noqa: BLE001 - one process's, not all others' too
            connection.close()

    def _read(self, connection: ServerConnection) -> None:
        try:
            for message in connection.receive():
                self._hear(connection, message)
            connection.heard_at = time.monotonic()
        except ControlConnectionLostError as error:
            self._lose(connection, error)
        except Exception as error:  # noqa: BLE001 - one process's, not all others' too
            text = f"what it said cannot be taken: {error!r}"
            refused = ControlConnectionLostError(text, is_refused=True)
            self._lose(connection, refused)

    def _hear(self, connection: ServerConnection, message: FromProcess) -> None:
        """Hand a message on, but for what only says whose heartbeats come here."""
        if isinstance(message, Beats):
            self._beaters.setdefault(connection.node, connection)
            return
        if isinstance(message, Hello):
            connection.pid = message.pid
        connection.heard(message)

    def _heard_at(self, connection: ServerConnection) -> float:
        """Return when the process of a connection gave a sign of life last [s]."""
        beater = self._beaters.get(connection.node, connection)
        return max(connection.heard_at, beater.heard_at)

    def _look_for_silence(self, asked_at: float) -> None:
        """Lose the connections on which nothing came, unless their processes live.

        Args:
            asked_at: When it was asked last what had come [s]. What has come since lies
                unread, however long this thread was kept from running.
        """
        if not self._silence_s:
            return
        latest = asked_at - self._silence_s
        if time.monotonic() - asked_at > 2 * self._look_s:
            self._awake_since = time.monotonic()
        if self._awake_since >= latest:
            return
        found = [x for x in self._connections if self._heard_at(x) < latest]
        lost = [x for x in found if not self._is_excused(x)]
        for connection in sorted(lost, key=self._heard_at):
            others = sorted({x.node for x in lost if x is not connection and x.node})
            why = connection.why_silent(others)
            self._lose(connection, connection.silent(why))

    def _is_excused(self, connection: ServerConnection) -> bool:
        """Say whether a silent process of this machine lives, and warn of it once."""
        state = connection.state()
        if not state or state in HALTED:
            return False
        if not connection.is_warned:
            connection.is_warned = True
            text = (
                f"Nothing was heard of the process of node {connection.node!r} for "
                f"{self._silence_s:g} s, though it lives: native code there keeps "
                "Python's lock, as where a large library is loaded, or it does not get "
                "a processor. It is waited for."
            )
            # In a thread, for a handler may have to wait for a terminal.
            threading.Thread(target=_LOG.warning, args=[text], daemon=True).start()
        return True

    def _lose(
        self, connection: ServerConnection, error: ControlConnectionLostError
    ) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(connection)
        self._connections.remove(connection)
        connection.release()
        connection.heard(ConnectionLost(str(error), error.is_refused))

    def _send_heartbeats(self) -> None:
        while not self._is_over.wait(self._silence_s / HEARTBEATS):
            for connection in list(self._connections):
                connection.send_heartbeat()


class ServerConnection(ControlConnection[FromProcess, ToProcess]):
    """The launcher's end of a control channel, which its server reads.

    Args:
        connection: As for every control connection.
        node: The node that the process has proved to run.
        silence_s: As for every control connection.
        server: The server.

    Attributes:
        heard: Called with each message.
        heard_at: When something came last [s]; infinite before the server reads it.
        node: The node that the process has proved to run.
        pid: The process that runs it, on its machine.
        is_warned: Whether it was warned of that it is silent, and lives.
    """

    heard: Heard
    pid = 0
    is_warned = False

    def __init__(
        self,
        connection: socket.socket,
        node: str,
        silence_s: float,
        server: ControlServer,
    ) -> None:
        limits = (LONGEST_TEXT, LONGEST_DATA)
        super().__init__(connection, silence_s, FROM_PROCESS, limits)
        self._server = server
        self.node = node
        self.heard_at = inf

    def fileno(self) -> int:
        """Return what the server waits on."""
        return self._socket.fileno()

    def state(self) -> str:
        """Return the state of the process there, as `/proc` has it.

        Returns:
            Empty if that is not known: it is on another machine, or has ended.
        """
        try:
            host = ip_address(self._socket.getpeername()[0])
        except (OSError, ValueError):
            return ""
        return process_state(self.pid) if host.is_loopback and self.pid else ""

    def why_silent(self, others: Sequence[str]) -> str:
        """Return why nothing comes, if that is known, and who else is silent."""
        why = ""
        if self.state() in HALTED and self.pid:
            why = f"its process {self.pid} is halted (SIGSTOP, Ctrl-Z or a debugger)"
        if others:
            why = why or "it is halted, cut off or suspended"
            why += f"; silent as well, but not for as long: {', '.join(others)}"
        return why

    def start(self, heard: Heard) -> None:
        """Have what comes handed on.

        Args:
            heard: Called with each message; at the end with a `ConnectionLost`.
        """
        self.heard = heard
        self._server.add(self)

    def close(self) -> None:
        """End the connection; the other end notices, and so does the server."""
        self._end()
        if self.heard_at == inf:
            self._socket.close()  # The server does not know of it.

    def release(self) -> None:
        """Give the socket back, once the server reads it no more."""
        super().close()
