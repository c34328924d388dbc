"""The producer's end of a channel: what has left, what came back, what to repeat."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from like_keras_core.errors import FrameError
from like_keras_core.runtime.flow.events import SenderStatistics
from like_keras_core.runtime.flow.fragmentation import (
    FragmentedValue,
    chunks_between,
    repeated,
    settle,
)
from like_keras_core.runtime.flow.lost_values import LostValues
from like_keras_core.runtime.flow.wire_format import (
    ACK,
    CHUNK_WINDOW,
    DATA,
    HEADER,
    HEADER_SIZE,
    PLAIN_ACK,
    PLAIN_CHUNKS,
    VERSION,
    Ack,
    Buffer,
    Frame,
    Payload,
    Watermark,
    bundled,
    check_limits,
    pack_mark,
    parse,
    plain_word,
    rows_of,
)


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
        probe_s: How long to wait for an answer before asking [s]; doubles each time.
        probe_max_s: The longest such wait [s].

    Attributes:
        wakes_at: When `frames` should be called even if nothing happens.
        resolved: The last tick for which a value or a watermark was given.
        is_heard: Whether the receiver has answered anything yet.
        lost: With `latest`, the values that never leave.
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
        check_limits(window, chunk_window, max_frame)
        self.channel = channel
        self.window = window
        self.is_latest = latest
        self.wakes_at = inf
        self.resolved = -1
        self.is_heard, self.lost = False, LostValues()
        self._plain_ack = plain_word(ACK, channel)
        self._max_whole = (max_frame or 1 << 62) - HEADER_SIZE
        self._bundle_limit = min(coalesce_bytes, max_frame or coalesce_bytes)
        self._mark_every = mark_every
        self._chunk_window = chunk_window
        self._probe_s = probe_s
        self._probe_max_s = probe_max_s
        # How long the next probe waits for an answer [s]: `_probe_s` after each ACK
        # with news, doubled by each probe since; a quarter of `_probe_s` after `ask`.
        self._wait_s = probe_s

        # Positions count values since the channel began, and none falls:
        # _released <= _place[0] <= _out <= _next <= _released + window.
        # `_next`: values that have a number; the next one gets this.
        self._next = 0
        # Values that have left as a whole, and the chunks that have of the next one.
        self._out = self._out_chunk = 0
        # What the receiver has acknowledged, never above `(_out, _out_chunk)`.
        self._place = (0, 0)
        # Credits that came back: values whose ticks the receiver has finished.
        self._released = 0

        # What may have to be repeated: exactly the values `_place[0]` to `_next - 1`.
        self._retained: dict[int, Frame | FragmentedValue] = {}
        # Values since the last `settle` with pieces that their producer may change;
        # some may have been acknowledged meanwhile.
        self._loose: list[int] = []
        # With `latest`: the newest value, without a number while the window is full.
        self._slot: tuple[int, Payload, float] | None = None
        # Chunks from `_place` to `(_out, _out_chunk)`, at most `_chunk_window`;
        # repeated ones are not counted twice.
        self._chunks_out = 0

        # Ticks are -1 before the first; none falls, and none exceeds `resolved`.
        # `_last_tick`: that of the value `_next - 1`.
        self._last_tick = -1
        # Up to here what has left answers, with a value or a watermark behind it.
        self._announced = -1
        # Up to here the receiver has acknowledged; behind `_announced` while an answer
        # is under way, or after it was lost.
        self._known_resolved = -1

        # In this order: `close` was called; a final mark has left, behind all values;
        # the receiver has acknowledged it.
        self._closed = self._final_sent = self._final_known = False
        # What the newest NACK asks for; emptied when `frames` repeats it.
        self._nacks: tuple[tuple[int, int, int], ...] = ()
        self._bytes = self._resends = self._probes = 0

    def __repr__(self) -> str:
        return (
            f"<Sender {self.channel}: {self._next} values up to tick {self.resolved}, "
            f"{self._out} handed over, {self._place[0]} received, {self._released} "
            f"credits back, window {self.window}>"
        )

    @property
    def has_credit(self) -> bool:
        """Whether `send` may be called."""
        return self.is_latest or self._next - self._released < self.window

    def credit(self) -> int:
        """Return how many values may be sent now."""
        if self.is_latest:
            return self.window
        return self.window - self._next + self._released

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
    def statistics(self) -> SenderStatistics:
        """What was counted so far."""
        counts = self._bytes, self.lost.count, self._resends, self._probes
        return SenderStatistics(self._next, *counts)

    def send(self, tick: int, payload: Payload, stamp: float = 0.0) -> None:
        """Take a value; its buffers must not change any more.

        Args:
            tick: Its tick, above all those before.
            payload: One contiguous buffer, or several: pieces of one value, which
                arrives as one buffer. None of them is copied.
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
            if self._slot is not None:
                self.lost.add(self._slot[0])
            self._slot = (tick, payload, stamp)
            self.resolved = tick
            return
        if self._next - self._released >= self.window:
            raise RuntimeError(f"{self!r} got a value without credit.")
        self._retain(tick, payload, stamp)
        self.resolved = tick

    def _retain(self, tick: int, payload: Payload, stamp: float) -> None:
        seq = self._next
        rows: list[Buffer]
        if type(payload) is bytes:
            rows, size = [payload], len(payload)
        else:
            rows = rows_of(payload)
            size = sum(map(len, rows))
            self._loose.append(seq)
        item: Frame | FragmentedValue
        if size <= self._max_whole:
            place = (VERSION, DATA, 0, self.channel, seq, tick, 0, 1)
            item = [HEADER.pack(*place, stamp), *rows]
        else:
            item = FragmentedValue(
                self.channel, seq, tick, stamp, rows, self._max_whole
            )
        self._retained[seq] = item
        self._next = seq + 1
        self._last_tick = tick
        self._bytes += size

    def settle(self, is_safe: Callable[[Buffer], bool]) -> None:
        """Copy the retained pieces that their producer may change from now on.

        Args:
            is_safe: Whether a piece will not be changed by anyone.
        """
        for seq in self._loose:
            item = self._retained.get(seq)
            if isinstance(item, FragmentedValue):
                item.settle(is_safe)
            elif item is not None:
                settle(item, is_safe)
        self._loose.clear()

    def watermark(self, tick: int) -> None:
        """Promise that nothing more comes up to `tick`; needs no credit."""
        if tick > self.resolved and not self.is_latest:
            self.resolved = tick

    def close(self) -> None:
        """Promise that nothing more comes at all, after what was given."""
        self._closed = True

    def ask(self) -> None:
        """Have `frames` ask for an acknowledgement now, and again until one comes."""
        self.wakes_at = -inf
        self._wait_s = self._probe_s / 4

    def frames(self, now: float, *, idle: bool = False) -> list[Frame]:
        """Return what to hand to the transport now; never waits.

        The transport must not change the lists or their buffers.

        Args:
            now: The time [s].
            idle: The host has nothing to do until something arrives.
        """
        if self._slot is not None and self._next - self._released < self.window:
            value, self._slot = self._slot, None
            self.lost.sent(value[0], self._last_tick)
            self._retain(*value)
        frames: list[Frame] = []
        if self._nacks:
            place = (self._out, self._out_chunk)
            frames = repeated(self._nacks, self._retained, place, self._chunk_window)
            self._nacks = ()
            self._resends += len(frames)
        if self._out < self._next:
            self._hand_over(frames)
        asks = now >= self.wakes_at
        if asks or (
            # Usually not due: DATA frames already carry the watermark.
            (self.resolved > self._announced or self._closed)
            and self._is_mark_due(idle)
        ):
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
        """Hand over values in order, as far as the window of chunks allows."""
        while self._out < self._next:
            item = self._retained[self._out]
            if type(item) is list:
                frames.append(item)
            else:
                assert isinstance(item, FragmentedValue)
                room = self._chunk_window - self._chunks_out
                end = min(item.chunks, self._out_chunk + room)
                frames += map(item.frame, range(self._out_chunk, end))
                self._chunks_out += end - self._out_chunk
                self._out_chunk = end
                if end < item.chunks:
                    return
                self._out_chunk = 0
            self._out += 1
        self._announced = self._last_tick

    def _is_mark_due(self, idle: bool) -> bool:
        if self._out < self._next or self._slot is not None:
            return False
        if self._closed and not self._final_sent:
            return True
        behind = self.resolved - self._announced
        return not self.is_latest and behind >= (1 if idle else self._mark_every)

    def _mark(self, asks: bool) -> Frame:
        is_all = self._out == self._next and self._slot is None
        if self._out < self._next:
            item = self._retained[self._out]
            assert isinstance(item, FragmentedValue), "whole values leave at once"
            tick = item.tick - 1
        elif self.is_latest:
            tick = self._last_tick
        else:
            tick = self._announced = self.resolved
        is_final = self._final_sent = self._closed and is_all
        place = (self._out, tick, self._out_chunk)
        return pack_mark(Watermark(self.channel, *place, asks, is_final))

    def _is_waiting(self) -> bool:
        """Whether values, watermarks or the end are still unacknowledged."""
        return (
            self._released < self._out
            or self._out_chunk > 0
            or self._known_resolved < self._announced
            or self._final_known < self._final_sent
        )

    def on_frame(self, frame: Frame | Buffer, now: float) -> None:
        """Take a frame from the receiver; it may bring credits.

        Args:
            frame: As it arrived, joined or not.
            now: The time [s].

        Raises:
            FrameError: It cannot come from this channel's receiver.
        """
        if type(frame) is list and len(frame) == 1:
            frame = frame[0]
        if type(frame) is bytes and len(frame) == HEADER_SIZE:
            # Fast path: a plain ACK without NACKs.
            word, received, resolved, chunk, released = PLAIN_ACK.unpack(frame)
            is_plain = word == self._plain_ack and chunk < PLAIN_CHUNKS
            if is_plain and resolved >= -1 and released <= received:
                self._on_ack(received, resolved, chunk, released, now)
                return
        for ack in parse(frame):
            if type(ack) is not Ack or ack.channel != self.channel:
                raise FrameError("it is not for it", f"an ack for {self!r}", ack)
            self._on_ack(*ack[1:5], now, *ack[5:])

    def _on_ack(
        self,
        received: int,
        resolved: int,
        chunk: int,
        released: int,
        now: float,
        is_final: bool = False,
        nacks: tuple[tuple[int, int, int], ...] = (),
    ) -> None:
        place, before = (received, chunk), self._place
        if place > (self._out, self._out_chunk) or resolved > self.resolved:
            found = (*place, resolved)
            raise FrameError("it is ahead of what was sent", repr(self), found)
        is_news = not self.is_heard
        self.is_heard = True
        if place > before:
            is_news = True
            self._place = place
            for seq in range(before[0], received):
                del self._retained[seq]
            if self._chunks_out:
                sent = (self._out, self._out_chunk)
                self._chunks_out = chunks_between(self._retained, place, sent)
        if released > self._released:
            is_news = True
            self._released = released
        if resolved > self._known_resolved:
            is_news = True
            self._known_resolved = resolved
        if is_final and not self._final_known:
            is_news = self._final_known = True
        if nacks:
            # Even from before a newer ack: what is asked for is still asked for.
            self._nacks = nacks
        if is_news:
            self._wait_s = self._probe_s
        if is_news or nacks:
            self.wakes_at = now + self._wait_s if self._is_waiting() else inf
