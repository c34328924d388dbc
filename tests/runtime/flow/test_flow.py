"""Both ends of a channel over a bad transport, simulated."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from like_keras_core.errors import FrameError
from like_keras_core.runtime.flow import (
    Buffer,
    Closed,
    Event,
    Receiver,
    Resolved,
    Sender,
    Value,
)
from tests.example_counts import share_of
from tests.fake_transport import FakeTransport

SPEEDS = (1, 8, 60)
STEPS_MAX = 50_000


@dataclass(frozen=True)
class Scenario:
    """What one simulated run is like."""

    seed: int
    ticks: int
    window: int
    values: float
    size_max: int
    forth: int
    back: int
    producer: int
    consumer: int
    drop: float
    duplicate: float
    reorder: float
    capacity: int | None
    max_frame: int | None
    chunk_window: int
    coalesce_bytes: int
    mark_every: int
    joins: bool
    is_latest: bool
    is_delayed: bool
    is_ever_idle: bool
    ack_after_s: float
    closes_late: bool
    noise: float


SCENARIOS = st.builds(
    Scenario,
    seed=st.integers(0, 2**32),
    ticks=st.sampled_from([0, 1, 5, 20, 30, 40, 60]),
    window=st.sampled_from([1, 1, 2, 3, 4, 8, 16]),
    values=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    size_max=st.sampled_from([0, 8, 100, 700]),
    forth=st.sampled_from(SPEEDS),
    back=st.sampled_from(SPEEDS),
    producer=st.sampled_from(SPEEDS),
    consumer=st.sampled_from(SPEEDS),
    drop=st.sampled_from([0.0, 0.01, 0.1, 0.3]),
    duplicate=st.sampled_from([0.0, 0.1, 0.3]),
    reorder=st.sampled_from([0.0, 0.1, 0.5]),
    capacity=st.sampled_from([None, None, 3, 20]),
    max_frame=st.sampled_from([None, 64, 100, 300]),
    chunk_window=st.sampled_from([1, 2, 5, 16]),
    coalesce_bytes=st.sampled_from([0, 100, 4096]),
    mark_every=st.sampled_from([1, 3, 8]),
    joins=st.booleans(),
    is_latest=st.sampled_from([False, False, False, True]),
    is_delayed=st.booleans(),
    is_ever_idle=st.sampled_from([True, True, False]),
    ack_after_s=st.sampled_from([0.0, 0.02]),
    closes_late=st.booleans(),
    noise=st.sampled_from([0.0, 0.0, 0.05]),
)


@dataclass
class Producer:
    """Answers for every tick in turn, as its credit allows."""

    scenario: Scenario
    sender: Sender
    inbox: FakeTransport
    outbox: FakeTransport
    random: random.Random
    tick: int = 0
    may_close: bool = False
    sent: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def wakes_at(self) -> float:
        return min(self.sender.wakes_at, self.inbox.next_at)

    def step(self, now: float) -> bool:
        """Take a turn; return whether there may be more to do at once."""
        for frame in self.inbox.receive(now):
            self.sender.on_frame(frame, now)
        busy = False
        for _ in range(self.random.randint(1, 5)):
            if self.tick < self.scenario.ticks and self.sender.has_credit:
                self.answer()
                busy = True
        idle = not busy and (
            self.scenario.is_ever_idle or self.tick == self.scenario.ticks
        )
        if self.tick == self.scenario.ticks and self.may_close:
            self.sender.close()
        for frame in self.sender.frames(now, idle=idle):
            self.outbox.send(frame, now)
        return busy

    def answer(self) -> None:
        if self.random.random() < self.scenario.values:
            payload = self.payload()
            pieces = payload if isinstance(payload, list) else [payload]
            self.sent.append((self.tick, b"".join(pieces)))
            self.sender.send(self.tick, payload, 0.5 * self.tick)
        else:
            self.sender.watermark(self.tick)
        self.tick += 1

    def payload(self) -> Buffer | list[Buffer]:
        def buffer() -> Buffer:
            data = self.random.randbytes(self.random.randint(0, self.scenario.size_max))
            forms: list[Buffer] = [data, data, bytearray(data), memoryview(data)]
            return self.random.choice(forms)

        if self.random.random() < 0.3:
            return [buffer() for _ in range(self.random.randint(0, 4))]
        return buffer()


@dataclass
class Consumer:
    """Finishes every tick in turn, once it is resolved, and checks what comes."""

    scenario: Scenario
    receiver: Receiver
    inbox: FakeTransport
    outbox: FakeTransport
    random: random.Random
    producer: Producer
    tick: int = 0
    resolved: int = -1
    is_closed: bool = False
    got: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def wakes_at(self) -> float:
        return min(self.receiver.wakes_at, self.inbox.next_at)

    def step(self, now: float) -> bool:
        """Take a turn; return whether there may be more to do at once."""
        for frame in self.inbox.receive(now):
            for event in self.receiver.on_frame(frame, now):
                self.on_event(event)
        assert self.receiver.resolved_up_to == self.resolved
        busy = False
        for _ in range(self.random.randint(1, 3)):
            if self.can_finish():
                self.receiver.release(self.tick)
                self.tick += 1
                busy = True
        idle = not busy and self.scenario.is_ever_idle
        for frame in self.receiver.frames(now, idle=idle):
            self.outbox.send(frame, now)
        return busy

    def can_finish(self) -> bool:
        resolved = self.resolved + self.scenario.is_delayed
        return self.tick < self.scenario.ticks and (
            self.tick <= resolved or self.scenario.is_latest
        )

    def on_event(self, event: Event) -> None:
        assert not self.is_closed
        if isinstance(event, Closed):
            self.is_closed = True
            return
        assert event.tick > self.resolved
        self.resolved = event.tick
        if isinstance(event, Value):
            assert event.stamp == 0.5 * event.tick
            assert memoryview(event.payload).c_contiguous
            self.got.append((event.tick, bytes(event.payload)))
        if not self.scenario.is_latest:
            self.check_complete(event)

    def check_complete(self, event: Value | Resolved) -> None:
        """Nothing is resolved before all its values are here, in order."""
        count = len(self.got)
        sent = self.producer.sent
        assert self.got[-1:] == sent[max(0, count - 1) : count]
        assert event.tick <= self.producer.sender.resolved
        assert count == len(sent) or sent[count][0] > event.tick


class World:
    """A producer and a consumer, and the two directions between them."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = s = scenario
        self.random = random.Random(s.seed)
        self.sender = Sender(
            7,
            s.window,
            latest=s.is_latest,
            coalesce_bytes=s.coalesce_bytes,
            mark_every=s.mark_every,
            max_frame=s.max_frame,
            chunk_window=s.chunk_window,
        )
        self.receiver = Receiver(
            7,
            s.window,
            latest=s.is_latest,
            max_frame=s.max_frame,
            chunk_window=s.chunk_window,
            ack_after_s=s.ack_after_s,
        )
        forth, back = (
            FakeTransport(
                s.seed + way,
                drop=s.drop,
                duplicate=s.duplicate,
                reorder=s.reorder,
                delay_s=0.06 / speed,
                jitter_s=0.02 / speed,
                capacity=s.capacity,
                max_frame=s.max_frame,
                joins=s.joins,
            )
            for way, speed in enumerate((s.forth, s.back))
        )
        self.producer = Producer(s, self.sender, back, forth, self.random)
        self.consumer = Consumer(
            s, self.receiver, forth, back, self.random, self.producer
        )
        self.steps = 0

    def run(self) -> None:
        """Let both take turns until all is done, however bad the transport is."""
        at = [0.0, 0.0]
        periods = [0.01 / self.scenario.producer, 0.01 / self.scenario.consumer]
        actors = (self.producer, self.consumer)
        now = 0.0
        while not self.is_done():
            due = [max(now, min(at[i], actors[i].wakes_at)) for i in (0, 1)]
            i = 0 if due[0] <= due[1] else 1
            now = due[i]
            assert now < inf, f"nothing moves: {self!r}"
            busy = actors[i].step(now)
            at[i] = now + periods[i] if busy else inf
            if self.may_close() and not self.producer.may_close:
                self.producer.may_close = True
                at[0] = now
            self.check()
            self.inject_noise(now)
            self.steps += 1
            assert self.steps < STEPS_MAX, f"no end: {self!r}"

    def is_done(self) -> bool:
        return (
            self.sender.is_done
            and self.consumer.tick == self.scenario.ticks
            and self.sender.credit() == self.scenario.window
        )

    def may_close(self) -> bool:
        """Whether the producer may end: perhaps only when the consumer is through."""
        ticks = self.scenario.ticks
        is_through = self.consumer.tick == ticks and (
            not self.scenario.is_latest
            or self.receiver.resolved_up_to == self.sender.resolved
        )
        return not self.scenario.closes_late or (
            self.producer.tick == ticks and is_through
        )

    def check(self) -> None:
        """No memory grows beyond the window."""
        window, more = self.scenario.window, self.scenario.is_latest
        assert self.sender.retained <= window + more
        assert self.sender.queued <= window + more
        assert self.receiver.held_back <= window
        assert self.receiver.unreleased <= window
        assert 0 <= self.sender.credit() <= window
        assert self.sender._chunks_out <= self.scenario.chunk_window

    def inject_noise(self, now: float) -> None:
        if self.random.random() < self.scenario.noise:
            noise = b"\xff" + self.random.randbytes(self.random.randint(0, 80))
            for end in (self.sender, self.receiver):
                with pytest.raises(FrameError, match="refused"):
                    end.on_frame(noise, now)

    def check_outcome(self) -> None:
        sent, got = self.producer.sent, self.consumer.got
        statistics = self.sender.statistics
        assert self.consumer.is_closed
        assert self.receiver.is_closed
        assert self.sender.retained == self.receiver.held_back == 0
        assert len(got) == self.receiver.statistics.messages == statistics.messages
        assert self.receiver.statistics.bytes == statistics.bytes
        if self.is_faultless:
            assert statistics.resends == self.receiver.statistics.duplicates == 0
            assert self.receiver.statistics.gaps == 0
        if self.scenario.is_latest:
            assert len(got) + statistics.dropped == len(sent)
            assert got[-1:] == sent[-1:]
            assert set(map(repr, got)) <= set(map(repr, sent))
        else:
            assert got == sent
            assert statistics.dropped == 0

    @property
    def is_faultless(self) -> bool:
        s = self.scenario
        return not (s.drop or s.duplicate or s.reorder or s.capacity)

    def __repr__(self) -> str:
        return (
            f"{self.scenario}, {self.sender}, {self.receiver}, produced "
            f"{self.producer.tick}, consumed {self.consumer.tick}"
        )


def simulate(scenario: Scenario) -> World:
    world = World(scenario)
    world.run()
    world.check_outcome()
    return world


@settings(max_examples=share_of(500), deadline=None)
@given(SCENARIOS)
def test_everything_arrives_once_and_in_order(scenario: Scenario) -> None:
    """Whatever the transport does, a run ends with all values and all credits."""
    simulate(scenario)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@settings(max_examples=20_000, deadline=None)
@given(SCENARIOS)
def test_everything_arrives_in_many_more_runs(scenario: Scenario) -> None:
    """As above, long enough to find what is rare."""
    simulate(scenario)
