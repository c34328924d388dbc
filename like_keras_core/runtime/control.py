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


class LineLostError(LkError, ConnectionError):
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


class Line:
    """One end of a control channel; sending is safe from any thread.

    Args:
        connection: A connected socket whose other end has proved itself.
        silence_s: How long the other end may say nothing [s]; 0 is for ever.
    """

    def __init__(self, connection: socket.socket, silence_s: float) -> None:
        self._socket = connection
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.silence_s = silence_s
        connection.settimeout(silence_s or None)

    def send(self, verb: str, *arguments: Any, data: bytes = b"") -> None:
        """Say something; to nobody, if the other end is gone."""
        text = json.dumps([verb, *arguments]).encode()
        frame = _SIZES.pack(len(text), len(data)) + text + data
        try:
            with self._lock:
                self._socket.sendall(frame)
        except OSError:
            self.close()

    def receive(self) -> Message:
        """Wait for the next message; beats are not messages.

        Raises:
            LineLostError: The other end is gone, or silent for too long.
        """
        while True:
            try:
                sizes = _SIZES.unpack(_exactly(self._socket, _SIZES.size))
                if max(sizes) > _LONGEST:
                    raise LineLostError("it sent something that is no message")
                verb, *arguments = json.loads(_exactly(self._socket, sizes[0]))
                data = _exactly(self._socket, sizes[1])
            except TimeoutError:
                text = f"nothing was heard of it for {self.silence_s:g} s"
                raise LineLostError(text) from None
            except (OSError, ValueError) as error:
                raise LineLostError(f"its connection was lost ({error})") from None
            if verb != "beat":
                return Message(verb, tuple(arguments), data)

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
                heard(self.receive())
        except LineLostError as error:
            heard(Message("lost", (str(error),)))

    def _beat(self) -> None:
        while not self._closed.wait(self.silence_s / 4):
            self.send("beat")

    def close(self) -> None:
        """End the line; the other end hears it."""
        self._closed.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


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


def call(address: tuple[str, int], token: str) -> Line:
    """Open a control channel to the launching process.

    It says how long either end may be silent.

    Raises:
        LineLostError: Nobody answers there, or not with the same token.
    """
    try:
        connection = socket.create_connection(address, timeout=_PROOF_S)
    except OSError as error:
        raise LineLostError(f"Nobody answers at {address}: {error}") from None
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
        raise LineLostError(text) from None
    if not hmac.compare_digest(answer, _proof(token, b"server", own + silence)):
        connection.close()
        raise LineLostError(f"What answers at {address} does not know the token.")
    return Line(connection, *_SILENCE.unpack(silence))


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


class Switchboard:
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
        self.address: tuple[str, int] = self._socket.getsockname()[:2]

    def start(self, called: Callable[[Line], object]) -> None:
        """Answer calls in a thread; `called` gets each line that proved itself."""
        threading.Thread(target=self._answer, args=[called], daemon=True).start()

    def _answer(self, called: Callable[[Line], object]) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(
                target=self._admit, args=[connection, called], daemon=True
            ).start()

    def _admit(
        self, connection: socket.socket, called: Callable[[Line], object]
    ) -> None:
        connection.settimeout(_PROOF_S)
        nonce = secrets.token_bytes(_NONCE)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(nonce)
            answer = _exactly(connection, 2 * _NONCE)
            expected = _proof(self._token, b"client", nonce)
            if not hmac.compare_digest(answer[:_NONCE], expected):
                connection.close()
                return
            silence = _SILENCE.pack(self._silence_s)
            proof = _proof(self._token, b"server", answer[_NONCE:] + silence)
            connection.sendall(silence + proof)
        except OSError:
            connection.close()
            return
        called(Line(connection, self._silence_s))

    def close(self) -> None:
        """Answer no more calls."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
