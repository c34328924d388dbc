"""How both ends of a control channel prove that they know the key of a node.

```text
server: nonce -> client: HMAC-SHA256(key, "client" + nonce) + own nonce + length of the
                         node's name (2 bytes) + name
        -> server: longest silence (double) + HMAC-SHA256(key, "server" + nonce of the
           client + longest silence)
```

What a client sends before it has proved itself is bounded, and the server waits for
none: its side takes bytes as they come.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import struct

from like_keras_core.runtime.control.keys import node_key

_SILENCE = struct.Struct("!d")
_LENGTH = struct.Struct("!H")
_NONCE = 32
_HEAD = 2 * _NONCE + _LENGTH.size
_LONGEST_NAME = 1024


class HandshakeError(ConnectionError):
    """The other end does not know the key, or does not speak like this."""


class ServerHandshake:
    """The server's side of one handshake.

    Args:
        token: The token of the run.
        silence_s: How long either end may be silent [s]; 0 is for ever.

    Attributes:
        nonce: What is sent first.
        node: The node that the client has proved to be; empty before.
    """

    def __init__(self, token: str, silence_s: float) -> None:
        self.nonce = secrets.token_bytes(_NONCE)
        self.node = ""
        self._token = token
        self._silence = _SILENCE.pack(silence_s)
        #: What has come of the reply; never more than the longest one.
        self._received = bytearray()

    def missing(self) -> int:
        """Return how much more may be read now [byte]; zero when all is there."""
        received = len(self._received)
        if received < _HEAD:
            return _HEAD - received
        (size,) = _LENGTH.unpack_from(self._received, 2 * _NONCE)
        return int(_HEAD + size - received)

    def take(self, part: bytes) -> bytes | None:
        """Take what has come, at most what was missing.

        Returns:
            What to answer, once the client has proved itself; None before.

        Raises:
            HandshakeError: It did not prove itself.
        """
        self._received += part
        missing = self.missing()
        if missing > _LONGEST_NAME:
            raise HandshakeError("the node's name is too long")
        if missing:
            return None
        proof, nonce = self._received[:_NONCE], self._received[_NONCE : 2 * _NONCE]
        try:
            node = self._received[_HEAD:].decode()
        except UnicodeDecodeError:
            raise HandshakeError("the node's name is not text") from None
        key = node_key(self._token, node)
        if not hmac.compare_digest(proof, _proof(key, b"client", self.nonce)):
            raise HandshakeError("it does not know the key")
        self.node = node
        return self._silence + _proof(key, b"server", nonce + self._silence)


def prove(connection: socket.socket, key: str, node: str) -> float:
    """Prove to a server that this is a node, if it proves itself as well.

    Args:
        connection: The connection, with a time limit.
        key: The node's key.
        node: The node.

    Returns:
        How long either end may be silent [s]; 0 is for ever.

    Raises:
        HandshakeError: The server does not know the key.
        OSError: It hung up, or did not answer in time.
    """
    own, name = secrets.token_bytes(_NONCE), node.encode()
    theirs = _exactly(connection, _NONCE)
    proof = _proof(key, b"client", theirs)
    connection.sendall(proof + own + _LENGTH.pack(len(name)) + name)
    silence = _exactly(connection, _SILENCE.size)
    answer = _exactly(connection, _NONCE)
    if not hmac.compare_digest(answer, _proof(key, b"server", own + silence)):
        raise HandshakeError("it does not know the key")
    (silence_s,) = _SILENCE.unpack(silence)
    return float(silence_s)


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionResetError("closed")
        received += part
    return bytes(received)


def _proof(key: str, side: bytes, nonce: bytes | bytearray) -> bytes:
    return hmac.new(key.encode(), side + nonce, "sha256").digest()
