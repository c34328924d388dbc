"""What each end of a channel does, one rule at a time."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from math import inf
from mmap import mmap
from typing import Literal

import pytest

from like_keras_core.errors import FrameError
from like_keras_core.runtime.flow import (
    Buffer,
    Closed,
    Event,
    Frame,
    Payload,
    Receiver,
    Resolved,
    Sender,
    Value,
    channel_of,
)
from like_keras_core.runtime.flow.wire_format import (
    ACK,
    BUNDLE,
    DATA,
    HEADER,
    HEADER_SIZE,
    MARK,
    VERSION,
    Ack,
    Data,
    Watermark,
    bundled,
    pack_ack,
    pack_mark,
    parse,
)


def pair(window: int = 4, **options) -> tuple[Sender, Receiver]:
    """Return both ends of channel 1."""
    shared = {"latest", "max_frame", "chunk_window"} & set(options)
    ack_after_s = options.pop("ack_after_s", 0.0)
    given = {name: options[name] for name in shared}
    receiver = Receiver(1, window, ack_after_s=ack_after_s, **given)
    return Sender(1, window, **options), receiver


def bring(
    frames: list[Frame], receiver: Receiver, now: float = 0.0, *, joins: bool = True
) -> list[Event]:
    """Hand frames to a receiver, joined or not; return what they brought."""
    came = [b"".join(frame) if joins else frame for frame in frames]
    return [event for frame in came for event in receiver.on_frame(frame, now)]


def answer(receiver: Receiver, sender: Sender, now: float = 0.0, **options) -> int:
    """Hand a receiver's frames to the sender; return how many there were."""
    frames = receiver.frames(now, **options)
    for frame in frames:
        sender.on_frame(b"".join(frame), now)
    return len(frames)


def send(sender: Sender, *ticks: int, now: float = 0.0) -> list[Frame]:
    """Send a value for each tick, each in a frame of its own."""
    frames = []
    for tick in ticks:
        sender.send(tick, f"v{tick}".encode())
        frames += sender.frames(now)
    return frames


def values(events: list[Event]) -> list[int]:
    return [event.tick for event in events if isinstance(event, Value)]


def wake(end: Sender | Receiver) -> float:
    """Return when an end wants to be called."""
    assert end.wakes_at < inf
    return end.wakes_at


def kinds(frames: list[Frame]) -> list[int]:
    return [frame[0][1] for frame in frames]


def nacked(frames: list[Frame]) -> list[tuple[int, int, int]]:
    acks = [message for frame in frames for message in parse(frame)]
    return [nack for ack in acks if isinstance(ack, Ack) for nack in ack.nacks]


class TestValues:
    def test_a_value_arrives_with_its_tick_and_its_time(self) -> None:
        """Payload, tick and stamp come out as they went in."""
        sender, receiver = pair()

        sender.send(3, b"payload", 12.5)
        (event,) = bring(sender.frames(0.0), receiver)

        assert event == Value(3, memoryview(b"payload"), 12.5)
        assert receiver.resolved_up_to == 3

    def test_an_empty_value_is_a_value(self) -> None:
        """Zero bytes are not absence."""
        sender, receiver = pair()

        sender.send(0, b"")

        (event,) = bring(sender.frames(0.0), receiver)
        assert event == Value(0, memoryview(b""), 0.0)

    @pytest.mark.parametrize("coalesce_bytes", [0, 4096])
    @pytest.mark.parametrize("joins", [True, False])
    def test_several_pieces_arrive_as_one_buffer(
        self, coalesce_bytes: int, joins: bool
    ) -> None:
        """Which pieces they were is not told; none at all are zero bytes."""
        sender, receiver = pair(coalesce_bytes=coalesce_bytes)
        pieces: list[Buffer] = [b"head", bytearray(b""), memoryview(b"body")]

        sender.send(0, pieces, 0.5)
        sender.send(1, [], 1.5)
        sender.send(2, [b"", b""], 2.5)
        events = bring(sender.frames(0.0), receiver, joins=joins)

        expected = [Value(0, b"headbody", 0.5), Value(1, b"", 1.5), Value(2, b"", 2.5)]
        assert events == expected
        assert sender.statistics.bytes == receiver.statistics.bytes == 8

    def test_no_piece_is_copied_by_the_sender(self) -> None:
        """What leaves behind the header is the memory that was given."""
        sender, _ = pair()
        changing = bytearray(100)
        pieces: list[Buffer] = [b"x" * 1000, changing, memoryview(bytes(10))]

        sender.send(0, pieces)
        ((_, *sent),) = sender.frames(0.0)

        changing[:4] = b"same"
        assert sent == pieces
        assert sent[0] is pieces[0]
        assert memoryview(sent[2]).obj is memoryview(pieces[2]).obj

    @pytest.mark.parametrize("is_alone", [True, False])
    def test_a_view_may_be_released_once_it_is_sent(self, is_alone: bool) -> None:
        """The sender looks at the memory through a view of its own."""
        sender, receiver = pair()

        with memoryview(b"payload") as view:
            sender.send(0, view if is_alone else [view])

        (event,) = bring(sender.frames(0.0), receiver)
        assert event == Value(0, b"payload", 0.0)

    @pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
    def test_one_buffer_behind_a_header_is_not_copied(self, form: type[Buffer]) -> None:
        """Over a transport that does not join, the very same object comes out."""
        sender, receiver = pair()
        sender.send(0, b"x" * 1000)
        ((header, sent),) = sender.frames(0.0)
        payload = form(sent)

        (event,) = receiver.on_frame([header, payload], 0.0)

        assert isinstance(event, Value)
        assert event.payload is payload

    @pytest.mark.parametrize(
        ("form", "size"),
        [
            *((form, n) for form in (bytearray, memoryview) for n in (0, 1, 7, 1000)),
            *((form, 5000) for form in (bytes, bytearray, memoryview)),
        ],
    )
    def test_a_joined_frame_is_not_copied(self, form: type[Buffer], size: int) -> None:
        """Its value is a view of its own memory."""
        sender, receiver = pair()
        sender.send(0, [b"x" * size, b"yz"])
        joined = form(b"".join(sender.frames(0.0)[0]))

        (event,) = receiver.on_frame(joined, 0.0)

        assert event == Value(0, b"x" * size + b"yz", 0.0)
        assert isinstance(event.payload, memoryview)
        assert event.payload.obj is memoryview(joined).obj

    @pytest.mark.parametrize("size", [0, 1, 7, 4054])
    def test_a_small_frame_of_bytes_is_copied(self, size: int) -> None:
        """A view of it would cost more."""
        sender, receiver = pair()
        sender.send(0, [b"x" * size, b"yz"])
        joined = b"".join(sender.frames(0.0)[0])

        (event,) = receiver.on_frame(joined, 0.0)

        assert event == Value(0, b"x" * size + b"yz", 0.0)
        assert type(event.payload) is bytes

    def test_a_frame_in_shared_memory_is_not_copied(self) -> None:
        """What a value's memory says later is what was written there."""
        sender, receiver = pair()
        sender.send(0, [b"abc", b"de"])
        frame = b"".join(sender.frames(0.0)[0])
        with closing(mmap(-1, 4096)) as memory, memoryview(memory) as view:
            view[: len(frame)] = frame
            with view[: len(frame)] as part:
                (event,) = receiver.on_frame(part, 0.0)
                assert isinstance(event, Value)
                assert isinstance(event.payload, memoryview)
                view[len(frame) - 5] = ord("A")
                with event.payload as payload:
                    assert bytes(payload) == b"Abcde"

    def test_pieces_that_were_held_back_arrive_as_one(self) -> None:
        """Whoever is overtaken waits as it came, and is joined when its turn comes."""
        sender, receiver = pair(coalesce_bytes=0)
        for tick in range(3):
            sender.send(tick, [b"v", b"", str(tick).encode()], tick + 0.5)
        first, *others = sender.frames(0.0)

        assert bring(others, receiver, joins=False) == []
        events = bring([first], receiver, joins=False)

        assert events == [Value(t, f"v{t}".encode(), t + 0.5) for t in range(3)]

    def test_one_buffer_that_was_held_back_is_not_copied(self) -> None:
        """However long it waits."""
        receiver = Receiver(1, 4)
        payload = memoryview(b"late")
        (header, _) = data(1, 1)

        receiver.on_frame([header, payload], 0.0)
        _, event = receiver.on_frame(data(0, 0), 0.0)

        assert isinstance(event, Value)
        assert event.payload is payload

    @pytest.mark.parametrize("items", ["I", "b"])
    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_numbers_arrive_as_bytes(
        self, items: Literal["I", "b"], count: int
    ) -> None:
        """Even where a transport shows the bytes as something else."""
        receiver = Receiver(1, 4)
        (header, _) = data(0, 0)
        content = bytes(range(120, 136))
        numbers = memoryview(content).cast(items)
        frame: Frame = [header, *[numbers] * count]
        joined = memoryview(bytes(header) + content).cast(items)

        (event,) = receiver.on_frame(frame if count else joined, 0.0)

        assert event == Value(0, content * max(1, count), 0.0)
        assert receiver.statistics.bytes == 16 * max(1, count)

    def test_a_buffer_of_numbers_is_sent_as_bytes(self) -> None:
        """Sizes count bytes, whatever a buffer's items are."""
        sender, receiver = pair()
        numbers = memoryview(bytes(range(16))).cast("I")

        sender.send(0, numbers)

        (event,) = bring(sender.frames(0.0), receiver)
        assert event == Value(0, memoryview(bytes(range(16))), 0.0)
        assert sender.statistics.bytes == receiver.statistics.bytes == 16

    def test_a_buffer_with_holes_is_refused(self) -> None:
        """What has no bytes in a row cannot be sent, and nothing is lost by trying."""
        sender, receiver = pair()

        holes = memoryview(b"abcd")[::2]
        payloads: list[Payload] = [holes, [holes], [b"ab", holes]]
        for payload in payloads:
            with pytest.raises(TypeError, match="C-contiguous"):
                sender.send(0, payload)

        assert values(bring(send(sender, 0), receiver)) == [0]

    def test_ticks_and_numbers_have_64_bits(self) -> None:
        """A run of years does not overflow."""
        sender, receiver = pair()
        tick = 2**63 - 2

        sender.send(tick, b"late")
        sender.watermark(tick + 1)

        assert bring(sender.frames(0.0, idle=True), receiver) == [
            Value(tick, memoryview(b"late"), 0.0),
            Resolved(tick + 1),
        ]

    def test_a_tick_is_answered_once(self) -> None:
        """A value for a tick that has had its answer is a mistake of the host."""
        sender, _ = pair()
        sender.watermark(5)

        with pytest.raises(ValueError, match="tick 5, too late"):
            sender.send(5, b"")


class TestCredits:
    def test_a_credit_returns_when_the_tick_is_finished(self) -> None:
        """Arrival alone gives nothing back."""
        sender, receiver = pair(window=1)
        bring(send(sender, 0), receiver)

        answer(receiver, sender, idle=True)
        assert not sender.has_credit
        assert sender.retained == 0

        receiver.release(0)
        answer(receiver, sender)
        assert sender.has_credit
        assert sender.credit() == 1

    def test_a_value_for_a_finished_tick_returns_its_credit_at_once(self) -> None:
        """A delayed input may finish a tick before its value is there."""
        sender, receiver = pair(window=1)
        receiver.release(0)

        bring(send(sender, 0), receiver)
        answer(receiver, sender)

        assert sender.has_credit
        assert receiver.unreleased == 0

    def test_nothing_is_sent_without_credit(self) -> None:
        """The window is the host's business to respect."""
        sender, _ = pair(window=2)
        send(sender, 0, 1)

        with pytest.raises(RuntimeError, match="without credit"):
            sender.send(2, b"")
        assert sender.credit() == 0

    def test_credits_are_answered_by_half_windows(self) -> None:
        """One frame back for half a window, not for each value."""
        sender, receiver = pair(window=8)
        sent = []

        for tick in range(8):
            bring(send(sender, tick), receiver)
            receiver.release(tick)
            sent.append(answer(receiver, sender))

        assert sent == [0, 0, 0, 1, 0, 0, 0, 1]
        assert sender.credit() == 8

    def test_a_large_value_is_answered_at_once(self) -> None:
        """The memory that its sender keeps it in is wanted for the next one."""
        sender, receiver = pair(window=8)
        sender.send(0, bytes(999_999))
        bring(sender.frames(0.0), receiver)

        assert answer(receiver, sender) == 0
        sender.send(1, bytes(1))
        bring(sender.frames(0.0), receiver)
        assert sender.retained == 2
        assert answer(receiver, sender) == 1

        assert sender.retained == 0

    def test_an_idle_host_keeps_no_credit_back(self) -> None:
        """Before it waits it says all, and says it once."""
        sender, receiver = pair(window=8)
        bring(send(sender, 0), receiver)
        receiver.release(0)

        assert answer(receiver, sender) == 0
        assert answer(receiver, sender, idle=True) == 1
        assert answer(receiver, sender, idle=True) == 0
        assert sender.credit() == 8

    def test_an_idle_host_may_keep_a_credit_that_nobody_waits_for(self) -> None:
        """For a while: the sender has half of its window left."""
        sender, receiver = pair(window=8, ack_after_s=0.02)
        bring(send(sender, 0), receiver, now=1.0)
        receiver.release(0)

        assert answer(receiver, sender, now=1.0, idle=True) == 0
        assert receiver.wakes_at == pytest.approx(1.02)
        assert answer(receiver, sender, now=1.02, idle=True) == 1
        assert receiver.wakes_at == inf
        assert sender.credit() == 8

    def test_an_idle_host_keeps_no_credit_that_may_be_waited_for(self) -> None:
        """The sender has used half of its window, as far as it knows."""
        sender, receiver = pair(window=8, ack_after_s=0.02)
        bring(send(sender, 0, 1, 2, 3), receiver)
        receiver.release(0)

        assert answer(receiver, sender, idle=True) == 1
        assert sender.credit() == 5

    def test_credits_that_are_kept_leave_by_half_windows(self) -> None:
        """Long before their time has come."""
        sender, receiver = pair(window=8, ack_after_s=0.02)
        sent = []

        for tick in range(8):
            bring(send(sender, tick), receiver)
            receiver.release(tick)
            sent.append(answer(receiver, sender, idle=True))

        assert sent == [0, 0, 0, 1, 0, 0, 0, 1]

    def test_a_lost_answer_does_no_harm(self) -> None:
        """The next one says the same and more."""
        sender, receiver = pair(window=2)
        bring(send(sender, 0, 1), receiver)

        receiver.release(0)
        assert len(receiver.frames(0.0)) == 1
        receiver.release(1)
        answer(receiver, sender)

        assert sender.credit() == 2

    def test_an_answer_that_was_overtaken_takes_nothing_back(self) -> None:
        """What is known stays known."""
        sender, receiver = pair(window=2)
        bring(send(sender, 0, 1), receiver)
        receiver.release(0)
        old = receiver.frames(0.0)
        receiver.release(1)
        answer(receiver, sender)

        sender.on_frame(old[0], 0.0)

        assert sender.credit() == 2
        assert sender.retained == 0
        assert sender.frames(0.0) == []
        assert sender.wakes_at == inf

    def test_an_answer_from_before_the_end_takes_nothing_back(self) -> None:
        """Watermarks and the end stay known as well."""
        sender, receiver = pair()
        receiver.on_frame(pack_mark(Watermark(1, 0, -1, 0, True, False)), 0.0)
        old = receiver.frames(0.0)
        sender.watermark(3)
        sender.close()
        bring(sender.frames(0.0), receiver)
        answer(receiver, sender)

        sender.on_frame(old[0], 0.0)

        assert sender.is_done
        assert sender.frames(0.0) == []
        assert sender.wakes_at == inf

    def test_a_tick_stays_finished(self) -> None:
        """Finishing an earlier one changes nothing."""
        sender, receiver = pair(window=1)
        receiver.release(5)
        receiver.release(3)

        bring(send(sender, 5), receiver)

        assert receiver.unreleased == 0

    def test_a_last_answer_that_is_lost_is_asked_for(self) -> None:
        """A producer without credit does not wait for ever."""
        sender, receiver = pair(window=1)
        bring(send(sender, 0), receiver)
        receiver.release(0)
        assert receiver.frames(0.0)

        bring(sender.frames(wake(sender)), receiver)
        answer(receiver, sender)

        assert sender.has_credit
        assert sender.wakes_at == inf


class TestWatermarks:
    def test_it_needs_no_credit(self) -> None:
        """With the window full a tick can still be answered."""
        sender, receiver = pair(window=1)
        frames = send(sender, 0)

        sender.watermark(1)
        frames += sender.frames(0.0, idle=True)

        assert bring(frames, receiver)[-1] == Resolved(1)
        assert sender.credit() == 0

    def test_a_later_one_replaces_it(self) -> None:
        """However many wait, one leaves."""
        sender, receiver = pair()

        for tick in range(5):
            sender.watermark(tick)
        frames = sender.frames(0.0, idle=True)

        assert bring(frames, receiver) == [Resolved(4)]
        assert len(frames) == 1

    def test_a_value_makes_it_needless(self) -> None:
        """A value says that all ticks before it have had their answer."""
        sender, receiver = pair()

        sender.watermark(4)
        frames = send(sender, 5)

        assert kinds(frames) == [DATA]
        assert values(bring(frames, receiver)) == [5]
        assert sender.frames(0.0, idle=True) == []

    @pytest.mark.parametrize("latest", [False, True])
    @pytest.mark.parametrize("has_left", [False, True])
    def test_one_for_the_tick_of_a_value_that_was_sent_changes_nothing(
        self, latest: bool, has_left: bool
    ) -> None:
        """The value has answered for its tick; the sender does as if not told."""
        told, untold = (pair(latest=latest, mark_every=1)[0] for _ in range(2))
        log: list[list[object]] = []

        for sender in (told, untold):
            sender.send(3, b"value", 0.5)
            said: list[object] = [*(sender.frames(0.0, idle=True) if has_left else ())]
            if sender is told:
                sender.watermark(3)
            said += [sender.resolved, repr(sender), sender.statistics, sender.credit()]
            said += [sender.frames(0.0, idle=True), sender.wakes_at]
            said += [sender.frames(wake(sender), idle=True), sender.wakes_at]
            log.append(said)

        assert log[0] == log[1]
        assert told.resolved == 3

    def test_it_leaves_though_the_host_is_never_idle(self) -> None:
        """After `mark_every` ticks it goes by itself."""
        sender, _ = pair(mark_every=3)
        sent = []

        for tick in range(7):
            sender.watermark(tick)
            sent.append(len(sender.frames(0.0)))

        assert sent == [0, 0, 1, 0, 0, 1, 0]

    def test_it_waits_for_the_values_before_it(self) -> None:
        """One that overtakes a value says nothing until that has come."""
        sender, receiver = pair()
        frames = send(sender, 0, 1)
        sender.watermark(2)
        mark = sender.frames(0.0, idle=True)

        assert bring(mark, receiver) == []
        assert values(bring(frames[1:], receiver)) == []
        assert receiver.resolved_up_to == -1

        events = bring(frames[:1], receiver)
        assert values(events) == [0, 1]
        assert events[-1] == Resolved(2)

    def test_the_newest_counts(self) -> None:
        """Of those that overtook a value, and each other."""
        sender, receiver = pair()
        frames = send(sender, 0)
        for tick in (5, 9):
            sender.watermark(tick)
            frames += sender.frames(0.0, idle=True)

        assert bring(frames[::-1], receiver)[-1] == Resolved(9)

    def test_one_that_is_late_says_nothing(self) -> None:
        """Order is kept over watermarks too."""
        sender, receiver = pair()
        sender.watermark(0)
        old = sender.frames(0.0, idle=True)
        bring(send(sender, 1), receiver)

        assert bring(old, receiver) == []

    def test_a_lost_one_is_repeated(self) -> None:
        """With nothing behind it, the question brings it."""
        sender, receiver = pair()
        sender.watermark(0)
        assert sender.frames(0.0, idle=True)

        events = bring(sender.frames(wake(sender)), receiver)
        answer(receiver, sender)

        assert events == [Resolved(0)]
        assert sender.wakes_at == inf

    def test_a_stream_of_them_is_not_answered_one_by_one(self) -> None:
        """A watermark alone brings no frame back."""
        sender, receiver = pair()

        for tick in range(20):
            sender.watermark(tick)
            bring(sender.frames(0.0, idle=True), receiver)
            assert receiver.frames(0.0, idle=True) == []


class TestLoss:
    def test_what_is_missing_is_asked_for_and_sent_again(self) -> None:
        """A later value shows the gap; the missing one comes once more."""
        sender, receiver = pair()
        frames = send(sender, 0, 1, 2)

        assert values(bring([frames[0], frames[2]], receiver)) == [0]
        assert receiver.held_back == 1
        assert answer(receiver, sender, wake(receiver)) == 1

        again = sender.frames(0.01)
        assert len(again) == sender.statistics.resends == 1
        assert values(bring(again, receiver)) == [1, 2]
        assert receiver.wakes_at == inf

    def test_what_was_only_overtaken_is_not_asked_for(self) -> None:
        """A gap that closes within 2 ms costs nothing."""
        sender, receiver = pair()
        frames = send(sender, 0, 1)

        bring(frames[1:], receiver, 0.0)
        assert receiver.frames(0.001) == []
        bring(frames[:1], receiver, 0.001)

        assert receiver.frames(1.0, idle=True)
        assert receiver.statistics.nacks == 0
        assert receiver.statistics.gaps == 1

    def test_it_is_asked_for_ever_more_rarely(self) -> None:
        """At most once in 20 ms, then 40, 80 and so on."""
        sender, receiver = pair()
        bring(send(sender, 0, 1)[1:], receiver)
        asked = []

        while receiver.wakes_at < 1:
            asked.append(receiver.wakes_at)
            receiver.frames(wake(receiver))

        waits = [b - a for a, b in pairwise(asked)]
        assert waits == pytest.approx([0.02, 0.04, 0.08, 0.16, 0.32])

    def test_a_new_gap_is_not_asked_for_sooner_than_the_old_one(self) -> None:
        """The interval holds from one gap to the next."""
        sender, receiver = pair(window=8)
        frames = send(sender, 0, 1, 2, 3)
        bring([frames[1]], receiver, 0.0)
        receiver.frames(0.002)
        bring([frames[0], frames[3]], receiver, 0.003)

        assert receiver.frames(0.021) == []
        assert nacked(receiver.frames(0.022)) == [(2, 0, 0xFFFFFFFF)]

    def test_after_a_gap_has_closed_the_next_is_asked_for_often_again(self) -> None:
        """The long waits belong to the gap that was long."""
        sender, receiver = pair(window=8)
        frames = send(sender, 0, 1, 2, 3)
        bring([frames[1]], receiver)
        for _ in range(5):
            receiver.frames(wake(receiver))
        bring([frames[0], frames[3]], receiver, 1.0)

        receiver.frames(wake(receiver))

        assert wake(receiver) == pytest.approx(1.022)

    def test_what_comes_shows_that_asking_helps(self) -> None:
        """With part of a gap filled, the rest is asked for soon."""
        sender, receiver = pair(window=8)
        frames = send(sender, 0, 1, 2, 3)
        bring([frames[3]], receiver)
        for _ in range(5):
            receiver.frames(wake(receiver))

        bring([frames[0]], receiver, 0.4)

        assert wake(receiver) == pytest.approx(0.42)
        receiver.frames(wake(receiver))
        assert wake(receiver) == pytest.approx(0.44)

    def test_chunks_that_have_not_left_are_not_asked_for(self) -> None:
        """A gap ends where the sender is known to be."""
        sender, receiver = pair(max_frame=100, chunk_window=3)
        sender.send(0, b"x" * 60 * 10)
        frames = sender.frames(0.0)

        bring([frames[0], frames[2]], receiver)

        assert nacked(receiver.frames(wake(receiver))) == [(0, 1, 1)]

    def test_a_request_puts_off_the_question(self) -> None:
        """It is a sign of life."""
        sender, receiver = pair()
        bring(send(sender, 0, 1)[1:], receiver)

        answer(receiver, sender, 0.05)

        assert wake(sender) == pytest.approx(0.15)

    def test_a_busy_host_asks_in_time(self) -> None:
        """Calling often does not put off the question."""
        sender, _ = pair()
        send(sender, 0)

        asked = [t for t in range(300) if sender.frames(0.001 * t)]

        assert asked == [100]

    def test_a_request_is_met_once(self) -> None:
        """What was asked for leaves with the next frames and not again."""
        sender, receiver = pair()
        bring(send(sender, 0, 1)[1:], receiver)
        answer(receiver, sender, 0.002)

        assert len(sender.frames(0.002)) == 1
        assert sender.frames(0.002) == []

    def test_a_request_is_not_forgotten_for_what_follows_it(self) -> None:
        """An answer without one, right behind it, does not take it back."""
        sender, receiver = pair()
        frames = send(sender, 0, 1, 2)
        bring([frames[0], frames[2]], receiver)
        answer(receiver, sender, wake(receiver))
        receiver.release(0)
        answer(receiver, sender, 0.003, idle=True)

        assert values(bring(sender.frames(0.003), receiver)) == [1, 2]

    def test_a_request_for_what_has_not_left_is_ignored(self) -> None:
        """It will leave anyway."""
        sender, _ = pair(max_frame=64, chunk_window=2)
        sender.send(0, b"x" * 240)
        sender.send(1, b"waits")
        chunks = sender.frames(0.0)
        nacks = ((0, 1, 9), (0, 2, 9), (1, 0, 0), (99, 0, 0))

        sender.on_frame(pack_ack(Ack(1, 0, -1, 0, 0, False, nacks)), 0.0)

        assert len(chunks) == 2
        assert list(map(b"".join, sender.frames(0.0))) == [b"".join(chunks[1])]

    def test_a_request_that_a_newer_answer_overtakes_is_heard(self) -> None:
        """What is still kept is sent again; what has arrived since is gone."""
        sender, _ = pair()
        *_, lost = send(sender, 0, 1, 2, 3)
        asks = Ack(1, 1, 0, 0, 1, False, ((1, 0, 0), (3, 0, 0)))

        sender.on_frame(pack_ack(Ack(1, 3, 2, 0, 3, False, ())), 0.0)
        sender.on_frame(pack_ack(asks), 0.0)

        assert sender.frames(0.0) == [lost]

    def test_a_lost_tail_is_found_by_asking(self) -> None:
        """With nothing behind the loss the sender asks how far the receiver is."""
        sender, receiver = pair()
        frames = send(sender, 0, 1)
        bring(frames[:1], receiver)

        question = sender.frames(wake(sender))
        assert kinds(question) == [MARK]
        bring(question, receiver, 0.1)
        assert answer(receiver, sender, 0.1) == 1
        answer(receiver, sender, wake(receiver))

        assert values(bring(sender.frames(0.11), receiver)) == [1]
        assert sender.statistics.probes == 1
        assert receiver.wakes_at == inf

    @pytest.mark.parametrize("latest", [False, True])
    def test_a_sender_may_ask_before_it_sends(self, latest: bool) -> None:
        """Until it is heard; then it waits for nothing."""
        sender, receiver = pair(latest=latest)
        sender.ask()

        assert kinds(sender.frames(5.0)) == [MARK]
        assert not sender.is_heard
        assert sender.wakes_at == pytest.approx(5.05)
        bring(sender.frames(5.05), receiver, 5.05)
        assert answer(receiver, sender, 5.05) == 1

        assert sender.is_heard
        assert sender.wakes_at == inf
        assert sender.credit() == 4

    def test_questions_become_rare(self) -> None:
        """0.1 s, then twice as long each time, up to 2 s."""
        sender, _ = pair()
        send(sender, 0)
        asked = []

        while sender.wakes_at < 12:
            asked.append(sender.wakes_at)
            assert kinds(sender.frames(wake(sender))) == [MARK]

        waits = [b - a for a, b in zip([0.0, *asked], asked, strict=False)]
        expected = [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2, 2]
        assert waits == pytest.approx(expected)

    def test_an_answer_makes_questions_frequent_again(self) -> None:
        """After a sign of progress the first wait is the short one."""
        sender, receiver = pair()
        bring(send(sender, 0, 1), receiver)
        for _ in range(4):
            sender.frames(wake(sender))
        receiver.release(0)

        answer(receiver, sender, 5.0, idle=True)

        assert sender.wakes_at == pytest.approx(5.1)

    def test_a_slow_consumer_gets_no_duplicates(self) -> None:
        """Silence, however long, makes nothing leave twice."""
        sender, receiver = pair()
        bring(send(sender, 0, 1, 2, 3), receiver)

        for _ in range(50):
            bring(sender.frames(wake(sender)), receiver)
            answer(receiver, sender)

        assert sender.statistics.resends == 0
        assert receiver.statistics.duplicates == 0

    def test_what_arrives_twice_is_delivered_once(self) -> None:
        """Whether it was delivered or is held back."""
        sender, receiver = pair()
        frames = send(sender, 0, 1, 2)

        bring([frames[0], frames[0], frames[2], frames[2]], receiver)

        assert values(bring(frames[1:], receiver)) == [1, 2]
        assert receiver.statistics.duplicates == 3

    def test_a_good_transport_carries_nothing_needless(self) -> None:
        """Without faults nothing is repeated, asked for or asked again."""
        sender, receiver = pair(window=4)
        frames = 0

        for tick in range(100):
            sent = send(sender, tick, now=0.01 * tick)
            bring(sent, receiver, 0.01 * tick)
            receiver.release(tick)
            frames += len(sent) + answer(receiver, sender, 0.01 * tick, idle=True)

        assert frames == 200
        assert sender.statistics.probes == 0


class TestSizes:
    def test_a_large_value_leaves_in_chunks(self) -> None:
        """No frame is larger than the transport takes."""
        sender, receiver = pair(max_frame=100)
        payload = bytes(range(256))

        sender.send(0, payload)
        frames = sender.frames(0.0)
        (event,) = bring(frames, receiver)

        assert [sum(map(len, frame)) for frame in frames] == [100] * 4 + [56]
        assert event == Value(0, payload, 0.0)

    @pytest.mark.parametrize("joins", [True, False])
    def test_chunks_cut_through_all_pieces(self, joins: bool) -> None:
        """Where they must; what comes out is one buffer all the same."""
        sender, receiver = pair(max_frame=64)
        pieces: list[Buffer] = [b"a" * 30, b"", b"b" * 50, memoryview(b"c")]

        sender.send(0, pieces, 0.5)
        frames = sender.frames(0.0)
        (event,) = bring(frames[::-1], receiver, joins=joins)

        assert [[len(piece) for piece in frame] for frame in frames] == [
            [40, 24],
            [40, 6, 18],
            [40, 24],
            [40, 8, 1],
        ]
        assert event == Value(0, b"a" * 30 + b"b" * 50 + b"c", 0.5)
        assert isinstance(event, Value)
        assert type(event.payload) is bytes

    @pytest.mark.parametrize(("size", "count"), [(24, 1), (25, 2), (48, 2)])
    def test_pieces_that_fit_in_a_frame_are_not_cut(
        self, size: int, count: int
    ) -> None:
        """The limit is on all of them, and on nothing besides."""
        sender, receiver = pair(max_frame=64)
        pieces: list[Buffer] = [b"", b"a" * 10, b"b" * (size - 10), b""]

        sender.send(0, pieces)
        frames = sender.frames(0.0)

        assert len(frames) == count
        assert (frames[0][1:] == pieces) == (count == 1)
        assert values(bring(frames, receiver)) == [0]

    def test_only_the_chunk_that_is_missing_comes_again(self) -> None:
        """A large value is not repeated for one lost piece."""
        sender, receiver = pair(max_frame=64)
        sender.send(0, b"x" * 240)
        frames = sender.frames(0.0)

        bring(frames[:3] + frames[5:], receiver)
        found = receiver.frames(wake(receiver))
        sender.on_frame(found[0], 0.0)

        assert nacked(found) == [(0, 3, 4)]
        assert len(again := sender.frames(0.0)) == 2
        assert values(bring(again, receiver)) == [0]

    def test_chunks_leave_within_their_own_window(self) -> None:
        """One large value does not flood a transport that drops what it cannot keep."""
        sender, receiver = pair(max_frame=64, chunk_window=4)
        sender.send(0, b"x" * 24 * 10)
        sender.send(1, b"next")
        sent = []

        while frames := sender.frames(0.0):
            sent.append(len(frames))
            bring(frames, receiver)
            answer(receiver, sender)

        assert sent == [4, 4, 3]
        assert receiver.resolved_up_to == 1

    def test_a_whole_value_of_chunks_is_answered_without_its_release(self) -> None:
        """The next large value need not wait for the consumer to finish this one."""
        sender, receiver = pair(max_frame=64, chunk_window=4)
        sender.send(0, b"x" * 24 * 4)
        sender.send(1, b"y" * 24 * 4)

        bring(sender.frames(0.0), receiver)
        assert answer(receiver, sender) == 1

        assert values(bring(sender.frames(0.0), receiver)) == [1]

    def test_a_blocked_value_holds_back_its_watermark_only(self) -> None:
        """What is asked meanwhile says all that is known, and no more."""
        sender, receiver = pair(max_frame=64, chunk_window=1, mark_every=1)
        sender.watermark(3)
        sender.send(5, b"x" * 48)
        sender.watermark(9)
        first = sender.frames(0.0, idle=True)

        assert kinds(first) == [DATA]
        assert sender.frames(0.0, idle=True) == []
        assert bring(sender.frames(wake(sender)), receiver) == [Resolved(4)]

    def test_requests_respect_the_window_of_chunks(self) -> None:
        """A value that is missing as a whole does not come back in one flood."""
        sender, receiver = pair(max_frame=64, chunk_window=4, coalesce_bytes=0)
        sender.send(0, b"x" * 24 * 4)
        sender.frames(0.0)
        sender.on_frame(pack_ack(Ack(1, 0, -1, 4, 0, False, ())), 0.0)
        nacks = ((0, 0, 0xFFFFFFFF), (0, 0, 3))

        sender.on_frame(pack_ack(Ack(1, 0, -1, 4, 0, False, nacks)), 0.0)

        assert len(sender.frames(0.0)) == 4
        assert receiver.held_back == 0

    def test_a_request_fits_in_a_frame(self) -> None:
        """With the smallest frames one gap is asked for at a time."""
        sender, receiver = pair(window=16, max_frame=64)
        bring(send(sender, *range(8))[1::2], receiver)

        (frame,) = receiver.frames(wake(receiver))

        assert sum(map(len, frame)) <= 64
        assert len(nacked([frame])) == 1

    def test_small_values_that_wait_leave_together(self) -> None:
        """One frame for what has come together, watermark and end included."""
        sender, receiver = pair(window=16)
        for tick in range(10):
            sender.send(tick, b"12345678")
        sender.watermark(12)
        sender.close()

        frames = sender.frames(0.0)

        assert kinds(frames) == [BUNDLE]
        events = bring(frames, receiver)
        assert values(events) == list(range(10))
        assert events[-2:] == [Resolved(12), Closed()]

    def test_frames_are_joined_up_to_a_size(self) -> None:
        """Large values stay alone, and are not copied."""
        sender, receiver = pair(window=16, coalesce_bytes=200)
        large = b"x" * 500
        for tick, payload in enumerate([b"1", b"2", b"3", b"4", large, b"5", b"6"]):
            sender.send(tick, payload)

        frames = sender.frames(0.0)

        assert kinds(frames) == [BUNDLE, DATA, DATA, BUNDLE]
        assert frames[2][1] is large
        assert all(sum(map(len, f)) <= 200 for f in frames if f[0][1] == BUNDLE)
        assert values(bring(frames, receiver)) == list(range(7))

    def test_joining_can_be_turned_off(self) -> None:
        """0 leaves every frame alone."""
        sender, _ = pair(coalesce_bytes=0)
        for tick in range(3):
            sender.send(tick, b"")

        assert kinds(sender.frames(0.0)) == [DATA] * 3


class TestLatest:
    def test_a_newer_value_takes_the_place_of_one_that_waits(self) -> None:
        """There is one slot; what was in it is counted as dropped."""
        sender, receiver = pair(window=1, latest=True)
        frames = send(sender, 0, 1, 2, 3)

        assert values(bring(frames, receiver)) == [0]
        answer(receiver, sender)

        assert values(bring(sender.frames(0.0), receiver)) == [3]
        assert sender.statistics.dropped == 2
        assert sender.has_credit
        assert sender.credit() == 1

    def test_the_last_value_arrives_whatever_is_lost(self) -> None:
        """A setting that is sent once must not vanish."""
        sender, receiver = pair(window=1, latest=True)
        send(sender, 0)

        bring(sender.frames(wake(sender)), receiver, 0.1)
        answer(receiver, sender, wake(receiver))

        assert values(bring(sender.frames(0.2), receiver)) == [0]

    def test_its_watermarks_say_nothing(self) -> None:
        """Who takes what came last waits for nothing."""
        sender, _ = pair(latest=True, mark_every=1)

        sender.watermark(5)

        assert sender.frames(0.0, idle=True) == []
        sender.send(5, b"")

    def test_the_end_waits_for_the_slot(self) -> None:
        """What waits when the channel is closed arrives before the end."""
        sender, receiver = pair(window=1, latest=True)
        frames = send(sender, 0, 1)
        sender.close()
        assert sender.frames(0.0) == []

        bring(frames, receiver)
        answer(receiver, sender)

        events = bring(sender.frames(0.0), receiver)
        assert values(events) == [1]
        assert events[-1] == Closed()


class TestEnd:
    def test_it_comes_after_all_values(self) -> None:
        """The end is in order, as all else."""
        sender, receiver = pair()
        frames = send(sender, 0, 1)
        sender.close()
        end = sender.frames(0.0)

        assert bring(end, receiver) == []
        events = bring(frames[::-1], receiver)

        assert values(events) == [0, 1]
        assert events[-1] == Closed()
        assert receiver.is_closed

    def test_the_sender_learns_of_it_at_once(self) -> None:
        """It need not stay longer than for one answer."""
        sender, receiver = pair()
        sender.close()
        bring(sender.frames(0.0), receiver)
        assert not sender.is_done

        assert answer(receiver, sender) == 1

        assert sender.is_done
        assert sender.wakes_at == inf

    def test_it_is_said_once(self) -> None:
        """Closing again changes nothing, and no frame repeats it unasked."""
        sender, receiver = pair()
        sender.close()
        frames = sender.frames(0.0)
        sender.close()

        assert sender.frames(0.0, idle=True) == []
        assert bring(frames * 2, receiver) == [Closed()]

    def test_a_lost_end_is_repeated(self) -> None:
        """The question carries it."""
        sender, receiver = pair()
        sender.close()
        sender.frames(0.0)

        assert bring(sender.frames(wake(sender)), receiver) == [Closed()]

    def test_nothing_is_sent_after_it(self) -> None:
        """That is a mistake of the host."""
        sender, _ = pair()
        sender.close()

        with pytest.raises(RuntimeError, match="after it was closed"):
            sender.send(0, b"")


def data(seq: int, tick: int, payload: bytes = b"", **other: int) -> Frame:
    """Return a value's frame, as right or wrong as it is told."""
    chunk, chunks = other.get("chunk", 0), other.get("chunks", 1)
    flags, channel = other.get("flags", 0), other.get("channel", 1)
    place = (channel, seq, tick, chunk, chunks, 0.0)
    return [HEADER.pack(VERSION, DATA, flags, *place), payload]


class TestRefusals:
    @pytest.mark.parametrize(
        ("frame", "problem"),
        [
            (data(0, 0, channel=2), "not for it"),
            (pack_ack(Ack(1, 0, -1, 0, 0, False, ())), "not for it"),
            (data(9, 99), "beyond the window"),
            (data(5, 99), "beyond the window"),
            (data(1, 5), "a tick that was answered"),
            (data(2, 6), "a tick that was answered"),
            (pack_mark(Watermark(1, 6, 99, 0, False, False)), "beyond the window"),
            (b"", "cannot be read"),
            ([], "cannot be read"),
            (["text", b""], "cannot be read"),
        ],
    )
    def test_a_receiver_refuses_what_its_sender_cannot_have_sent(
        self, frame: Frame, problem: str
    ) -> None:
        """And is as it was before."""
        sender, receiver = pair(window=4)
        bring(send(sender, 5), receiver)
        receiver.release(5)
        before = repr(receiver)

        with pytest.raises(FrameError, match=problem):
            receiver.on_frame(frame, 0.0)

        assert repr(receiver) == before
        assert values(bring(send(sender, 6), receiver)) == [6]

    @pytest.mark.parametrize(
        ("frame", "problem"),
        [
            (pack_ack(Ack(2, 0, -1, 0, 0, False, ())), "not for it"),
            (data(0, 0), "not for it"),
            (pack_ack(Ack(1, 2, 5, 0, 0, False, ())), "ahead of what was sent"),
            (pack_ack(Ack(1, 1, 6, 0, 0, False, ())), "ahead of what was sent"),
            (pack_ack(Ack(1, 0, -1, 0, 1, False, ())), "not an acknowledgement"),
            (pack_ack(Ack(1, 0, -2, 0, 0, False, ())), "before the first tick"),
            (pack_ack(Ack(1, 0, -1, 0, 0, False, ((0, 0, 0),)))[0][:40], "its nacks"),
            (b"\x01\x03", "cannot be read"),
        ],
    )
    def test_a_sender_refuses_what_its_receiver_cannot_have_sent(
        self, frame: Frame, problem: str
    ) -> None:
        """And is as it was before."""
        sender, receiver = pair()
        frames = send(sender, 5)
        before = repr(sender)

        with pytest.raises(FrameError, match=problem):
            sender.on_frame(frame, 0.0)

        assert repr(sender) == before
        assert values(bring(frames, receiver)) == [5]

    def test_chunks_must_fit_each_other(self) -> None:
        """A chunk of something else is not built into a value."""
        receiver = Receiver(1, 4)
        receiver.on_frame(data(0, 0, b"x", chunks=2), 0.0)

        for wrong in (
            data(0, 1, b"x", chunk=1, chunks=2),
            data(0, 0, b"x", chunk=1, chunks=3),
        ):
            with pytest.raises(FrameError, match="does not fit the others"):
                receiver.on_frame(wrong, 0.0)

        (event,) = receiver.on_frame(data(0, 0, b"y", chunk=1, chunks=2), 0.0)
        assert event == Value(0, b"xy", 0.0)

    def test_a_chunk_of_a_whole_value_is_refused(self) -> None:
        """The number has been used."""
        receiver = Receiver(1, 4)
        receiver.on_frame(data(1, 1), 0.0)

        with pytest.raises(FrameError, match="a whole value came before"):
            receiver.on_frame(data(1, 1, b"x", chunks=2), 0.0)

    def test_a_whole_value_is_no_chunk(self) -> None:
        """Of a number of which chunks have come, it is taken for a duplicate."""
        receiver = Receiver(1, 4)
        receiver.on_frame(data(0, 0, b"x", chunks=2), 0.0)

        assert receiver.on_frame(data(0, 0, b"xy"), 0.0) == []
        assert receiver.statistics.duplicates == 1

    def test_the_next_value_needs_credit_too(self) -> None:
        """What a correct sender would not have sent is not taken in."""
        receiver = Receiver(1, 1)
        receiver.on_frame(data(0, 0), 0.0)

        with pytest.raises(FrameError, match="beyond the window"):
            receiver.on_frame(data(1, 1), 0.0)

    @pytest.mark.parametrize("count", [0, 1])
    def test_values_after_the_end_are_refused(self, count: int) -> None:
        """Whether all those before it have come or not."""
        receiver = Receiver(1, 4)
        receiver.on_frame(pack_mark(Watermark(1, count, 0, 0, False, True)), 0.0)

        with pytest.raises(FrameError, match="or the end"):
            receiver.on_frame(data(count, 1), 0.0)

    def test_ticks_must_rise_among_what_is_held_back(self) -> None:
        """A value whose tick was used is dropped when its turn comes."""
        receiver = Receiver(1, 4)
        receiver.on_frame(data(1, 3), 0.0)

        with pytest.raises(FrameError, match="out of order"):
            receiver.on_frame(data(0, 7), 0.0)
        assert receiver.held_back == 0

    def test_what_came_before_a_refusal_is_not_lost(self) -> None:
        """It is handed over with the next frame."""
        receiver = Receiver(1, 4)
        (bundle,) = bundled(1, [data(0, 0, b"good"), data(1, 0, b"bad")], 4096)

        with pytest.raises(FrameError, match="a tick that was answered"):
            receiver.on_frame(bundle, 0.0)

        events = receiver.on_frame(data(1, 1), 0.0)
        assert values(events) == [0, 1]

    @pytest.mark.parametrize("chunks", [1, 2])
    @pytest.mark.parametrize("before", [[], [b"x"]])
    def test_a_piece_with_holes_is_refused(
        self, before: list[Buffer], chunks: int
    ) -> None:
        """A value is one row of bytes; what has none is not taken in."""
        receiver = Receiver(1, 4)
        (header, _) = data(0, 0, chunks=chunks)
        holes = memoryview(b"abcd")[::2]

        with pytest.raises(FrameError, match="C-contiguous"):
            receiver.on_frame([header, *before, holes], 0.0)

        assert receiver.held_back == 0
        assert receiver.on_frame(data(0, 0, b"good"), 0.0) == [Value(0, b"good", 0.0)]

    def test_a_joined_frame_with_holes_is_refused(self) -> None:
        """However right its bytes are, they are not in a row."""
        receiver = Receiver(1, 4)
        holes = bytearray(96)
        holes[::2] = b"".join(data(0, 0, b"12345678"))

        with pytest.raises(FrameError, match="contiguous"):
            receiver.on_frame(memoryview(holes)[::2], 0.0)

    @pytest.mark.parametrize("end", [Sender, Receiver])
    def test_limits_have_limits(self, end: type[Sender] | type[Receiver]) -> None:
        """A window of nothing, or a frame without room, is refused when it is given."""
        with pytest.raises(ValueError, match="1 or more, not 0"):
            end(1, 0)
        with pytest.raises(ValueError, match="64 or more, not 63"):
            end(1, 1, max_frame=63)


def test_both_ends_say_where_they_are() -> None:
    """What a watchdog prints names what is lacking."""
    sender, receiver = pair()
    bring(send(sender, 0, 1)[1:], receiver)

    assert "2 handed over, 0 received" in repr(sender)
    assert "1 held back" in repr(receiver)
    assert "missing ((0, 0, 4294967295),)" in repr(receiver)


def test_a_frame_names_its_channel() -> None:
    """Who has many channels finds the right one, joined or not."""
    sender = Sender(4_000_000_000, 1)
    (frame,) = send(sender, 0)

    assert channel_of(frame) == channel_of(b"".join(frame)) == 4_000_000_000
    with pytest.raises(FrameError, match="cannot be read"):
        channel_of(b"short")


def test_a_header_is_what_the_documentation_says() -> None:
    """40 bytes, little-endian; version 1."""
    sender = Sender(0x01020304, 1)
    sender.send(6, b"payload", 1.0)

    ((header, payload),) = sender.frames(0.0)

    assert header.hex(" ", 8) == (
        "0101000004030201 0000000000000000 0600000000000000 "
        "0000000001000000 000000000000f03f"
    )
    assert payload == b"payload"
    assert len(header) == HEADER_SIZE
    assert header[1] == DATA != ACK
    assert isinstance(parse([header, payload])[0], Data)
