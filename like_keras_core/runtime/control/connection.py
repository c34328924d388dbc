"""The channel home: from each host to the launching process, authenticated, no pickles.

A message is a verb with JSON arguments and, where values travel, bytes beside it. Each
end proves that it knows the token before anything else is read. Both send a beat while
they have nothing to say, so that silence means something.

```text
frame:  length of the JSON (4 bytes) · length of the data (4 bytes) · JSON · data
proof:  server: nonce -> client: HMAC-SHA256(token, "client" + nonce) + own nonce
        -> server: longest silence (double) + HMAC-SHA256(token, "server" + nonce
           of the client + longest silence)
```
"""

from __future__ import annotations

import hmac
import json
import secrets
import select
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from like_keras_core.errors import LkError

_SIZES = struct.Struct("!II")
_SILENCE = struct.Struct("!d")
_NONCE = 32
_PROOF_S = 5.0
_LONGEST = 1 << 30
_PART = 1 << 20

BEATS = 4
"""So many beats fit into the longest silence."""


class ControlConnectionLostError(LkError, ConnectionError):
    """The other end of a control channel is gone, silent, or not who it should be."""


class Message(NamedTuple):
    """What was said.

    Args:
        verb: What about.
        arguments: JSON values.
        data: Bytes beside them.
    """

    verb: str
    arguments: tuple[Any, ...] = ()
    data: bytes = b""


class ControlConnection:
    """One end of a control channel; sending is safe from any thread.

    Args:
        connection: A connected socket whose other end has proved itself.
        silence_s: How long the other end may say nothing [s]; 0 is for ever.
    """

    def __init__(self, connection: socket.socket, silence_s: float) -> None:
        self._socket = connection
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._received = bytearray()
        self.silence_s = silence_s
        connection.settimeout(silence_s or None)

    def send(self, verb: str, *arguments: Any, data: bytes = b"") -> None:
        """Say something; to nobody, if the other end is gone."""
        frame = _framed(verb, *arguments, data=data)
        try:
            with self._lock:
                self._socket.sendall(frame)
        except OSError:
            self.close()

    def beat(self) -> None:
        """Give a sign of life; not where that would wait."""
        if not self._lock.acquire(blocking=False):
            return  # Something else is being said.
        try:
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT)
            if poll.poll(0):
                self._socket.sendall(_BEAT_FRAME)
        except (OSError, ValueError):
            self.close()
        finally:
            self._lock.release()

    def receive(self) -> list[Message]:
        """Wait for something to come; return the messages that are complete.

        Raises:
            ControlConnectionLostError: The other end is gone, or silent for too long.
        """
        try:
            part = self._socket.recv(_PART)
            if not part:
                raise ConnectionResetError("closed")
            self._received += part
            return self._messages()
        except TimeoutError:
            raise self.silent() from None
        except (OSError, TypeError, ValueError) as error:
            raise ControlConnectionLostError(
                f"its connection was lost ({error})"
            ) from None

    def silent(self) -> ControlConnectionLostError:
        """Return what is said of an end that was silent for too long."""
        return ControlConnectionLostError(
            f"nothing was heard of it for {self.silence_s:g} s"
        )

    def _messages(self) -> list[Message]:
        """Take the whole messages out of what has come; beats are none."""
        found = []
        start = 0
        while len(self._received) - start >= _SIZES.size:
            sizes = _SIZES.unpack_from(self._received, start)
            if max(sizes) > _LONGEST:
                raise ControlConnectionLostError("it sent something that is no message")
            body = start + _SIZES.size
            middle, end = body + sizes[0], body + sum(sizes)
            if end > len(self._received):
                break
            verb, *arguments = json.loads(self._received[body:middle])
            if verb != _BEAT:
                data = bytes(memoryview(self._received)[middle:end])
                found.append(Message(verb, tuple(arguments), data))
            start = end
        del self._received[:start]
        return found

    def start(self, heard: Callable[[Message], object]) -> None:
        """Receive in a thread, and beat in another, until the line is closed.

        Args:
            heard: Called with each message; at the end with `lost` and the reason.
        """
        threading.Thread(target=self._listen, args=[heard], daemon=True).start()
        if self.silence_s:
            threading.Thread(target=self._beat, daemon=True).start()

    def _listen(self, heard: Callable[[Message], object]) -> None:
        try:
            while True:
                for message in self.receive():
                    heard(message)
        except ControlConnectionLostError as error:
            heard(Message("lost", (str(error),)))

    def _beat(self) -> None:
        while not self._closed.wait(self.silence_s / BEATS):
            self.beat()

    def close(self) -> None:
        """End the line; the other end hears it."""
        self._end()
        self._socket.close()

    def _end(self) -> None:
        self._closed.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def _framed(verb: str, *arguments: Any, data: bytes = b"") -> bytes:
    text = json.dumps([verb, *arguments]).encode()
    return _SIZES.pack(len(text), len(data)) + text + data


_BEAT = "beat"
_BEAT_FRAME = _framed(_BEAT)


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        part = connection.recv(min(size - len(found), 1 << 20))
        if not part:
            raise ConnectionResetError("closed")
        found += part
    return bytes(found)


def _proof(token: str, side: bytes, nonce: bytes) -> bytes:
    return hmac.new(token.encode(), side + nonce, "sha256").digest()


def connect(address: tuple[str, int], token: str) -> ControlConnection:
    """Open a control channel to the launching process.

    It says how long either end may be silent.

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
    return ControlConnection(connection, *_SILENCE.unpack(silence))


def authenticate(connection: socket.socket, token: str, silence_s: float) -> bool:
    """Prove to a caller that it has called the right one, if it proves the same.

    Args:
        connection: It has called on it.
        token: What both ends know.
        silence_s: How long either end may be silent [s]; 0 is for ever.

    Returns:
        Whether it did.

    Raises:
        OSError: It did not answer in time, or is gone.
    """
    connection.settimeout(_PROOF_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    nonce = secrets.token_bytes(_NONCE)
    connection.sendall(nonce)
    said = _exactly(connection, 2 * _NONCE)
    if not hmac.compare_digest(said[:_NONCE], _proof(token, b"client", nonce)):
        return False
    silence = _SILENCE.pack(silence_s)
    connection.sendall(silence + _proof(token, b"server", said[_NONCE:] + silence))
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
