"""One process's ends of all channels: its frames out, and the values of others in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import inf

from like_keras_core.errors import FrameError
from like_keras_core.graph.channels import ChannelSpec, channels_of
from like_keras_core.runtime.flow import Receiver, Sender, channel_of
from like_keras_core.runtime.flow.events import Closed, Value
from like_keras_core.runtime.flow.link import Encoder, FlowLink
from like_keras_core.runtime.flow.transport import Transport
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.values.msgpack import from_bytes

_ACK_AFTER_S = 0.02
"""For how long an idle process gathers acknowledgements that nobody waits for [s]."""


class Endpoints:
    """The ends of the channels that leave one node, and of those that lead there.

    Args:
        node: The node.
        transport: The ways to the other nodes.

    Attributes:
        senders: The ends of those that leave, by number.
        sent_at: When frames were handed over last [s].
    """

    def __init__(self, node: str, transport: Transport) -> None:
        self.node = node
        self.transport = transport
        self.senders: dict[int, tuple[ChannelSpec, Sender]] = {}
        self._receivers: dict[int, tuple[ChannelSpec, Receiver]] = {}
        self._by_source: dict[str, Receiver] = {}
        self._encoders: dict[str, Encoder] = {}
        self._host: NodeHost
        self.sent_at = 0.0

    def open(
        self,
        host: NodeHost,
        emitted: Callable[[float, bool], object],
        max_frame: int | Mapping[str, int] | None = None,
    ) -> None:
        """Make this node's end of each of its channels.

        Args:
            host: Takes the values that come, and gives those that leave.
            emitted: Called when there is one to leave, as `FlowLink` does.
            max_frame: The size of the largest frame that the transport takes [byte];
                by node, where it depends on who is at the other end.
        """
        self._host = host
        for channel in channels_of(host.spec):
            is_ours = channel.producer == self.node
            limit = max_frame
            if isinstance(limit, Mapping):
                limit = limit.get(channel.consumer if is_ours else channel.producer)
            if is_ours:
                self._open_sender(channel, limit, emitted)
            elif channel.consumer == self.node:
                self._open_receiver(channel, limit)

    def _open_sender(
        self,
        channel: ChannelSpec,
        max_frame: int | None,
        emitted: Callable[[float, bool], object],
    ) -> None:
        sender = Sender(
            channel.number,
            self._host.window,
            latest=channel.latest,
            max_frame=max_frame,
        )
        self.senders[channel.number] = (channel, sender)
        encoder = self._encoders.setdefault(channel.source, Encoder(channel.source))
        self._host.link(channel.source, FlowLink(sender, encoder, emitted))

    def _open_receiver(self, channel: ChannelSpec, max_frame: int | None) -> None:
        receiver = Receiver(
            channel.number,
            self._host.window,
            latest=channel.latest,
            max_frame=max_frame,
            ack_after_s=_ACK_AFTER_S,
        )
        self._receivers[channel.number] = (channel, receiver)
        self._by_source[channel.source] = receiver

    def release(self, source: str, tick: int) -> None:
        """Give back the credits of another node's port up to a tick."""
        self._by_source[source].release(tick)

    def ask(self) -> None:
        """Ask the other ends of the channels that leave here whether they hear."""
        for _, sender in self.senders.values():
            sender.ask()

    def unheard(self) -> list[str]:
        """Return the nodes from whose end nothing has been heard."""
        return [x.consumer for x, end in self.senders.values() if not end.is_heard]

    @property
    def wakes_at(self) -> float:
        """When `send` should be called even if nothing happens."""
        wakes = [sender.wakes_at for _, sender in self.senders.values()]
        wakes += [receiver.wakes_at for _, receiver in self._receivers.values()]
        return min(wakes, default=inf)

    def send(self, now: float, *, idle: bool) -> None:
        """Hand over all frames that may leave.

        Args:
            now: The time [s].
            idle: The process has nothing to do until something arrives.
        """
        is_sent = False
        for channel, sender in self.senders.values():
            for frame in sender.frames(now, idle=idle):
                self.transport.send(channel.consumer, frame)
                is_sent = True
        for channel, receiver in self._receivers.values():
            for frame in receiver.frames(now, idle=idle):
                self.transport.send(channel.producer, frame)
                is_sent = True
        if is_sent:
            self.sent_at = time.monotonic()

    def take(self, frame: bytes | memoryview) -> None:
        """Take a frame that has arrived.

        Raises:
            FrameError: It is for none of these ends, or cannot be for that one.
        """
        number, now = channel_of(frame), time.monotonic()
        if number in self.senders:
            self.senders[number][1].on_frame(frame, now)
        elif number in self._receivers:
            host = self._host
            channel, receiver = self._receivers[number]
            for event in receiver.on_frame(frame, now):
                if isinstance(event, Value):
                    value = from_bytes(event.payload)
                    if host.trace is not None:
                        host.trace.arrived(channel.source, event.tick)
                    host.push(channel.source, event.tick, value, event.stamp)
                elif isinstance(event, Closed):
                    host.close(channel.source)
                else:
                    host.absent(channel.source, event.tick)
        else:
            known = sorted({*self.senders, *self._receivers})
            raise FrameError("it is for nobody here", f"channels {known}", number)
