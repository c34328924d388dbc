"""Ways between simulated hosts: in order and lossless, or flow over a bad transport.

Each is a network of actors. What an actor does is up to the code under test; when it
does it is up to the simulation.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, TypeAlias

from like_keras_core.graph.channels import ChannelSpec
from like_keras_core.runtime.flow import (
    Buffer,
    Receiver,
    Resolved,
    Sender,
    Value,
)
from like_keras_core.runtime.flow.lost_values import LostValues
from like_keras_core.runtime.flow.wire_format import Data, parse
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.values.semantics import snapshot
from tests.fake_transport import FakeTransport

LATE_MAX = 20
"""How often the time may go on while the same frames and hosts wait for their turn."""

Actors: TypeAlias = Iterator[tuple[Any, Callable[[], object]]]
"""Who can do something now: a name, and what to call."""


@dataclass
class FifoLink:
    """Values in order, after any time; at most a window of them without a credit.

    Args:
        channel: From where to where.
        window: How many values may be without a credit.
        consumer: The host that reads them.
    """

    channel: ChannelSpec
    window: int
    consumer: NodeHost
    data: deque[tuple[int, Any]] = field(default_factory=deque)
    credits: deque[int] = field(default_factory=deque)
    sent: deque[int] = field(default_factory=deque)
    replaced: LostValues = field(default_factory=LostValues)
    newest: int = -1

    @property
    def lost(self) -> list[tuple[int, int, int]]:
        return self.replaced.gaps

    @property
    def has_credit(self) -> bool:
        return self.channel.latest or len(self.sent) < self.window

    def send(self, tick: int, value: Any) -> None:
        assert self.has_credit
        if self.channel.latest:
            for lost, _ in self.data:
                self.replaced.add(lost)
            self.data.clear()
        else:
            self.sent.append(tick)
        self.data.append((tick, snapshot(value)))

    def absent(self, tick: int) -> None:
        if self.channel.latest:
            return
        if self.data and self.data[-1][1] is None:
            self.data.pop()
        self.data.append((tick, None))

    def settle(self) -> None:
        """Nothing is referred to."""

    def release(self, tick: int) -> None:
        if not self.channel.latest:
            self.credits.append(tick)

    def take_credit(self) -> None:
        tick = self.credits.popleft()
        while self.sent and self.sent[0] <= tick:
            self.sent.popleft()

    def deliver(self) -> None:
        tick, value = self.data.popleft()
        if self.channel.latest:
            self.replaced.sent(tick, self.newest)
            self.newest = tick
        if value is None:
            self.consumer.absent(self.channel.source, tick)
        else:
            self.consumer.push(self.channel.source, tick, value)


class FifoNetwork:
    """Links that lose nothing; each of their directions is an actor."""

    silence_s = 0.0

    def __init__(self) -> None:
        self.links: list[FifoLink] = []

    def add(self, channel: ChannelSpec, window: int, consumer: NodeHost) -> FifoLink:
        """Make one more link."""
        self.links.append(FifoLink(channel, window, consumer))
        return self.links[-1]

    def stepped(self, node: str) -> None:
        """Know that a host has run a tick."""

    def got_on(self) -> None:
        """Know that there was something to do besides handing over frames."""

    def actors(self, hosts: Mapping[str, NodeHost]) -> Actors:
        """Yield what can arrive."""
        for link in self.links:
            if link.data:
                yield ("data", link.channel.number), link.deliver
            if link.credits:
                yield ("credit", link.channel.number), link.take_credit

    def state(self) -> list[str]:
        """Say what is under way."""
        return [
            f"{link.channel.source} -> {link.channel.consumer}: {len(link.data)} under "
            f"way, {len(link.sent)} without credit, {len(link.credits)} credits"
            for link in self.links
        ]


@dataclass(frozen=True)
class Faults:
    """How bad the transport of a flow network is, and how flow deals with it.

    Args:
        drop: The share of frames that never arrive.
        duplicate: The share that arrives twice.
        reorder: The share that may overtake.
        jitter_s: By how much a frame may be late [s].
        size_max: The largest payload [byte].
        max_frame: The size of the largest frame; None: nothing is cut into chunks.
        chunk_window: How many chunks may be under way.
        coalesce_bytes: Frames are joined up to this size; 0: never.
        mark_every: A watermark leaves after that many ticks.
        joins: Frames arrive as bytes, not as lists.
        ack_after_s: How long acknowledgements that nobody waits for are kept [s].
    """

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    jitter_s: float = 0.0
    size_max: int = 8
    max_frame: int | None = None
    chunk_window: int = 16
    coalesce_bytes: int = 4096
    mark_every: int = 8
    joins: bool = True
    ack_after_s: float = 0.02


class FlowLink:
    """A channel of flow; its values stay here, their numbers travel.

    Args:
        network: What it is a part of.
        channel: From where to where.
        window: How many values may be without a credit.
        consumer: The host that reads them.
    """

    def __init__(
        self,
        network: FlowNetwork,
        channel: ChannelSpec,
        window: int,
        consumer: NodeHost,
    ) -> None:
        faults = network.faults
        self.network = network
        self.channel = channel
        self.window = window
        self.consumer = consumer
        self.sender = Sender(
            channel.number,
            window,
            latest=channel.latest,
            max_frame=faults.max_frame,
            coalesce_bytes=faults.coalesce_bytes,
            mark_every=faults.mark_every,
            chunk_window=faults.chunk_window,
        )
        self.receiver = Receiver(
            channel.number,
            window,
            latest=channel.latest,
            max_frame=faults.max_frame,
            chunk_window=faults.chunk_window,
            ack_after_s=faults.ack_after_s,
        )
        self.forth, self.back = (
            FakeTransport(
                network.dice.randrange(1 << 32),
                drop=faults.drop,
                duplicate=faults.duplicate,
                reorder=faults.reorder,
                jitter_s=faults.jitter_s,
                max_frame=faults.max_frame,
                joins=faults.joins,
            )
            for _ in range(2)
        )
        self.under_way: dict[int, tuple[bytes, Any]] = {}
        self.arrived: set[tuple[int, int]] = set()
        self.count = 0

    @property
    def has_credit(self) -> bool:
        return self.sender.has_credit

    @property
    def lost(self) -> list[tuple[int, int, int]]:
        return self.sender.lost.gaps

    def send(self, tick: int, value: Any) -> None:
        pieces = self._payload(self.count)
        payload = b"".join(pieces)
        self.under_way[self.count] = (payload, snapshot(value))
        self.count += 1
        self.sender.send(tick, pieces if len(pieces) > 1 else payload, float(tick))
        self.network.dirty.add(self.channel.producer)

    def absent(self, tick: int) -> None:
        self.sender.watermark(tick)
        self.network.dirty.add(self.channel.producer)

    def settle(self) -> None:
        self.sender.settle(lambda piece: False)

    def release(self, tick: int) -> None:
        self.receiver.release(tick)
        self.network.dirty.add(self.channel.consumer)

    def _payload(self, number: int) -> list[Buffer]:
        """Return a number and some noise, in one piece or in several."""
        dice = self.network.dice
        head = number.to_bytes(8, "little")
        noise = dice.randbytes(dice.randint(0, self.network.faults.size_max))
        if dice.random() < 0.3:
            return [head, bytearray(noise[:5]), memoryview(noise[5:])]
        return [head + noise]

    def arrive(self) -> None:
        """Let the consumer have what has come."""
        now, source = self.network.now, self.channel.source
        for frame in self.forth.receive(now):
            parts = {(m.seq, m.chunk) for m in parse(frame) if isinstance(m, Data)}
            events = self.receiver.on_frame(frame, now)
            if events or not parts <= self.arrived:
                self.network.got_on()
            self.arrived |= parts
            for event in events:
                if isinstance(event, Value):
                    self.consumer.push(source, event.tick, self._value(event))
                elif isinstance(event, Resolved):
                    self.consumer.absent(source, event.tick)
        assert self.receiver.held_back <= self.window
        assert self.channel.latest or self.receiver.unreleased <= self.window
        self.network.acted(self.channel.consumer)

    def _value(self, event: Value) -> Any:
        """Return what was sent as these very bytes; never twice."""
        found = bytes(event.payload)
        payload, value = self.under_way.pop(int.from_bytes(found[:8], "little"))
        assert found == payload
        assert event.stamp == event.tick
        return value

    def answered(self) -> None:
        """Let the producer have the credits that have come back."""
        before = self.sender.credit()
        for frame in self.back.receive(self.network.now):
            self.sender.on_frame(frame, self.network.now)
        if self.sender.credit() > before:
            self.network.got_on()
        self.network.acted(self.channel.producer)

    def speak(self, node: str, *, idle: bool) -> None:
        """Hand over what an end of it has to say."""
        now = self.network.now
        if node == self.channel.producer:
            for frame in self.sender.frames(now, idle=idle):
                self.forth.send(frame, now)
        if node == self.channel.consumer:
            for frame in self.receiver.frames(now, idle=idle):
                self.back.send(frame, now)


class FlowNetwork:
    """Channels of flow over transports that lose, double and swap; and the time.

    A host hands over frames after a step, when one has come, when it is woken and when
    it becomes idle, but perhaps late. The time jumps from event to event, perhaps past
    a host that is still busy, but not for ever.

    Args:
        faults: How bad they are.
        seed: Of the faults.
    """

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self.dice = random.Random(seed)
        self.now = 0.0
        self.links: list[FlowLink] = []
        self.dirty: set[str] = set()
        self._idle: set[str] = set()
        self._late = 0
        self._got_on_at = 0.0

    @property
    def silence_s(self) -> float:
        """For how long nothing has come that had not come before [s]."""
        return self.now - self._got_on_at

    def add(self, channel: ChannelSpec, window: int, consumer: NodeHost) -> FlowLink:
        """Make one more channel."""
        self.links.append(FlowLink(self, channel, window, consumer))
        return self.links[-1]

    def stepped(self, node: str) -> None:
        """Know that a host has run a tick."""
        self._idle.discard(node)
        self.acted(node)

    def acted(self, node: str) -> None:
        """Know that a host may have something to say."""
        self.dirty.add(node)
        self._late = 0

    def got_on(self) -> None:
        """Know that there was something to do besides handing over frames."""
        self._got_on_at = self.now

    def actors(self, hosts: Mapping[str, NodeHost]) -> Actors:
        """Yield what can arrive, who can hand over frames, and the time."""
        later, pending = inf, False
        for link in self.links:
            for transport, act in (
                (link.forth, link.arrive),
                (link.back, link.answered),
            ):
                if transport.next_at <= self.now:
                    pending = True
                    yield (act.__name__, link.channel.number), act
                else:
                    later = min(later, transport.next_at)
            for node, wakes_at in (
                (link.channel.producer, link.sender.wakes_at),
                (link.channel.consumer, link.receiver.wakes_at),
            ):
                if wakes_at <= self.now:
                    self.dirty.add(node)
                else:
                    later = min(later, wakes_at)
        for node, host in hosts.items():
            if node in self.dirty or (node not in self._idle and not host.is_ready):
                pending = True
                yield ("speak", node), partial(self._speak, host)
        if later < inf and not (pending and self._late > LATE_MAX):
            yield ("time",), partial(self._advance, later)

    def _speak(self, host: NodeHost) -> None:
        idle = not host.is_ready
        self._late = 0
        self.dirty.discard(host.node)
        if idle:
            self._idle.add(host.node)
        for link in self.links:
            link.speak(host.node, idle=idle)

    def _advance(self, time: float) -> None:
        self._late += 1
        self.now = time + self.dice.choice([0.0, 0.0, 0.001, 0.03])

    def state(self) -> list[str]:
        """Say what is under way."""
        ends = [(link.sender, link.receiver) for link in self.links]
        return [f"at {self.now} s", *(f"{end!r}" for pair in ends for end in pair)]
