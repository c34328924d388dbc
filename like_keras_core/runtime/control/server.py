"""Where the hosts of a run call: one thread hears all of them, and one beats for all.

A thread a line would be simpler. Where many processes share few processors, though,
each thread waits for its turn, and then for Python's lock; fifty of them can be silent
for seconds though nothing is wrong.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf

from like_keras_core.runtime.control.connection import (
    BEATS,
    ControlConnection,
    ControlConnectionLostError,
    Message,
    authenticate,
)

_LOOK_S = 1.0
_PAUSE_S = 0.01

Heard = Callable[[Message], object]


class ControlServer:
    """Where the hosts call; each one that proves itself becomes a line.

    Args:
        token: What both ends know.
        silence_s: How long a host may say nothing [s]; 0 is for ever.
        host: The address to listen on: loopback, or the one the machines reach.
        port: The port; 0 takes a free one.
    """

    def __init__(
        self, token: str, silence_s: float, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self._token = token
        self._silence_s = silence_s
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self._socket.setblocking(False)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._selector = selectors.DefaultSelector()
        self._lines: set[ServerConnection] = set()
        self._is_started = self._is_closed = False
        self._is_over = threading.Event()
        self._ending = threading.Lock()

    def start(self, called: Callable[[ControlConnection], object]) -> None:
        """Answer calls in a thread; `called` gets each line that proved itself."""
        self._is_started = True
        self._selector.register(self._socket, selectors.EVENT_READ)
        threading.Thread(target=self._serve, args=[called], daemon=True).start()
        if self._silence_s:
            threading.Thread(target=self._beat, daemon=True).start()

    def hear(self, line: ServerConnection) -> None:
        """Hand on what comes on a line, until it is lost; from any thread."""
        with self._ending:
            if not self._is_over.is_set():
                line.heard_at = time.monotonic()
                self._lines.add(line)
                self._selector.register(line, selectors.EVENT_READ)
                return
        line.hang_up()

    def close(self) -> None:
        """Answer no more calls; the lines stay until each of them is closed."""
        self._is_closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if not self._is_started:
            self._socket.close()

    def _serve(self, called: Callable[[ControlConnection], object]) -> None:
        wait = self._silence_s / BEATS or _LOOK_S
        while not self._is_at_end():
            asked_at = time.monotonic()
            for key, _ in self._selector.select(wait):
                if isinstance(key.fileobj, ServerConnection):
                    self._listen(key.fileobj)
                elif not self._is_closed:
                    self._accept(called)
                else:
                    self._selector.unregister(self._socket)
            self._look_for_silence(asked_at)
        self._selector.close()
        self._socket.close()

    def _is_at_end(self) -> bool:
        with self._ending:
            if self._is_closed and not self._lines:
                self._is_over.set()
        return self._is_over.is_set()

    def _accept(self, called: Callable[[ControlConnection], object]) -> None:
        try:
            connection, _ = self._socket.accept()
        except OSError:
            time.sleep(_PAUSE_S)  # The caller has hung up, or no file may be opened.
            return
        given = (connection, called)
        try:
            threading.Thread(target=self._admit, args=given, daemon=True).start()
        except RuntimeError:
            connection.close()  # There can be no more threads.

    def _admit(
        self, connection: socket.socket, called: Callable[[ControlConnection], object]
    ) -> None:
        try:
            is_one_of_us = authenticate(connection, self._token, self._silence_s)
        except OSError:
            is_one_of_us = False
        if is_one_of_us:
            called(ServerConnection(connection, self._silence_s, self))
        else:
            connection.close()

    def _listen(self, line: ServerConnection) -> None:
        try:
            for message in line.receive():
                line.heard(message)
            line.heard_at = time.monotonic()
        except ControlConnectionLostError as error:
            self._lose(line, error)
        except Exception as error:  # noqa: BLE001 - one host's, and not all others' too
            self._lose(
                line,
                ControlConnectionLostError(f"what it said cannot be taken: {error!r}"),
            )

    def _look_for_silence(self, asked_at: float) -> None:
        """Lose the lines on which nothing came.

        Args:
            asked_at: When it was asked last what had come [s]. What has come since lies
                unread, however long this thread was kept from running.
        """
        if not self._silence_s:
            return
        for line in list(self._lines):
            if line.heard_at < asked_at - self._silence_s:
                self._lose(line, line.silent())

    def _lose(self, line: ServerConnection, error: ControlConnectionLostError) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(line)
        self._lines.remove(line)
        line.hang_up()
        line.heard(Message("lost", (str(error),)))

    def _beat(self) -> None:
        while not self._is_over.wait(self._silence_s / BEATS):
            for line in list(self._lines):
                line.beat()


class ServerConnection(ControlConnection):
    """A line that its switchboard listens to.

    Args:
        connection: As for every line.
        silence_s: Likewise.
        board: The switchboard.

    Attributes:
        heard: Called with each message.
        heard_at: When something came last [s].
    """

    heard: Heard

    def __init__(
        self, connection: socket.socket, silence_s: float, board: ControlServer
    ) -> None:
        super().__init__(connection, silence_s)
        self._board = board
        self.heard_at = inf

    def fileno(self) -> int:
        """Return what the switchboard listens to."""
        return self._socket.fileno()

    def start(self, heard: Heard) -> None:
        """Have what comes handed on.

        Args:
            heard: Called with each message; at the end with `lost` and the reason.
        """
        self.heard = heard
        self._board.hear(self)

    def close(self) -> None:
        """End the line; the other end hears it, and so does the switchboard."""
        self._end()
        if self.heard_at == inf:
            self._socket.close()  # The switchboard does not know of it.

    def hang_up(self) -> None:
        """Give the connection back."""
        super().close()
