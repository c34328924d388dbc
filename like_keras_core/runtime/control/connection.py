"""Authenticated control channel between a node's process and the launcher.

It carries the messages of `protocol`, as JSON and raw bytes, never pickle. Each end
proves that it knows the token before anything else is read. Both send heartbeats while
they have nothing to say, so that silence means that the peer is gone.

```text
frame:  length of the JSON (4 bytes) · length of the data (4 bytes) · JSON · data
proof:  server: nonce -> client: HMAC-SHA256(token, "client" + nonce) + own nonce
        -> server: longest silence (double) + HMAC-SHA256(token, "server" + nonce
           of the client + longest silence)
```
"""

from __future__ import annotations

import hmac
import secrets
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

from like_keras_core.errors import LkError
from like_keras_core.runtime.control.message import (
    Message,
    ProtocolError,
    decode,
    encode,
)
from like_keras_core.runtime.control.protocol import (
    TO_PROCESS,
    ConnectionLost,
    FromProcess,
    Heartbeat,
    NodeFailed,
    ToProcess,
)

_SIZES = struct.Struct("!II")
_SILENCE = struct.Struct("!d")
_NONCE = 32
_PROOF_S = 5.0
_LONGEST = 1 << 30
_PART = 1 << 20
_HALTED_S = 1.0
"""A wait that lasts so much longer than asked for was one of a halted process [s]."""

HEARTBEATS = 4
"""So many heartbeats fit into the longest silence."""

Incoming = TypeVar("Incoming", bound=Message)
Outgoing = TypeVar("Outgoing", bound=Message)


class ControlConnectionLostError(LkError, ConnectionError):
    """The other end of a control channel is gone, silent, or not who it should be."""


def _framed(message: Message) -> bytes:
    text, data = encode(message)
    return _SIZES.pack(len(text), len(data)) + text + data


_HEARTBEAT, _ = encode(Heartbeat())
HEARTBEAT_FRAME = _framed(Heartbeat())

MORE_SILENCE = "heartbeat_s says how long it may be silent, and 0 is for ever"


class ControlConnection(Generic[Incoming, Outgoing]):
    """One end of a control channel; sending is safe from any thread.

    Args:
        connection: A connected socket whose other end has proved itself.
        silence_s: How long the other end may say nothing [s]; 0 is for ever.
        incoming: The classes of the messages that may come, by verb.
    """

    def __init__(
        self,
        connection: socket.socket,
        silence_s: float,
        incoming: Mapping[str, type[Incoming]],
    ) -> None:
        self._socket = connection
        #: Held while a frame is written, so that frames of two threads do not mix.
        self._lock = threading.Lock()
        #: Set once this end is closed; the thread of the heartbeats waits on it.
        self._closed = threading.Event()
        #: What has come and is not a whole frame yet; it begins with a frame's sizes.
        self._received = bytearray()
        self._incoming = incoming
        self.silence_s = silence_s
        connection.settimeout(silence_s or None)

    def send(self, message: Outgoing) -> None:
        """Send a message; dropped silently if the peer is gone."""
        frame = _framed(message)
        try:
            with self._lock:
                self._socket.sendall(frame)
        except OSError:
            self.close()

    def send_heartbeat(self) -> None:
        """Send a heartbeat unless the socket would block."""
        self._send_at_once(HEARTBEAT_FRAME)

    def _send_at_once(self, frame: bytes) -> None:
        """Send a small frame unless the socket would block."""
        if not self._lock.acquire(blocking=False):
            return  # A message is being sent, which is as good.
        try:
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT)
            if poll.poll(0):
                self._socket.sendall(frame)
        except (OSError, ValueError):
            self.close()
        finally:
            self._lock.release()

    def receive(self) -> list[Incoming]:
        """Wait for something to come; return the messages that are complete.

        Raises:
            ControlConnectionLostError: The other end is gone, or silent for too long.
        """
        try:
            part = self._received_part()
            if not part:
                raise ConnectionResetError("closed")
            self._received += part
            return self._messages()
        except TimeoutError:
            raise self.silent() from None
        except ProtocolError as error:
            raise ControlConnectionLostError(
                f"it sent a message that cannot be read ({error})"
            ) from None
        except (OSError, ValueError) as error:
            raise ControlConnectionLostError(
                f"its connection was lost ({error})"
            ) from None

    def _received_part(self) -> bytes:
        """Wait for something to come; but for time in which this end was halted.

        Raises:
            OSError: The other end is gone, or silent.
        """
        while True:
            began = time.monotonic()
            try:
                return self._socket.recv(_PART)
            except TimeoutError:
                if time.monotonic() - began < self.silence_s + _HALTED_S:
                    raise

    def silent(self, why: str = "") -> ControlConnectionLostError:
        """Return what is said of an end that was silent for too long.

        Args:
            why: What is known of it; else what it may be is said.
        """
        why = why or (
            "it is halted, cut off or suspended, or native code there keeps Python's "
            "lock"
        )
        return ControlConnectionLostError(
            f"nothing was heard of it for {self.silence_s:g} s: {why} ({MORE_SILENCE})"
        )

    def _messages(self) -> list[Incoming]:
        """Take the whole messages out of what has come, without heartbeats."""
        messages = []
        start = 0
        while len(self._received) - start >= _SIZES.size:
            sizes = _SIZES.unpack_from(self._received, start)
            if max(sizes) > _LONGEST:
                raise ControlConnectionLostError("it sent bytes that are not a message")
            body = start + _SIZES.size
            middle, end = body + sizes[0], body + sum(sizes)
            if end > len(self._received):
                break
            text = self._received[body:middle]
            if text != _HEARTBEAT:
                data = bytes(memoryview(self._received)[middle:end])
                messages.append(decode(text, data, self._incoming))
            start = end
        del self._received[:start]
        return messages

    def start(self, heard: Callable[[Incoming | ConnectionLost], object]) -> None:
        """Receive in a thread, and send heartbeats in another, until it is closed.

        Args:
            heard: Called with each message; at the end with a `ConnectionLost`.
        """
        threading.Thread(target=self._listen, args=[heard], daemon=True).start()
        if self.silence_s:
            threading.Thread(target=self._send_heartbeats, daemon=True).start()

    def _listen(self, heard: Callable[[Incoming | ConnectionLost], object]) -> None:
        try:
            while True:
                for message in self.receive():
                    heard(message)
        except ControlConnectionLostError as error:
            heard(ConnectionLost(str(error)))

    def _send_heartbeats(self) -> None:
        while not self._closed.wait(self.silence_s / HEARTBEATS):
            self.send_heartbeat()

    def close(self) -> None:
        """End the connection; the other end notices."""
        self._end()
        self._socket.close()

    def _end(self) -> None:
        self._closed.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class ProcessConnection(ControlConnection[ToProcess, FromProcess]):
    """The end of a node's process.

    Attributes:
        left_since: Why it leaves the run, if it does since the launcher was silent.
    """

    left_since = ""

    def fileno(self) -> int:
        """Return what another process may write to."""
        return self._socket.fileno()

    def let_go(self) -> None:
        """Leave the connection to another process, which has it as well."""
        self._socket.close()

    def silent(self, why: str = "") -> ControlConnectionLostError:
        """Say that it leaves, if that can be said at once; return why."""
        self.left_since = (
            f"it heard nothing of the launching process for {self.silence_s:g} s, and "
            f"left the run: that one was halted (Ctrl-Z), cut off or suspended, or "
            f"native code in it kept Python's lock ({MORE_SILENCE})"
        )
        self._send_at_once(_framed(NodeFailed(self.left_since)))
        return super().silent(why)


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        part = connection.recv(min(size - len(received), _PART))
        if not part:
            raise ConnectionResetError("closed")
        received += part
    return bytes(received)


def _proof(token: str, side: bytes, nonce: bytes) -> bytes:
    return hmac.new(token.encode(), side + nonce, "sha256").digest()


def connect(address: tuple[str, int], token: str) -> ProcessConnection:
    """Open a control channel to the launcher, which says how long a silence may be.

    Args:
        address: Where the launcher listens.
        token: What both ends know.

    Raises:
        ControlConnectionLostError: Nobody answers there, or not with the same token.
    """
    try:
        connection = socket.create_connection(address, timeout=_PROOF_S)
    except OSError as error:
        raise ControlConnectionLostError(
            f"Nobody answers at {address}: {error}"
        ) from None
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own = secrets.token_bytes(_NONCE)
        theirs = _exactly(connection, _NONCE)
        connection.sendall(_proof(token, b"client", theirs) + own)
        silence = _exactly(connection, _SILENCE.size)
        answer = _exactly(connection, _NONCE)
    except OSError as error:
        connection.close()
        text = f"What listens at {address} hung up, as for a wrong token: {error}"
        raise ControlConnectionLostError(text) from None
    if not hmac.compare_digest(answer, _proof(token, b"server", own + silence)):
        connection.close()
        raise ControlConnectionLostError(
            f"What answers at {address} does not know the token."
        )
    (silence_s,) = _SILENCE.unpack(silence)
    return ProcessConnection(connection, silence_s, TO_PROCESS)


def authenticate(connection: socket.socket, token: str, silence_s: float) -> bool:
    """Prove to a client that this is the right server, if it proves itself first.

    Args:
        connection: The client's connection.
        token: What both ends know.
        silence_s: How long either end may be silent [s]; 0 is for ever.

    Returns:
        Whether the client proved itself.

    Raises:
        OSError: It did not answer in time, or is gone.
    """
    connection.settimeout(_PROOF_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    nonce = secrets.token_bytes(_NONCE)
    connection.sendall(nonce)
    reply = _exactly(connection, 2 * _NONCE)
    if not hmac.compare_digest(reply[:_NONCE], _proof(token, b"client", nonce)):
        return False
    silence = _SILENCE.pack(silence_s)
    connection.sendall(silence + _proof(token, b"server", reply[_NONCE:] + silence))
    return True


def address_toward(host: str, port: int = 9) -> str:
    """Return the address of this machine by which another one reaches it.

    Nothing is sent: the system looks up its way there.

    Args:
        host: The other machine's name or address.
        port: Any port of it.

    Raises:
        OSError: There is no such machine, or no way there.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, kind, number, _, address = found[0]
    with socket.socket(family, kind, number) as probe:
        probe.connect(address)
        own: str = probe.getsockname()[0]
    return own
