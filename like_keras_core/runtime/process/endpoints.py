"""One process's ends of all channels: its frames out, and the values of others in."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from math import inf

from like_keras_core.errors import FrameError
from like_keras_core.graph.channels import ChannelSpec, channels_of_run
from like_keras_core.runtime.flow import Receiver, Sender, channel_of
from like_keras_core.runtime.flow.events import Closed, Value
from like_keras_core.runtime.flow.frame_tags import TAG_SIZE, FrameTagger
from like_keras_core.runtime.flow.link import Encoder, FlowLink
from like_keras_core.runtime.flow.transport import Transport
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.values.msgpack import from_bytes

_LOG = logging.getLogger("like_keras")

_ACK_AFTER_S = 0.02
"""For how long an idle process gathers acknowledgements that nobody waits for [s]."""


class Endpoints:
    """The ends of the channels that leave one node, and of those that lead there.

    Args:
        node: The node.
        transport: The ways to the other nodes.

    Attributes:
        senders: The ends of those that leave, by number.
        dropped: How many frames came that their sender cannot have made.
        sent_at: When frames were handed over last [s].
    """

    def __init__(self, node: str, transport: Transport) -> None:
        self.node = node
        self.transport = transport
        self.senders: dict[int, tuple[ChannelSpec, Sender]] = {}
        self._receivers: dict[int, tuple[ChannelSpec, Receiver]] = {}
        self._by_source: dict[str, Receiver] = {}
        self._encoders: dict[str, Encoder] = {}
        self._taggers: dict[int, FrameTagger] = {}
        self._host: NodeHost
        self.sent_at = 0.0
        self.dropped = 0

    def open(
        self,
        host: NodeHost,
        emitted: Callable[[float, bool], object],
        keys: Mapping[str, str],
        max_frame: int | Mapping[str, int] | None = None,
    ) -> None:
        """Make this node's end of each of its channels.

        Args:
            host: Takes the values that come, and gives those that leave.
            emitted: Called when there is one to leave, as `FlowLink` does.
            keys: What both ends of each channel know, by its number.
            max_frame: The size of the largest frame that the transport takes [byte];
                by node, where it depends on who is at the other end.
        """
        self._host = host
        rules = host.rules
        repeats = rules.choices is not None
        channels = channels_of_run(host.spec, skips=rules.skips, repeats=repeats)
        for channel in channels:
            is_ours = channel.producer == self.node
            limit = max_frame
            if isinstance(limit, Mapping):
                limit = limit.get(channel.consumer if is_ours else channel.producer)
            if limit is not None:
                limit -= TAG_SIZE
            if is_ours or channel.consumer == self.node:
                number = channel.number
                self._taggers[number] = FrameTagger(keys[str(number)])
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
        link = FlowLink(sender, encoder, emitted)
        self._host.link(channel.source, link, channel.consumer)

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
        for number, (channel, sender) in self.senders.items():
            for frame in sender.frames(now, idle=idle):
                tagged = self._taggers[number].tagged(frame)
                self.transport.send(channel.consumer, tagged)
                is_sent = True
        for number, (channel, receiver) in self._receivers.items():
            for frame in receiver.frames(now, idle=idle):
                tagged = self._taggers[number].tagged(frame)
                self.transport.send(channel.producer, tagged)
                is_sent = True
        if is_sent:
            self.sent_at = time.monotonic()

    def take(self, frame: bytes | memoryview) -> None:
        """Take a frame that has arrived; drop it if its tag is not right.

        Raises:
            FrameError: It is of the other end, and cannot be for this one.
        """
        try:
            number = channel_of(frame)
        except FrameError:
            self._drop()
            return
        tagger = self._taggers.get(number)
        body = None if tagger is None else tagger.checked(frame)
        if body is None:
            self._drop()
            return
        now = time.monotonic()
        if number in self.senders:
            self.senders[number][1].on_frame(body, now)
            return
        host = self._host
        channel, receiver = self._receivers[number]
        for event in receiver.on_frame(body, now):
            if isinstance(event, Value):
                value = from_bytes(event.payload)
                if host.trace is not None:
                    host.trace.arrived(channel.source, event.tick)
                host.push(channel.source, event.tick, value, event.stamp)
            elif isinstance(event, Closed):
                host.close(channel.source)
            else:
                host.absent(channel.source, event.tick)

    def _drop(self) -> None:
        """Count a frame of a stranger, and say so at the first, the tenth and so on."""
        self.dropped += 1
        if str(self.dropped).strip("0") == "1":
            _LOG.warning(
                "Node %r dropped %d frames that are not of this run: something else on "
                "this machine or its network sends to it.",
                self.node,
                self.dropped,
            )
