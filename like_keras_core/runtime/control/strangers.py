"""Clients of the control port that have not proved themselves yet.

They are few, and dropped in time; what they may send is bounded, and none of them has a
thread. So strangers can take neither descriptors, memory nor time of a launch.
"""

from __future__ import annotations

import errno
import resource
import selectors
import socket
import time
from contextlib import suppress
from math import inf

from like_keras_core.runtime.control.handshake import HandshakeError, ServerHandshake

_PROOF_S = 5.0
"""How long a client may take to prove itself [s]."""

_MOST = 256
"""So many clients may be proving themselves at a time, if there are file descriptors
for four times as many. Then those make room that had time enough."""

_PATIENCE_S = 0.25
"""How long a client has at least, however many others want to be heard [s]."""

_PAUSE_S = 0.1
"""For how long no client is accepted where there is no room [s]."""

_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Strangers:
    """Accepts clients and takes them through the handshake; used by one thread.

    Args:
        listener: The listening socket; it is registered here.
        selector: Says what can be read: the listener, but for moments without room, and
            each client.
        token: What the key of each node follows from.
        silence_s: What clients are told of how long they may be silent [s].

    Attributes:
        lacks_files: Whether the last client was not accepted for want of a file
            descriptor, though no stranger has one.
    """

    def __init__(
        self,
        listener: socket.socket,
        selector: selectors.BaseSelector,
        token: str,
        silence_s: float,
    ) -> None:
        self.lacks_files = False
        self._listener, self._selector = listener, selector
        self._token, self._silence_s = token, silence_s
        #: The handshake of each, the oldest first, and since when it is here [s].
        self._clients: dict[socket.socket, tuple[ServerHandshake, float]] = {}
        self._most = _most()
        #: When the listener is to be registered again; infinite if it is.
        self._accepts_at = inf
        selector.register(listener, selectors.EVENT_READ)

    @property
    def wakes_in_s(self) -> float:
        """How long there is nothing to look after [s]."""
        is_quiet = not self._clients and self._accepts_at == inf
        return inf if is_quiet else _PAUSE_S

    def accept(self) -> None:
        """Accept a client, and send it what it has to prove."""
        try:
            client, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                self.lacks_files = not self._clients
                self._make_room(is_needed=True)
            return  # Else the client is gone.
        self.lacks_files = False
        handshake = ServerHandshake(self._token, self._silence_s)
        try:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sendall(handshake.nonce)
            self._selector.register(client, selectors.EVENT_READ)
        except OSError:
            client.close()
            return
        self._clients[client] = (handshake, time.monotonic())
        if self._is_full:
            self._make_room()

    def read(self, client: object) -> tuple[socket.socket, str] | None:
        """Read on in a client's handshake.

        Returns:
            The client and the node that it has proved to be; it is not ours any more.
            None if it has not proved itself, or not yet.
        """
        if not isinstance(client, socket.socket) or client not in self._clients:
            return None  # It has made room for another one.
        handshake, _ = self._clients[client]
        try:
            part = client.recv(handshake.missing())
            answer = handshake.take(part) if part else b""
            if answer is None:
                return None
            client.sendall(answer)
        except (BlockingIOError, InterruptedError):
            return None
        except (HandshakeError, OSError):
            answer = b""
        if not answer:
            self._drop(client)
            return None
        self._selector.unregister(client)
        del self._clients[client]
        return client, handshake.node

    def look_after(self) -> None:
        """Drop those that take too long; accept again what was not for a moment."""
        now = time.monotonic()
        self._drop_older(now - _PROOF_S)
        if self._accepts_at > now:
            return
        if self._is_full:
            self._drop_older(now - _PATIENCE_S)
        if not self._is_full:
            self._accepts_at = inf
            self._selector.register(self._listener, selectors.EVENT_READ)

    def close(self) -> None:
        """Drop all, and accept no more; the listener is the caller's again."""
        self._drop_older(inf)
        with suppress(KeyError, ValueError):
            self._selector.unregister(self._listener)

    @property
    def _is_full(self) -> bool:
        return len(self._clients) >= self._most

    def _make_room(self, *, is_needed: bool = False) -> None:
        """Drop the clients that had their chance; if none had, accept no more now."""
        now = time.monotonic()
        self._drop_older(now - _PATIENCE_S)
        if self._is_full or is_needed:
            self._selector.unregister(self._listener)
            self._accepts_at = now + _PAUSE_S

    def _drop_older(self, than: float) -> None:
        for client in [x for x, (_, since) in self._clients.items() if since < than]:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        with suppress(KeyError, ValueError):
            self._selector.unregister(client)
        client.close()


def _most() -> int:
    """Return how many clients may be proving themselves at a time."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return _MOST
    return max(1, min(_MOST, descriptors // 4))
