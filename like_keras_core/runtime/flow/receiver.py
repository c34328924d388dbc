"""The consumer's end of a channel: what has come, what is missing, what is used up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import islice
from math import inf
from typing import Any

from like_keras_core.errors import FrameError
from like_keras_core.runtime.flow.events import (
    Closed,
    Event,
    ReceiverStatistics,
    Resolved,
    Value,
)
from like_keras_core.runtime.flow.fragmentation import Reassembly, missing
from like_keras_core.runtime.flow.nack_timer import NackTimer
from like_keras_core.runtime.flow.wire_format import (
    CHUNK_WINDOW,
    DATA,
    HEADER_SIZE,
    NACK_SIZE,
    PLAIN,
    PLAIN_CHUNKS,
    Ack,
    Buffer,
    Data,
    Frame,
    Watermark,
    check_limits,
    is_row,
    pack_ack,
    parse,
    parts_of,
    plain_word,
    whole,
)

_NACKS_MAX = 64

_new: Callable[..., Any] = tuple.__new__
"""What the constructor of a named tuple calls: on the way of every value."""

_COPIED = 4096
"""Up to this size a payload is copied: it costs less than a view [byte]."""

_ACK_BYTES = 1_000_000
"""An ACK leaves after so much has arrived: it frees the sender's memory [byte]."""


class Receiver:
    """The consumer's end of a channel.

    Buffers of a frame are kept until its value is delivered, and then belong to the
    value: a transport that uses them again must hand over copies. A frame that was
    joined, or `[header, payload]`, is not copied, unless it is bytes and small; other
    pieces are joined on delivery.

    Args:
        channel: Its number, the same at both ends.
        window: How many values may be under way, as at the sender.
        latest: Credits return on arrival.
        max_frame: The size of the largest frame that the transport takes [byte].
        chunk_window: As at the sender.
        nack_after_s: How long something is missing before it is asked for [s]; what
            was only overtaken turns up by itself.
        nack_s: How long to wait before asking again [s]; doubles up to `nack_max_s`.
        nack_max_s: The longest such wait [s].
        ack_after_s: How long an idle host keeps an acknowledgement that the sender
            can do without [s]: it has half of its window left.

    Attributes:
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
        ack_after_s: float = 0.0,
    ) -> None:
        check_limits(window, chunk_window, max_frame)
        self.channel = channel
        self.window = window
        self.is_latest = latest
        self.resolved_up_to = -1
        self.is_closed = False
        self._ack_step = max(1, window // 2)
        self._chunk_step = max(1, chunk_window // 2)
        room = (max_frame or 1 << 62) - HEADER_SIZE
        self._nacks_max = min(_NACKS_MAX, room // NACK_SIZE)
        self._ack_after_s = ack_after_s
        self._plain_word = plain_word(DATA, channel)

        # Positions count values since the channel began, and none falls:
        # _released <= _expected <= min(_released + window, _end).
        # `_expected`: values delivered, so the number of the next one.
        self._expected = 0
        # Credits given back: delivered values whose ticks are finished.
        self._released = 0
        # How many values there are in all; inf until a final mark arrives.
        self._end: float = inf
        # What has left, as far as frames show it: all before this value and chunk. The
        # fast path does not move it. A gap: it is above `_expected`, `_in_order()`.
        self._known = (0, 0)

        # Values to deliver later: `_expected`, if it lacks chunks, and ones after it.
        self._held: dict[int, Data | Reassembly] = {}
        # The ticks of the last `_expected - _released` values delivered, ascending.
        self._ticks: deque[int] = deque()
        # The highest tick released; a value up to it returns its credit on arrival.
        self._released_tick = -1
        # The greatest watermark, `(values before it, tick)`; it waits for these.
        self._mark = (0, -1)
        # Empty between calls; after a FrameError, the events before it in its frame.
        self._events: list[Event] = []

        # When to ask for what is missing; its `due_at` is inf unless a gap is known.
        self._nack = NackTimer(nack_after_s, nack_s, nack_max_s)
        # When an ACK that an idle host holds back is due; inf where there is none.
        self._ack_at = inf
        # Whether an ACK must leave next: the sender asks, or the end was reached.
        self._owes = False
        # The last ACK's `_released`, `_expected`, `_bytes`, and `_chunks` with those in
        # order of the next value: how far these have grown since makes an ACK due.
        self._acked_released = self._acked_expected = 0
        self._acked_bytes = self._acked_chunks = 0
        # Of the values delivered, but for the duplicates.
        self._chunks = self._bytes = self._duplicates = 0

    def __repr__(self) -> str:
        missing = self._missing() if self._has_gap() else "nothing"
        return (
            f"<Receiver {self.channel}: {self._expected} values up to tick "
            f"{self.resolved_up_to}, {len(self._held)} held back, {self._released} "
            f"credits back, missing {missing}, window {self.window}>"
        )

    @property
    def wakes_at(self) -> float:
        """When `frames` should be called even if nothing happens."""
        return min(self._nack.due_at, self._ack_at)

    @property
    def held_back(self) -> int:
        """How many values wait for one before them, or for the rest of themselves."""
        return len(self._held)

    @property
    def unreleased(self) -> int:
        """How many values were delivered whose tick is not finished."""
        return self._expected - self._released

    @property
    def statistics(self) -> ReceiverStatistics:
        """What was counted so far."""
        return ReceiverStatistics(
            messages=self._expected,
            bytes=self._bytes,
            duplicates=self._duplicates,
            gaps=self._nack.gaps,
            nacks=self._nack.count,
        )

    def on_frame(self, frame: Frame | Buffer, now: float) -> list[Event]:
        """Take a frame from the sender; return what it brought, in order.

        Args:
            frame: As it arrived, joined or not.
            now: The time [s].

        Raises:
            FrameError: It cannot come from this channel's sender.
        """
        if not self._events:
            value = self._next_whole(frame)
            if value is not None:
                return [value]
        before = self._expected
        events = self._events
        parts = parts_of(frame) if type(frame) is bytes else []
        for part in parts:
            value = self._next_whole(part)
            if value is None:
                self._on_messages(part, events)
                continue
            events.append(value)
            if self._mark[0] == self._expected:
                self._apply_mark(events)
        if not parts:
            self._on_messages(frame, events)
        if self._known > (self._expected, 0) or self._nack.due_at != inf:
            self._nack.look(now, self._has_gap(), self._expected > before)
        if events:
            self._events = []
        return events

    def _next_whole(self, frame: Frame | Buffer) -> Value | None:
        """Take the next value where it came in one piece, the fast path; else None."""
        payload: Buffer | None
        if type(frame) is list and len(frame) == 2:
            head, payload = frame
            if type(payload) is not bytes and not is_row(payload):
                return None
            if len(head) != HEADER_SIZE:
                return None
        elif type(frame) is bytes or is_row(frame):
            head, payload = frame, None
            if len(head) < HEADER_SIZE:
                return None
        else:
            return None
        word, seq, tick, chunks, stamp = PLAIN.unpack_from(head)
        if (
            word != self._plain_word
            or chunks != PLAIN_CHUNKS
            or seq != self._expected
            or self._held
            or self._nack.due_at != inf
            or tick <= self.resolved_up_to
            or seq - self._released >= self.window
            or seq >= self._end
        ):
            return None
        if payload is None and type(head) is bytes and len(head) <= _COPIED:
            payload = head[HEADER_SIZE:]
        elif payload is None:
            payload = memoryview(head)[HEADER_SIZE:]
        return self._deliver(tick, payload, stamp)

    def _on_messages(self, frame: Frame | Buffer, events: list[Event]) -> None:
        """Take whatever a frame says."""
        for message in parse(frame):
            if message.channel != self.channel or type(message) is Ack:
                raise FrameError("it is not for it", f"news for {self!r}", message)
            if type(message) is Data:
                self._on_data(message, events)
            else:
                assert type(message) is Watermark
                self._on_mark(message)
            if self._mark[0] == self._expected:
                self._apply_mark(events)

    def _on_data(self, data: Data, events: list[Event]) -> None:
        seq = data.seq
        ahead = seq - self._expected
        if ahead < 0:
            self._duplicates += 1
            return
        if seq >= self._released + self.window or seq >= self._end:
            raise FrameError(
                "it is beyond the window or the end", repr(self), data[:-1]
            )
        if data.tick <= self.resolved_up_to + ahead:
            raise FrameError(
                "it is for a tick that was answered", repr(self), data[:-1]
            )
        if data.chunks > 1:
            self._on_chunk(data)
        elif not ahead and not self._held:
            events.append(self._deliver(data.tick, whole(data.pieces), data.stamp))
        elif seq in self._held:
            self._duplicates += 1
        else:
            self._held[seq] = data
        is_last = data.chunk + 1 == data.chunks
        place = (seq + 1, 0) if is_last else (seq, data.chunk + 1)
        self._known = max(self._known, place)
        if self._held:
            self._drain(events)

    def _on_chunk(self, data: Data) -> None:
        value = self._held.get(data.seq)
        if value is None:
            value = self._held[data.seq] = Reassembly(data)
        if isinstance(value, Data):
            raise FrameError("a whole value came before", value[:-1], data[:-1])
        self._duplicates += not value.add(data)

    def _drain(self, events: list[Event]) -> None:
        """Deliver what was held back for a value that has now come."""
        while (value := self._held.get(self._expected)) is not None:
            if isinstance(value, Data):
                payload = whole(value.pieces)
            elif value.is_complete:
                payload = value.payload()
                self._chunks += value.chunks
            else:
                return
            del self._held[self._expected]
            if value.tick <= self.resolved_up_to:
                raise FrameError("its tick is out of order", repr(self), value.tick)
            events.append(self._deliver(value.tick, payload, value.stamp))

    def _deliver(self, tick: int, payload: Buffer, stamp: float) -> Value:
        self._expected += 1
        self.resolved_up_to = tick
        if tick <= self._released_tick or self.is_latest:
            self._released += 1
        else:
            self._ticks.append(tick)
        self._bytes += len(payload)
        value: Value = _new(Value, (tick, payload, stamp))
        return value

    def _on_mark(self, mark: Watermark) -> None:
        if mark.seq > min(self._released + self.window, self._end):
            raise FrameError("it is beyond the window or the end", repr(self), mark)
        self._owes = self._owes or mark.wants_answer
        self._known = max(self._known, (mark.seq, mark.chunk))
        self._mark = max(self._mark, (mark.seq, mark.tick))
        if mark.is_final:
            self._end = mark.seq

    def _apply_mark(self, events: list[Event]) -> None:
        """Report the newest watermark, and the end, behind the newest value."""
        tick = self._mark[1]
        if tick > self.resolved_up_to:
            self.resolved_up_to = tick
            events.append(Resolved(tick))
        if self._end == self._expected and not self.is_closed:
            self.is_closed = self._owes = True
            events.append(Closed())

    def _in_order(self) -> int:
        """Return how many chunks of the next value are there without a gap."""
        value = self._held.get(self._expected)
        return value.in_order if isinstance(value, Reassembly) else 0

    def _has_gap(self) -> bool:
        return self._known > (self._expected, self._in_order())

    def _missing(self) -> tuple[tuple[int, int, int], ...]:
        """Return what has left and not arrived, as much as one ACK can ask for."""
        found = missing(self._held, self._expected, self._known)
        return tuple(islice(found, self._nacks_max))

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
        nacks = now >= self._nack.due_at
        if nacks or self._owes or self._is_ack_due(now, idle):
            return [self._ack(now, nacks)]
        return []

    def _is_ack_due(self, now: float, idle: bool) -> bool:
        credits = self._released - self._acked_released
        chunks = self._chunks - self._acked_chunks
        if self._held:
            chunks += self._in_order()
        if credits >= self._ack_step or chunks >= self._chunk_step:
            return True
        if self._bytes - self._acked_bytes >= _ACK_BYTES:
            return True
        if not idle or not (credits or chunks or self._expected > self._acked_expected):
            return False
        self._ack_at = min(self._ack_at, now + self._ack_after_s)
        is_awaited = credits and self._expected - self._acked_released >= self._ack_step
        return bool(chunks or is_awaited) or now >= self._ack_at

    def _ack(self, now: float, nacks: bool) -> Frame:
        missing: tuple[tuple[int, int, int], ...] = ()
        if nacks:
            missing = self._missing()
            self._nack.sent(now)
        chunk = self._in_order() if self._held else 0
        self._owes = False
        self._ack_at = inf
        self._acked_released = released = self._released
        self._acked_chunks = self._chunks + chunk
        self._acked_expected = received = self._expected
        self._acked_bytes = self._bytes
        state = (received, self.resolved_up_to, chunk, released, self.is_closed)
        return pack_ack(Ack(self.channel, *state, missing))
