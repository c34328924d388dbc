"""Every value once, in order, within a window: one channel over a bad transport.

A channel leads from one output port to one process that consumes it. Its two ends are
state machines without I/O, threads or clocks: they are handed frames and the time [s],
and asked what to send. Whatever the transport loses, doubles or swaps:

- The consumer gets every value exactly once, in order, or a watermark: "nothing more up
  to tick t". A watermark costs no credit, and a later one replaces it.
- At most `window` values are under way. A credit comes back when the consumer has
  finished the tick, not when the value arrives; acknowledgements are cumulative, so a
  lost one does no harm.
- What is missing is sent again when the receiver says so. It sees gaps itself; where
  nothing follows that shows one, the sender asks after a while, and ever more rarely.
  Nothing is repeated on a guess, so a slow consumer gets no duplicates.

The loop around them, for a sender as for a receiver: give each frame that arrives to
`on_frame`, then hand over what `frames` returns. Pass `idle=True` before waiting, and
wait no longer than until `wakes_at`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, TypeAlias

from like_keras_core.runtime.chunks import Incoming, Outgoing
from like_keras_core.runtime.wire_format import (
    ALL_CHUNKS,
    DATA,
    HEADER,
    HEADER_SIZE,
    NACK_SIZE,
    PARTED,
    VERSION,
    Ack,
    Buffer,
    Data,
    Frame,
    FrameError,
    Mark,
    Payload,
    bundled,
    pack_ack,
    pack_mark,
    parse,
    part_table,
)

MAX_FRAME_MIN = 64
CHUNK_WINDOW = 16
_NACKS_MAX = 64


class Value(NamedTuple):
    """A value arrived, and with it that nothing else did since the one before.

    Args:
        tick: Its tick.
        payload: As it was sent: the same bytes, or a list of the same buffers.
        stamp: When it was emitted, on the sender's clock [s]; 0 if it was not said.
    """

    tick: int
    payload: Payload
    stamp: float


class Watermark(NamedTuple):
    """Nothing more will arrive up to this tick."""

    tick: int


class Closed(NamedTuple):
    """Nothing more will arrive at all."""


Event: TypeAlias = Value | Watermark | Closed


@dataclass(frozen=True, slots=True)
class Statistics:
    """What one end of a channel has counted.

    Args:
        messages: Values sent, or delivered.
        bytes: Their payloads' sizes in all.
        dropped: Values that a newer one replaced before they left.
        resends: Frames sent again.
        probes: Questions asked for want of an answer.
        duplicates: Frames that had arrived before.
        gaps: How often something was missing.
        nacks: Frames that asked for something missing.
    """

    messages: int
    bytes: int
    dropped: int = 0
    resends: int = 0
    probes: int = 0
    duplicates: int = 0
    gaps: int = 0
    nacks: int = 0


class Sender:
    """The producer's end of a channel.

    Args:
        channel: Its number, the same at both ends.
        window: How many values may be under way.
        latest: Values need no credit: while `window` of them are under way, one more
            waits, and the next one takes its place.
        max_frame: The size of the largest frame that the transport takes [byte].
        coalesce_bytes: Frames that leave together are joined up to this size; 0: never.
        mark_every: Where the host is never idle, a watermark leaves after that many
            ticks.
        chunk_window: How many chunks of large values may be under way.
        probe_s: How long to wait for a sign of life before asking; doubles each time.
        probe_max_s: The longest such wait.

    Attributes:
        wakes_at: When `frames` should be called even if nothing happens.
        resolved: The last tick for which a value or a watermark was given.
    """

    def __init__(
        self,
        channel: int,
        window: int,
        *,
        latest: bool = False,
        max_frame: int | None = None,
        coalesce_bytes: int = 4096,
        mark_every: int = 8,
        chunk_window: int = CHUNK_WINDOW,
        probe_s: float = 0.1,
        probe_max_s: float = 2.0,
    ) -> None:
        _check_limits(window, max_frame, chunk_window)
        self.channel = channel
        self.window = window
        self.is_latest = latest
        self.wakes_at = inf
        self.resolved = -1
        self._max_whole = (max_frame or 1 << 62) - HEADER_SIZE
        self._bundle_limit = min(coalesce_bytes, max_frame or coalesce_bytes)
        self._mark_every = mark_every
        self._chunk_window = chunk_window
        self._probe_s = self._wait_s = probe_s
        self._probe_max_s = probe_max_s
        self._retained: dict[int, Frame | Outgoing] = {}
        self._slot: tuple[int, Payload | Sequence[Buffer], float] | None = None
        self._next = 0
        self._last_tick = -1
        self._out = self._out_chunk = self._chunks_out = 0
        self._announced = -1
        self._received = self._received_chunk = self._released = 0
        self._known_resolved = -1
        self._closed = self._final_sent = self._final_known = False
        self._nacks: tuple[tuple[int, int, int], ...] = ()
        self._bytes = self._dropped = self._resends = self._probes = 0

    def __repr__(self) -> str:
        return (
            f"<Sender {self.channel}: {self._next} values up to tick {self.resolved}, "
            f"{self._out} handed over, {self._received} received, {self._released} "
            f"credits back, window {self.window}>"
        )

    @property
    def has_credit(self) -> bool:
        """Whether `send` may be called."""
        return self.is_latest or self._next - self._released < self.window

    def credit(self) -> int:
        """Return how many values may be sent now."""
        return self.window - (not self.is_latest and self._next - self._released)

    @property
    def retained(self) -> int:
        """How many values are kept until they are known to have arrived."""
        return len(self._retained) + (self._slot is not None)

    @property
    def queued(self) -> int:
        """How many of those have not left as a whole."""
        return self._next - self._out + (self._slot is not None)

    @property
    def is_done(self) -> bool:
        """Whether the receiver is known to have all there was, and the end of it."""
        return self._final_known

    @property
    def statistics(self) -> Statistics:
        """What was counted so far."""
        return Statistics(
            messages=self._next,
            bytes=self._bytes,
            dropped=self._dropped,
            resends=self._resends,
            probes=self._probes,
        )

    def send(
        self, tick: int, payload: Buffer | Sequence[Buffer], stamp: float = 0.0
    ) -> None:
        """Take a value; its buffers must not change any more.

        Args:
            tick: Its tick, above all those before.
            payload: Bytes, or several contiguous buffers, which arrive as a list.
            stamp: When it was emitted [s].

        Raises:
            RuntimeError: There is no credit, or the channel was closed.
            ValueError: The tick has been answered already.
        """
        if tick <= self.resolved:
            raise ValueError(f"{self!r} got a value for tick {tick}, too late.")
        if self._closed:
            raise RuntimeError(f"{self!r} got a value after it was closed.")
        if self.is_latest:
            self._dropped += self._slot is not None
            self._slot = (tick, payload, stamp)
            self.resolved = tick
            return
        if self._next - self._released >= self.window:
            raise RuntimeError(f"{self!r} got a value without credit.")
        self._retain(tick, payload, stamp)
        self.resolved = tick

    def _retain(
        self, tick: int, payload: Buffer | Sequence[Buffer], stamp: float
    ) -> None:
        seq = self._next
        item: Frame | Outgoing
        if type(payload) is bytes and len(payload) <= self._max_whole:
            size, channel = len(payload), self.channel
            item = [
                HEADER.pack(VERSION, DATA, 0, channel, seq, tick, 0, 1, stamp),
                payload,
            ]
        else:
            item, size = self._encode(seq, tick, payload, stamp)
        self._retained[seq] = item
        self._next = seq + 1
        self._last_tick = tick
        self._bytes += size

    def _encode(
        self, seq: int, tick: int, payload: Buffer | Sequence[Buffer], stamp: float
    ) -> tuple[Frame | Outgoing, int]:
        """Return the frame of a value of any form, or its chunks; and its size."""
        buffers: Frame
        if isinstance(payload, (list, tuple)):
            flags, buffers = PARTED, [_flat(buffer) for buffer in payload]
            table = part_table(buffers)
        else:
            flags, buffers, table = 0, [_flat(payload)], b""
        size = sum(map(len, buffers))
        if len(table) + size > self._max_whole:
            parts = [table, *buffers] if table else buffers
            where = (self.channel, seq, tick, stamp, flags)
            return Outgoing(*where, parts, self._max_whole), size
        head = HEADER.pack(VERSION, DATA, flags, self.channel, seq, tick, 0, 1, stamp)
        return [head + table, *buffers], size

    def watermark(self, tick: int) -> None:
        """Say that nothing more comes up to `tick`; needs no credit."""
        if tick > self.resolved and not self.is_latest:
            self.resolved = tick

    def close(self) -> None:
        """Say that nothing more comes at all, after what was given."""
        self._closed = True

    def frames(self, now: float, *, idle: bool = False) -> list[Frame]:
        """Return what to hand to the transport now; never waits.

        The transport must not change the lists or their buffers.

        Args:
            now: The time [s].
            idle: The host has nothing to do until something arrives.
        """
        if self._slot is not None and self._next - self._released < self.window:
            self._retain(*self._slot)
            self._slot = None
        frames = self._resent() if self._nacks else []
        if self._out < self._next:
            self._hand_over(frames)
        asks = now >= self.wakes_at
        if asks or self._is_mark_due(idle):
            frames.append(self._mark(asks))
        if asks:
            self._probes += 1
            self._wait_s = min(2 * self._wait_s, self._probe_max_s)
            self.wakes_at = now + self._wait_s
        elif self.wakes_at == inf and self._is_waiting():
            self.wakes_at = now + self._wait_s
        if len(frames) > 1 and self._bundle_limit:
            return bundled(self.channel, frames, self._bundle_limit)
        return frames

    def _hand_over(self, frames: list[Frame]) -> None:
        """Let values leave in order, as far as the window of chunks allows."""
        while self._out < self._next:
            item = self._retained[self._out]
            if type(item) is list:
                frames.append(item)
            else:
                assert isinstance(item, Outgoing)
                room = self._chunk_window - self._chunks_out
                end = min(item.chunks, self._out_chunk + room)
                frames += map(item.frame, range(self._out_chunk, end))
                self._chunks_out += end - self._out_chunk
                self._out_chunk = end
                if end < item.chunks:
                    return
                self._out_chunk = 0
            self._out += 1
        self._announced = max(self._announced, self._last_tick)

    def _is_mark_due(self, idle: bool) -> bool:
        if self._out < self._next or self._slot is not None:
            return False
        if self._closed and not self._final_sent:
            return True
        behind = self.resolved - self._announced
        return not self.is_latest and behind >= (1 if idle else self._mark_every)

    def _mark(self, asks: bool) -> Frame:
        is_all = self._out == self._next and self._slot is None
        if not is_all and self._out < self._next:
            tick = self._retained_tick(self._out) - 1
        elif self.is_latest:
            tick = self._last_tick
        else:
            tick = self._announced = self.resolved
        is_final = self._final_sent = self._closed and is_all
        return pack_mark(
            Mark(self.channel, self._out, tick, self._out_chunk, asks, is_final)
        )

    def _retained_tick(self, seq: int) -> int:
        item = self._retained[seq]
        assert isinstance(item, Outgoing), "whole values leave at once"
        return item.tick

    def _is_waiting(self) -> bool:
        """Whether an answer is still to come: of values, watermarks or the end."""
        return (
            self._released < self._out
            or self._out_chunk > 0
            or self._known_resolved < self._announced
            or self._final_known < self._final_sent
        )

    def _resent(self) -> list[Frame]:
        """Return what the receiver asked for, of that which has left."""
        frames: list[Frame] = []
        chunks = 0
        for seq, first, last in self._nacks:
            item = self._retained.get(seq)
            if item is None or (seq, first) >= (self._out, self._out_chunk):
                continue
            if type(item) is list:
                frames.append(item)
                continue
            assert isinstance(item, Outgoing)
            end = item.chunks if seq < self._out else self._out_chunk
            end = min(end, last + 1, first + self._chunk_window - chunks)
            frames += map(item.frame, range(first, end))
            chunks += max(0, end - first)
        self._nacks = ()
        self._resends += len(frames)
        return frames

    def on_frame(self, frame: Sequence[Buffer] | Buffer, now: float) -> int:
        """Take a frame from the receiver; return how many credits it brought.

        Args:
            frame: As it arrived, joined or not.
            now: The time [s].

        Raises:
            FrameError: It cannot come from this channel's receiver.
        """
        before = self._released
        for message in parse(frame):
            if type(message) is not Ack or message.channel != self.channel:
                raise FrameError("it is not for it", f"an ack for {self!r}", message)
            self._on_ack(message, now)
        return self._released - before

    def _on_ack(self, ack: Ack, now: float) -> None:
        place = (ack.received, ack.chunk)
        if place > (self._out, self._out_chunk) or ack.resolved > self.resolved:
            raise FrameError("it is ahead of what was sent", self, ack)
        before = (self._received, self._received_chunk)
        is_progress = (
            place > before
            or ack.released > self._released
            or ack.resolved > self._known_resolved
            or ack.is_final > self._final_known
        )
        if place >= before:
            for seq in range(self._received, ack.received):
                del self._retained[seq]
            self._received, self._received_chunk = place
            self._nacks = ack.nacks
            if self._chunks_out:
                self._count_chunks()
        self._released = max(self._released, ack.released)
        self._known_resolved = max(self._known_resolved, ack.resolved)
        self._final_known = self._final_known or ack.is_final
        if is_progress:
            self._wait_s = self._probe_s
        if is_progress or ack.nacks:
            self.wakes_at = now + self._wait_s if self._is_waiting() else inf

    def _count_chunks(self) -> None:
        """Work out how many chunks are under way."""
        items = (self._retained[seq] for seq in range(self._received, self._out))
        left = sum(item.chunks for item in items if isinstance(item, Outgoing))
        self._chunks_out = left + self._out_chunk - self._received_chunk


class Receiver:
    """The consumer's end of a channel.

    Buffers of a frame are kept until its value is delivered, and then belong to the
    value: a transport that uses them again must hand over copies.

    Args:
        channel: Its number, the same at both ends.
        window: How many values may be under way, as at the sender.
        latest: Credits return on arrival.
        max_frame: The size of the largest frame that the transport takes [byte].
        chunk_window: As at the sender.
        nack_after_s: How long something is missing before it is asked for; what was
            only overtaken turns up by itself.
        nack_s: How long to wait before asking again; doubles until something comes.
        nack_max_s: The longest such wait.

    Attributes:
        wakes_at: When `frames` should be called even if nothing happens.
        resolved_up_to: No value will come any more for this tick or one before.
        is_closed: Whether nothing will come any more at all.
    """

    def __init__(
        self,
        channel: int,
        window: int,
        *,
        latest: bool = False,
        max_frame: int | None = None,
        chunk_window: int = CHUNK_WINDOW,
        nack_after_s: float = 0.002,
        nack_s: float = 0.02,
        nack_max_s: float = 2.0,
    ) -> None:
        _check_limits(window, max_frame, chunk_window)
        self.channel = channel
        self.window = window
        self.is_latest = latest
        self.wakes_at = inf
        self.resolved_up_to = -1
        self.is_closed = False
        self._ack_step = max(1, window // 2)
        self._chunk_step = max(1, chunk_window // 2)
        self._nacks_max = _NACKS_MAX
        if max_frame:
            self._nacks_max = min(_NACKS_MAX, (max_frame - HEADER_SIZE) // NACK_SIZE)
        self._nack_after_s = nack_after_s
        self._nack_s = self._wait_s = nack_s
        self._nack_max_s = nack_max_s
        self._nacked_at = -inf
        self._held: dict[int, Data | Incoming] = {}
        self._ticks: deque[int] = deque()
        self._released_tick = -1
        self._expected = self._released = self._chunks = 0
        self._known = self._known_chunk = 0
        self._mark = (0, -1)
        self._final: int | None = None
        self._owes = False
        self._told = (0, 0, 0, False)
        self._bytes = self._duplicates = self._gaps = self._nacks = 0

    def __repr__(self) -> str:
        missing = self._missing() if self._has_gap() else "nothing"
        return (
            f"<Receiver {self.channel}: {self._expected} values up to tick "
            f"{self.resolved_up_to}, {len(self._held)} held back, {self._released} "
            f"credits back, missing {missing}, window {self.window}>"
        )

    @property
    def held_back(self) -> int:
        """How many values wait for one before them, or for the rest of themselves."""
        return len(self._held)

    @property
    def unreleased(self) -> int:
        """How many values were delivered whose tick is not finished."""
        return self._expected - self._released

    @property
    def statistics(self) -> Statistics:
        """What was counted so far."""
        return Statistics(
            messages=self._expected,
            bytes=self._bytes,
            duplicates=self._duplicates,
            gaps=self._gaps,
            nacks=self._nacks,
        )

    def on_frame(self, frame: Sequence[Buffer] | Buffer, now: float) -> list[Event]:
        """Take a frame from the sender; return what it brought, in order.

        Args:
            frame: As it arrived, joined or not.
            now: The time [s].

        Raises:
            FrameError: It cannot come from this channel's sender.
        """
        events: list[Event] = []
        before = self._expected
        for message in parse(frame):
            if message.channel != self.channel or type(message) is Ack:
                raise FrameError("it is not for it", f"news for {self!r}", message)
            if message.seq - self._released >= self.window + (type(message) is Mark):
                raise FrameError("it is beyond the window", self, message[:-1])
            if type(message) is Data:
                self._on_data(message, events)
            else:
                assert isinstance(message, Mark)
                self._on_mark(message)
            if self._mark[0] == self._expected:
                self._apply_mark(events)
        if self._known > self._expected or self._known_chunk or self.wakes_at != inf:
            self._look_for_gap(now, self._expected > before)
        return events

    def _on_data(self, data: Data, events: list[Event]) -> None:
        seq = data.seq
        ahead = seq - self._expected
        if ahead < 0:
            self._duplicates += 1
            return
        if data.tick <= self.resolved_up_to + ahead or seq == self._final:
            raise FrameError("it is out of order", self, data[:-1])
        if data.chunks > 1:
            self._on_chunk(data)
        elif not ahead and not self._held:
            self._deliver(data.tick, data.payload, data.stamp, events)
        elif seq in self._held:
            self._duplicates += 1
        else:
            self._held[seq] = data
        end = (seq, data.chunk + 1) if data.chunk + 1 < data.chunks else (seq + 1, 0)
        self._learn(*end)
        if self._held:
            self._drain(events)

    def _on_chunk(self, data: Data) -> None:
        value = self._held.get(data.seq)
        if value is None:
            value = self._held[data.seq] = Incoming(data)
        if isinstance(value, Data):
            raise FrameError("a whole value came before", value[:-1], data[:-1])
        self._duplicates += not value.add(data)

    def _learn(self, seq: int, chunk: int) -> None:
        """Note that all before this place has left the sender."""
        if (seq, chunk) > (self._known, self._known_chunk):
            self._known, self._known_chunk = seq, chunk

    def _drain(self, events: list[Event]) -> None:
        """Deliver what was held back for a value that has now come."""
        while (value := self._held.get(self._expected)) is not None:
            if isinstance(value, Data):
                payload = value.payload
                del self._held[self._expected]
            elif value.is_complete:
                del self._held[self._expected]
                payload = value.payload()
                self._chunks += value.chunks
            else:
                return
            if value.tick <= self.resolved_up_to:
                raise FrameError("its tick is out of order", self, value.tick)
            self._deliver(value.tick, payload, value.stamp, events)

    def _deliver(
        self, tick: int, payload: Payload, stamp: float, events: list[Event]
    ) -> None:
        self._expected += 1
        self.resolved_up_to = tick
        if tick <= self._released_tick or self.is_latest:
            self._released += 1
        else:
            self._ticks.append(tick)
        is_list = type(payload) is list
        self._bytes += sum(map(len, payload)) if is_list else len(payload)
        events.append(Value(tick, payload, stamp))

    def _on_mark(self, mark: Mark) -> None:
        self._owes = self._owes or mark.wants_answer
        self._learn(mark.seq, mark.chunk)
        self._mark = max(self._mark, (mark.seq, mark.tick))
        if mark.is_final:
            self._final = mark.seq

    def _apply_mark(self, events: list[Event]) -> None:
        """Report the newest watermark, and the end, behind the newest value."""
        tick = self._mark[1]
        if tick > self.resolved_up_to:
            self.resolved_up_to = tick
            events.append(Watermark(tick))
        if self._final == self._expected and not self.is_closed:
            self.is_closed = self._owes = True
            events.append(Closed())

    def _in_order(self) -> int:
        """Return how many chunks of the next value are there without a gap."""
        value = self._held.get(self._expected)
        return value.in_order if isinstance(value, Incoming) else 0

    def _has_gap(self) -> bool:
        known = (self._known, self._known_chunk)
        return known > (self._expected, self._in_order())

    def _look_for_gap(self, now: float, is_progress: bool) -> None:
        if not self._has_gap():
            self.wakes_at = inf
            self._wait_s = self._nack_s
        elif self.wakes_at == inf:
            self._gaps += 1
            self.wakes_at = max(now + self._nack_after_s, self._nacked_at + self._nack_s)
        elif is_progress:
            self._wait_s = self._nack_s
            self.wakes_at = min(self.wakes_at, now + self._nack_s)

    def _missing(self) -> tuple[tuple[int, int, int], ...]:
        """Return what has left the sender and is not here, the oldest first."""
        found: list[tuple[int, int, int]] = []
        for seq in range(self._expected, self._known + 1):
            end = ALL_CHUNKS + 1 if seq < self._known else self._known_chunk
            value = self._held.get(seq)
            if isinstance(value, Incoming):
                gaps = value.missing(min(end, value.chunks))
                found += [(seq, first, last) for first, last in gaps]
            elif value is None and end:
                found.append((seq, 0, end - 1))
            if len(found) >= self._nacks_max:
                break
        return tuple(found[: self._nacks_max])

    def release(self, tick: int) -> None:
        """Give back the credits of all values up to `tick`: they are used up.

        Those that arrive later for such a tick give theirs back at once.
        """
        self._released_tick = max(self._released_tick, tick)
        ticks = self._ticks
        while ticks and ticks[0] <= tick:
            ticks.popleft()
            self._released += 1

    def frames(self, now: float, *, idle: bool = False) -> list[Frame]:
        """Return what to hand to the transport now; never waits.

        Args:
            now: The time [s].
            idle: The host has nothing to do until something arrives.
        """
        nacks = now >= self.wakes_at
        if not nacks and not self._owes:
            credits = self._released - self._told[0]
            if credits < self._ack_step and not idle and not self._held:
                return []
            chunks = self._chunks + self._in_order() - self._told[1]
            if credits < self._ack_step and chunks < self._chunk_step:
                state = (self._released, self._told[1] + chunks, self._expected)
                if not idle or state == self._told[:3]:
                    return []
        return [self._ack(now, nacks)]

    def _ack(self, now: float, nacks: bool) -> Frame:
        missing: tuple[tuple[int, int, int], ...] = ()
        if nacks:
            missing = self._missing()
            self._nacks += 1
            self._nacked_at = now
            self.wakes_at = now + self._wait_s
            self._wait_s = min(2 * self._wait_s, self._nack_max_s)
        chunk = self._in_order()
        self._owes = False
        self._told = (
            self._released,
            self._chunks + chunk,
            self._expected,
            self.is_closed,
        )
        return pack_ack(
            Ack(
                self.channel,
                self._expected,
                self.resolved_up_to,
                chunk,
                self._released,
                self.is_closed,
                missing,
            )
        )


def _flat(buffer: Buffer) -> Buffer:
    """Return a buffer as one row of bytes, without a copy."""
    if type(buffer) is bytes:
        return buffer
    view = memoryview(buffer)
    if not view.nbytes:
        return b""
    return view.cast("B")


def _check_limits(window: int, max_frame: int | None, chunk_window: int) -> None:
    if window < 1 or chunk_window < 1:
        raise ValueError(f"A window holds 1 or more, not {min(window, chunk_window)}.")
    if max_frame is not None and max_frame < MAX_FRAME_MIN:
        raise ValueError(f"max_frame is {MAX_FRAME_MIN} or more, not {max_frame}.")
