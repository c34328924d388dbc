"""The way of a port's values over channels of flow: encoded once for all readers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from like_keras_core.runtime.flow import Sender
from like_keras_core.values.array_buffers import is_sole
from like_keras_core.values.msgpack import to_pieces


class Encoder:
    """Encodes the values of one port, once for all nodes that read it.

    Args:
        address: The port, for errors.

    Attributes:
        readers: How many links take each value.
    """

    def __init__(self, address: str) -> None:
        self.what = f"output {address!r}"
        self.readers = 0
        self._left = 0
        self._payload: Any = None

    def encode(self, value: Any) -> Any:
        """Return a value as the payload of a channel.

        Raises:
            NotSerializableError: A part of it cannot be sent.
        """
        if self.readers == 1:
            return to_pieces(value, self.what)
        if not self._left:
            self._payload = to_pieces(value, self.what)
            self._left = self.readers
        payload = self._payload
        self._left -= 1
        if not self._left:
            self._payload = None
        return payload

    def forget(self) -> None:
        """Drop the last value, which the remaining readers will not take."""
        self._left, self._payload = 0, None


class FlowLink:
    """Sends a port's values over a channel: a `Link` of a host.

    Args:
        sender: The channel's end.
        encoder: The port's.
        sent: Called after each value with the time [s], and whether it is too large
            to travel together with others: it may leave.
    """

    def __init__(
        self,
        sender: Sender,
        encoder: Encoder,
        sent: Callable[[float, bool], object] = lambda now, is_large: None,
    ) -> None:
        self.sender = sender
        self.encoder = encoder
        self._sent = sent
        encoder.readers += 1

    @property
    def has_credit(self) -> bool:
        """Whether one more value may be sent."""
        return self.sender.has_credit

    @property
    def lost(self) -> Sequence[tuple[int, int, int]]:
        """Of each gap in what is sent: the first lost tick, the next one, the last."""
        return self.sender.lost.gaps

    def send(self, tick: int, value: Any) -> None:
        """Send a value; its arrays are referred to until `settle`."""
        payload = self.encoder.encode(value)
        if self.sender.is_latest and type(payload) is list:
            payload = b"".join(payload)
        now = time.monotonic()
        self.sender.send(tick, payload, now)
        self._sent(now, type(payload) is list)

    def absent(self, tick: int) -> None:
        """Say that nothing more comes up to a tick."""
        self.sender.watermark(tick)

    def settle(self) -> None:
        """Copy what is kept of values whose memory their producer may use again."""
        self.encoder.forget()
        self.sender.settle(is_sole)
