"""Frames: what they say comes out as it went in, and nothing else is let through."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from like_keras_core.errors import FrameError
from like_keras_core.runtime.flow import Receiver, Sender, Value
from like_keras_core.runtime.flow.fragmentation import FragmentedValue, Reassembly
from like_keras_core.runtime.flow.wire_format import (
    BUNDLE,
    HEADER,
    VERSION,
    Ack,
    Buffer,
    Data,
    Frame,
    Message,
    Watermark,
    bundled,
    pack_ack,
    pack_mark,
    parse,
)

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
TICKS = st.integers(-1, 2**63 - 1)
MARKS = st.builds(Watermark, U32, U64, TICKS, U32, st.booleans(), st.booleans())
NACKS = st.lists(st.tuples(U64, U32, U32), max_size=5).map(tuple)
ACKS = st.builds(Ack, U32, U64, TICKS, U32, U64, st.booleans(), NACKS).map(
    lambda ack: ack._replace(released=min(ack.released, ack.received))
)
PAYLOADS = st.binary(max_size=100) | st.lists(st.binary(max_size=40), max_size=4)


def values(payloads: list[bytes | list[Buffer]]) -> list[Frame]:
    """Return the frame of each payload, as a sender makes it."""
    sender = Sender(1, len(payloads), coalesce_bytes=0)
    for tick, payload in enumerate(payloads):
        sender.send(tick, payload, 0.5)
    return sender.frames(0.0)


def joined_payload(payload: bytes | list[Buffer]) -> bytes:
    return payload if isinstance(payload, bytes) else b"".join(payload)


def joined(message: Message) -> Data:
    """Return a value as it is where its frame was joined."""
    assert isinstance(message, Data)
    return message._replace(pieces=[b"".join(message.pieces)])


@given(MARKS)
def test_a_mark_comes_out_as_it_went_in(mark: Watermark) -> None:
    """Whatever its numbers are."""
    assert parse(pack_mark(mark)) == parse(pack_mark(mark)[0]) == [mark]


@given(ACKS)
def test_an_ack_comes_out_as_it_went_in(ack: Ack) -> None:
    """Whatever its numbers are."""
    assert parse(pack_ack(ack)) == parse(pack_ack(ack)[0]) == [ack]


@given(st.lists(PAYLOADS, min_size=1), st.integers(0, 400))
def test_values_come_out_as_they_went_in(
    payloads: list[bytes | list[Buffer]], limit: int
) -> None:
    """As lists or joined, alone or in bundles, in whatever pieces."""
    frames = values(payloads)
    packed = bundled(1, frames, limit)
    assert all(sum(map(len, f)) <= limit for f in packed if f[0][1] == BUNDLE)
    for form in (list[Buffer], b"".join):
        found = [message for frame in packed for message in parse(form(frame))]
        assert list(map(joined, found)) == [
            Data(1, i, i, 0, 1, 0.5, [payload])
            for i, payload in enumerate(map(joined_payload, payloads))
        ]


@given(
    st.lists(st.binary(max_size=40), min_size=1, max_size=5),
    st.integers(1, 15),
    st.randoms(use_true_random=False),
)
def test_chunks_in_any_order_make_the_value(
    pieces: list[Buffer], size: int, shuffled: random.Random
) -> None:
    """Whatever is cut where, joined or not."""
    whole = b"".join(pieces)
    assume(len(whole) > size)
    item = FragmentedValue(1, 0, 0, 0.0, pieces, size)
    order = list(range(item.chunks))
    shuffled.shuffle(order)
    frames = {chunk: item.frame(chunk) for chunk in order}
    assert all(map(len, (piece for frame in frames.values() for piece in frame)))
    cut = [b"".join(frames[chunk][1:]) for chunk in sorted(frames)]
    assert cut == [whole[at : at + size] for at in range(0, len(whole), size)]
    for form in (list[Buffer], b"".join):
        chunks = [parse(form(frames[chunk]))[0] for chunk in order]
        value = Reassembly(joined(chunks[0]))
        for chunk in chunks:
            assert isinstance(chunk, Data)
            assert value.add(chunk)
        assert value.is_complete
        assert value.payload() == whole


@given(PAYLOADS, st.none() | st.integers(64, 100), st.integers(0, 200))
def test_joined_and_unjoined_frames_bring_the_same(
    payload: bytes | list[Buffer], max_frame: int | None, coalesce_bytes: int
) -> None:
    """One row of bytes, with its tick and its time; in chunks and bundles too."""
    expected = [Value(t, joined_payload(payload), t + 0.5) for t in range(3)]
    limits: dict[str, Any] = {"max_frame": max_frame, "chunk_window": 99}
    forms: tuple[Callable | None, ...] = (None, bytes, bytearray, memoryview)
    for form in forms:
        sender = Sender(1, 4, coalesce_bytes=coalesce_bytes, **limits)
        receiver = Receiver(1, 4, **limits)
        for value in expected:
            sender.send(value.tick, payload, value.stamp)
        frames = sender.frames(0.0)
        came = [form(b"".join(frame)) if form else frame for frame in frames]
        assert [e for f in came for e in receiver.on_frame(f, 0.0)] == expected


@given(PAYLOADS, st.integers(64, 100))
def test_a_value_leaves_whole_if_it_fits(
    payload: bytes | list[Buffer], max_frame: int
) -> None:
    """In its own pieces behind a header, and all of it is counted."""
    sender = Sender(1, 1, max_frame=max_frame, chunk_window=99, coalesce_bytes=0)
    pieces = payload if isinstance(payload, list) else [payload]
    size = len(joined_payload(payload))

    sender.send(0, payload, 0.5)
    frames = sender.frames(0.0)

    assert sender.statistics.bytes == size
    if size <= max_frame - HEADER.size:
        assert [frame[1:] for frame in frames] == [pieces]
    else:
        assert len(frames) == -(-size // (max_frame - HEADER.size))


GOOD: list[bytes] = [
    *(b"".join(frame) for frame in values([b"", b"value", [b"a", b"bc"], []])),
    *(b"".join(frame) for frame in bundled(1, values([b"x", [b"y"]]), 999)),
    bytes(pack_mark(Watermark(1, 2, 3, 0, True, True))[0]),
    bytes(pack_ack(Ack(1, 2, 3, 0, 1, False, ((2, 0, 9), (3, 1, 1))))[0]),
    HEADER.pack(VERSION, 1, 1, 1, 0, 0, 1, 3, 0.0) + b"chunk",
]


def read(text: bytes | list) -> None:
    """Read a frame everywhere; it is understood or refused."""
    ends = (Sender(1, 4).on_frame, Receiver(1, 4).on_frame)
    readers: tuple[Callable, ...] = (parse, *(lambda f, e=e: e(f, 0.0) for e in ends))
    for reader in readers:
        with suppress(FrameError):
            reader(text)


@settings(max_examples=500)
@given(st.binary(max_size=120))
def test_garbage_is_refused(text: bytes) -> None:
    """Any bytes: an error that says so, or a frame; never anything else."""
    read(text)
    read(bytes([VERSION]) + text)
    read([text, text])


@settings(max_examples=1000)
@given(st.sampled_from(GOOD), st.data())
def test_frames_that_were_changed_on_the_way_do_no_worse(
    text: bytes, drawn: st.DataObject
) -> None:
    """Cut off, continued, or with wrong bytes anywhere."""
    changed = bytearray(text)
    for _ in range(drawn.draw(st.integers(1, 3))):
        at = drawn.draw(st.integers(0, len(changed) - 1))
        changed[at] = drawn.draw(st.sampled_from([0, 1, 2, 4, 255]))
    cut = drawn.draw(st.integers(0, len(changed)))

    read(bytes(changed))
    read(bytes(changed[:cut]))
    read(bytes(changed) + text[:cut])
    read([bytes(changed[:40]), bytes(changed[40:])])
    read([bytes(changed[:cut]), bytes(changed[cut:]), b"more"])


@pytest.mark.parametrize(
    "thing",
    [
        None,
        3,
        "text",
        [],
        [None],
        [b"", None],
        [GOOD[0], 3],
        [GOOD[0], b"", None],
        [GOOD[0], memoryview(bytes(80))[::2]],
        [GOOD[0], b"", memoryview(bytes(80))[::2]],
        (),
        {},
        memoryview(bytes(80))[::2],
        memoryview(bytes(80)).cast("B", (2, 40)),
        memoryview(bytes(80)).cast("d"),
    ],
)
def test_things_that_are_no_frames_are_refused(thing: list) -> None:
    """Whatever their type."""
    with pytest.raises(FrameError, match="A frame was refused"):
        parse(thing)
    with pytest.raises(FrameError, match="A frame was refused"):
        Receiver(1, 1).on_frame(thing, 0.0)


def header(kind: int, **other: int) -> bytes:
    fields = {"flags": 0, "seq": 0, "tick": 0, "chunk": 0, "count": 0, **other}
    flags, seq, tick, chunk, count = fields.values()
    return HEADER.pack(VERSION, kind, flags, 1, seq, tick, chunk, count, 0.0)


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (bytes(40), "its version is unknown; expected version 1, received 0"),
        (header(9), "its kind is unknown"),
        (header(1, flags=1, count=1), "its kind is unknown"),
        (header(1, flags=2, count=1), "its kind is unknown"),
        (header(1), "it is not a value"),
        (header(1, chunk=2, count=2), "it is not a value"),
        (header(1, tick=-1, count=1), "it is not a value"),
        (header(1, count=2), "it is not a chunk"),
        ([header(1, count=2), b"", b""], "it is not a chunk"),
        ([header(1, count=2) + b"x", b"y"], "its header is too long"),
        ([header(1, count=1) + b"x", b""], "its header is too long"),
        ([header(1, count=1) + b"x", b"", b""], "its header is too long"),
        ([header(2), b""], "it has a payload"),
        (header(2, tick=-2), "it is before the first tick"),
        (header(2) + b"x", "it is too long for a mark"),
        (header(3, count=1), "it is not an acknowledgement"),
        (header(4, count=1), "it ends within its table"),
        (header(4, count=1) + bytes(5), "its frames do not fit"),
        (header(4, count=1) + b"\x28\0\0\0" + header(4), "a bundle of bundles"),
    ],
)
def test_each_fault_has_its_sentence(frame: Frame, problem: str) -> None:
    """The error says what is wrong, what was expected, and what came."""
    with pytest.raises(FrameError, match=problem):
        parse(frame)


def test_bundles_are_of_one_channel() -> None:
    """Who sorts frames by channel looks at the bundle alone."""
    frames = [
        pack_mark(Watermark(channel, 0, 0, 0, False, False)) for channel in (1, 2)
    ]

    with pytest.raises(FrameError, match="its frames are mixed"):
        parse(bundled(1, frames, 999)[0])


def test_the_error_travels_between_processes() -> None:
    """It can be taken apart and rebuilt, as all exceptions of the core."""
    error = FrameError("it is odd", "an even one", 3)

    assert str(copy.copy(error)) == str(error)
