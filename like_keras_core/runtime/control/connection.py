"""Authenticated control channel between a node's process and the launcher.

It carries the messages of `protocol`, as JSON and raw bytes, never pickle. Each end
proves that it knows the node's key before anything else is read, as `handshake` says.
Both send heartbeats while they have nothing to say, so that silence means that the peer
is gone.

```text
frame:  length of the JSON (4 bytes) · length of the data (4 bytes) · JSON · data
```
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

from like_keras_core.errors import LkError
from like_keras_core.runtime.control.handshake import HandshakeError, prove
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
_PROOF_S = 10.0
_ATTEMPTS, _PAUSE_S = 4, 0.1
"""How often a process connects that is hung up on while it proves itself."""

_PART = 1 << 20
_HALTED_S = 1.0
"""A wait that lasts so much longer than asked for was one of a halted process [s]."""

LONGEST_TEXT = 1 << 24
"""The longest JSON of a message from a process [byte]: a report of many components."""

LONGEST_DATA = 1 << 26
"""The longest data of a message from a process [byte]: a frame that is relayed.
Recorded values and traces come in smaller parts."""

_FROM_LAUNCHER = 1 << 30
"""The longest JSON or data from the launcher [byte]: a system with large configs."""

HEARTBEATS = 4
"""So many heartbeats fit into the longest silence."""

Incoming = TypeVar("Incoming", bound=Message)
Outgoing = TypeVar("Outgoing", bound=Message)


class ControlConnectionLostError(LkError, ConnectionError):
    """The other end of a control channel is gone, silent, or not who it should be.

    Args:
        text: What is wrong.
        is_refused: Whether it is there, and was refused for what it has sent.
    """

    def __init__(self, text: str, *, is_refused: bool = False) -> None:
        super().__init__(text)
        self.is_refused = is_refused


def _framed(message: Message, limits: tuple[int, int]) -> bytes:
    text, data = encode(message)
    if len(text) > limits[0] or len(data) > limits[1]:
        sizes = f"{len(text):,} bytes of JSON and {len(data):,} of data"
        problem = f"has {sizes}; the limits are {limits[0]:,} and {limits[1]:,}"
        raise ProtocolError(message.verb, problem)
    return _SIZES.pack(len(text), len(data)) + text + data


_HEARTBEAT, _ = encode(Heartbeat())
_SMALL = (LONGEST_TEXT, LONGEST_DATA)
HEARTBEAT_FRAME = _framed(Heartbeat(), _SMALL)

MORE_SILENCE = "heartbeat_s says how long it may be silent, and 0 is for ever"


class ControlConnection(Generic[Incoming, Outgoing]):
    """One end of a control channel; sending is safe from any thread.

    Args:
        connection: A connected socket whose other end has proved itself.
        silence_s: How long the other end may say nothing [s]; 0 is for ever.
        incoming: The classes of the messages that may come, by verb.
        limits: How long their JSON and data may be [byte].
        outgoing_limits: How long those of the messages that are sent may be [byte].
    """

    def __init__(
        self,
        connection: socket.socket,
        silence_s: float,
        incoming: Mapping[str, type[Incoming]],
        limits: tuple[int, int] = (_FROM_LAUNCHER, _FROM_LAUNCHER),
        outgoing_limits: tuple[int, int] = (_FROM_LAUNCHER, _FROM_LAUNCHER),
    ) -> None:
        self._socket = connection
        #: Held while a frame is written, so that frames of two threads do not mix.
        self._lock = threading.Lock()
        #: Set once this end is closed; the thread of the heartbeats waits on it.
        self._closed = threading.Event()
        #: What has come and is not a whole frame yet; it begins with a frame's sizes.
        self._received = bytearray()
        self._incoming = incoming
        self._limits, self._outgoing_limits = limits, outgoing_limits
        self.silence_s = silence_s
        connection.settimeout(silence_s or None)

    def send(self, message: Outgoing) -> None:
        """Send a message; dropped silently if the peer is gone.

        Raises:
            ProtocolError: It is longer than the other end takes.
        """
        frame = _framed(message, self._outgoing_limits)
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

    def receive(self) -> Iterator[Incoming]:
        """Wait for something to come; return the messages that are complete.

        Those before one that cannot be read are good.

        Raises:
            ControlConnectionLostError: The other end is gone, silent for too long, or,
                with the message in its turn, has sent what cannot be read.
        """
        try:
            part = self._received_part()
            if not part:
                raise ConnectionResetError("closed")
        except TimeoutError:
            raise self.silent() from None
        except (OSError, ValueError) as error:
            raise ControlConnectionLostError(
                f"its connection was lost ({error})"
            ) from None
        self._received += part
        return self._messages()

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

    def _messages(self) -> Iterator[Incoming]:
        """Take the whole messages out of what has come, without heartbeats."""
        start = 0
        try:
            while len(self._received) - start >= _SIZES.size:
                sizes = _SIZES.unpack_from(self._received, start)
                body = start + _SIZES.size
                middle, end = body + sizes[0], body + sum(sizes)
                if sizes[0] > self._limits[0] or sizes[1] > self._limits[1]:
                    raise ControlConnectionLostError(
                        f"it sent bytes that are not a message, or one of {sum(sizes)}"
                        " bytes, which is too long",
                        is_refused=True,
                    )
                if end > len(self._received):
                    return
                text = self._received[body:middle]
                data = bytes(memoryview(self._received)[middle:end])
                start = end
                if text != _HEARTBEAT:
                    yield decode(text, data, self._incoming)
        except ProtocolError as error:
            raise ControlConnectionLostError(
                f"it sent a message that cannot be read ({error})", is_refused=True
            ) from None
        finally:
            del self._received[:start]

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
            heard(ConnectionLost(str(error), error.is_refused))

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
        self._send_at_once(_framed(NodeFailed(self.left_since), _SMALL))
        return super().silent(why)


def connect(address: tuple[str, int], key: str, node: str) -> ProcessConnection:
    """Open a control channel to the launcher, which says how long a silence may be.

    Args:
        address: Where the launcher listens.
        key: What both ends know.
        node: The node that this process runs, whose key it is.

    Raises:
        ControlConnectionLostError: Nobody answers there, or not with the same token.
    """
    for remaining in reversed(range(_ATTEMPTS)):
        try:
            connection = socket.create_connection(address, timeout=_PROOF_S)
        except OSError as error:
            raise ControlConnectionLostError(
                f"Nobody answers at {address}: {error}"
            ) from None
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            silence_s = prove(connection, key, node)
        except HandshakeError:
            connection.close()
            raise ControlConnectionLostError(
                f"What answers at {address} does not know the token: another run is "
                "there, or another program.",
                is_refused=True,
            ) from None
        except OSError as error:
            # A server that strangers crowd may have taken this one for one of them.
            connection.close()
            if remaining:
                time.sleep(_PAUSE_S)
                continue
            text = f"What listens at {address} hung up, as for a wrong token: {error}"
            raise ControlConnectionLostError(text, is_refused=True) from None
        return ProcessConnection(
            connection, silence_s, TO_PROCESS, outgoing_limits=_SMALL
        )
    raise AssertionError("not reached")


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
