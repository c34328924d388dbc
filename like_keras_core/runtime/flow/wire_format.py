"""Frames of a channel, written as bytes and read back.

A channel leads from one output port to one process that consumes it. What travels is
a **frame**: a list `[header, *payload]`, so that nothing large is ever copied here. The
pieces of a payload are those in which it was given; only what they are one after the
other counts. A transport may join a frame; it is read in either form. Every header has
40 bytes, little-endian without padding, so a payload stays aligned to 8 bytes when it
is joined:

```text
offset type   DATA               MARK               ACK                BUNDLE
     0 u8     version            version            version            version
     1 u8     kind 1             kind 2             kind 3             kind 4
     2 u16    0                  ANSWER, FINAL      FINAL              0
     4 u32    channel            channel            channel            channel
     8 u64    value number       values before it   values received    0
    16 i64    tick               nothing up to it   resolved up to     0
    24 u32    chunk              chunks before it   chunks received    0
    28 u32    chunks in all      0                  number of nacks    number of frames
    32 f64    time of emission   0                  u64: credits back  0
    40        payload            -                  nacks              sizes, frames
```

Values are numbered from 0. The chunks of MARK and ACK belong to the value that follows
the complete ones. A nack is `u64 value, u32 first chunk, u32 last chunk`. The frames of
a bundle stand one after the other, behind one u32 size for each. Chunks cut through all
pieces of a payload. On its way a frame has a tag behind it: see `frame_tags`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias, TypeGuard

from like_keras_core.errors import FrameError

Buffer: TypeAlias = bytes | bytearray | memoryview
Frame: TypeAlias = list[Buffer]
Payload: TypeAlias = Buffer | Sequence[Buffer]

VERSION = 1
DATA, MARK, ACK, BUNDLE = 1, 2, 3, 4
ANSWER, FINAL = 1, 2
ALL_CHUNKS = 0xFFFF_FFFF

HEADER = struct.Struct("<BBHIQqIId")
HEADER_SIZE: int = HEADER.size
"""The length of a frame that has nothing but a header, such as a bare
acknowledgement [byte]."""
NACK_SIZE = 16
CHUNK_WINDOW = 16
MAX_FRAME_MIN = 64
PLAIN = struct.Struct("<QQqQd")
PLAIN_CHUNKS = 1 << 32
PLAIN_ACK = struct.Struct("<QQqQQ")
_CHANNEL = struct.Struct("<4xI32x")
_ACK = struct.Struct("<BBHIQqIIQ")
_NACK = struct.Struct("<QII")
_KINDS = {DATA: 0, MARK: ANSWER | FINAL, ACK: FINAL, BUNDLE: 0}


class Data(NamedTuple):
    """A value, or one chunk of it, in one or several pieces."""

    channel: int
    seq: int
    tick: int
    chunk: int
    chunks: int
    stamp: float
    pieces: list[Buffer]


class Watermark(NamedTuple):
    """Nothing more up to `tick`, after `seq` values and `chunk` chunks of the next."""

    channel: int
    seq: int
    tick: int
    chunk: int
    wants_answer: bool
    is_final: bool


class Ack(NamedTuple):
    """How far the receiver is, and what it misses: `(value, first, last chunk)`."""

    channel: int
    received: int
    resolved: int
    chunk: int
    released: int
    is_final: bool
    nacks: tuple[tuple[int, int, int], ...]


Message: TypeAlias = Data | Watermark | Ack


def check_limits(window: int, chunk_window: int, max_frame: int | None) -> None:
    """Refuse limits under which nothing could travel.

    Args:
        window: How many values may be under way.
        chunk_window: How many chunks may be.
        max_frame: The size of the largest frame [byte]; None where there is no limit.

    Raises:
        ValueError: One of them is too small.
    """
    if min(window, chunk_window) < 1:
        raise ValueError(f"A window holds 1 or more, not {min(window, chunk_window)}.")
    if max_frame is not None and max_frame < MAX_FRAME_MIN:
        raise ValueError(f"max_frame is {MAX_FRAME_MIN} or more, not {max_frame}.")


def is_row(buffer: object) -> TypeGuard[memoryview]:
    """Whether something is a memoryview of one row of bytes."""
    return (
        type(buffer) is memoryview and buffer.format == "B" and buffer.strides == (1,)
    )


def flat(buffer: Buffer) -> Buffer:
    """Return a buffer as one row of bytes, without a copy.

    Raises:
        TypeError: It is not contiguous, or not of a native format.
    """
    if type(buffer) is bytes:
        return buffer
    view = memoryview(buffer)
    if not view.nbytes:
        return b""
    return view.cast("B")


def rows_of(payload: Payload) -> list[Buffer]:
    """Return the pieces of a payload, each as one row of bytes, without a copy."""
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return [flat(payload)]
    return list(map(flat, payload))


def plain_word(kind: int, channel: int) -> int:
    """Return how PLAIN and PLAIN_ACK read the start of a header without flags."""
    return VERSION | kind << 8 | channel << 32


def pack_mark(mark: Watermark) -> Frame:
    """Return the frame of a mark."""
    flags = ANSWER * mark.wants_answer | FINAL * mark.is_final
    fields = (mark.channel, mark.seq, mark.tick, mark.chunk, 0, 0.0)
    return [HEADER.pack(VERSION, MARK, flags, *fields)]


def pack_ack(ack: Ack) -> Frame:
    """Return the frame of an acknowledgement."""
    count = len(ack.nacks)
    fields = (ack.channel, ack.received, ack.resolved, ack.chunk, count, ack.released)
    head = _ACK.pack(VERSION, ACK, FINAL * ack.is_final, *fields)
    if not count:
        return [head]
    return [b"".join((head, *(_NACK.pack(*nack) for nack in ack.nacks)))]


def bundled(channel: int, frames: Iterable[Frame], limit: int) -> list[Frame]:
    """Put neighbours into common frames, where these stay within `limit` bytes.

    Args:
        channel: That of all frames.
        frames: What leaves together, in order.
        limit: The size of the largest bundle [byte]; a larger frame stays alone.
    """
    packed: list[Frame] = []
    group: list[Frame] = []
    sizes: list[int] = []
    total = HEADER_SIZE
    for frame in frames:
        size = sum(map(len, frame))
        if total + size + 4 > limit and group:
            packed.append(_bundle(channel, group, sizes))
            group, sizes, total = [], [], HEADER_SIZE
        group.append(frame)
        sizes.append(size)
        total += size + 4
    if group:
        packed.append(_bundle(channel, group, sizes))
    return packed


def _bundle(channel: int, frames: list[Frame], sizes: list[int]) -> Frame:
    if len(frames) == 1:
        return frames[0]
    count = len(frames)
    head = HEADER.pack(VERSION, BUNDLE, 0, channel, 0, 0, 0, count, 0.0)
    table = struct.pack(f"<{count}I", *sizes)
    return [b"".join((head, table, *(part for frame in frames for part in frame)))]


def whole(pieces: list[Buffer]) -> Buffer:
    """Return one or several pieces as one buffer; one alone is not copied."""
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def channel_of(frame: Frame | Buffer) -> int:
    """Return the channel that a frame belongs to, without looking further.

    Raises:
        FrameError: It has no header.
    """
    try:
        head = frame[0] if isinstance(frame, list) else frame
        channel: int
        (channel,) = _CHANNEL.unpack_from(head)
    except (struct.error, TypeError, IndexError, BufferError) as error:
        raise _no_frame(frame, error) from error
    return channel


def parse(frame: Frame | Buffer) -> list[Message]:
    """Return the messages of a frame: one, or those of a bundle.

    Nothing is copied: pieces are the frame's own buffers, or parts of them.

    Args:
        frame: `[header, *payload]`, or all of it joined.

    Raises:
        FrameError: It is not a frame; nothing else is ever raised.
    """
    try:
        if isinstance(frame, list):
            return _parse(_bytes_view(frame[0]), frame[1:])
        return _parse(_bytes_view(frame), ())
    except FrameError:
        raise
    except Exception as error:
        raise _no_frame(frame, error) from error


def _no_frame(frame: object, error: Exception) -> FrameError:
    return FrameError(f"it cannot be read ({error})", "a frame", frame)


def _bytes_view(buffer: Buffer) -> memoryview:
    view = memoryview(buffer)
    return view if view.ndim == 1 and view.format == "B" else view.cast("B")


def _parse(view: memoryview, rest: Sequence[Buffer]) -> list[Message]:
    version, kind, flags, *fields, stamp = HEADER.unpack_from(view)
    if version != VERSION:
        raise FrameError("its version is unknown", f"version {VERSION}", version)
    if kind not in _KINDS or flags & ~_KINDS[kind]:
        raise FrameError("its kind is unknown", "a kind and its flags", (kind, flags))
    channel, seq, tick, chunk, count = fields
    if kind == DATA:
        if tick < 0 or chunk >= count:
            raise FrameError("it is not a value", "tick >= 0, chunk < chunks", fields)
        pieces = _pieces(view, rest)
        if count > 1 and not any(map(len, pieces)):
            raise FrameError("it is not a chunk", "a piece of a value", "nothing")
        return [Data(channel, seq, tick, chunk, count, stamp, pieces)]
    if rest:
        raise FrameError("it has a payload", "a header alone", [len(b) for b in rest])
    if tick < -1:
        raise FrameError("it is before the first tick", "tick >= -1", tick)
    if kind == MARK:
        if count or len(view) != HEADER_SIZE:
            raise FrameError("it is too long for a mark", HEADER_SIZE, len(view))
        answer, final = bool(flags & ANSWER), bool(flags & FINAL)
        return [Watermark(channel, seq, tick, chunk, answer, final)]
    if kind == ACK:
        (*_, released) = _ACK.unpack_from(view)
        if len(view) != HEADER_SIZE + count * NACK_SIZE or released > seq:
            raise FrameError("it is not an acknowledgement", "its nacks", fields)
        nacks = tuple(_NACK.iter_unpack(view[HEADER_SIZE:]))
        return [Ack(channel, seq, tick, chunk, released, flags == FINAL, nacks)]
    return _parse_bundle(view, channel, count)


def _pieces(view: memoryview, rest: Sequence[Buffer]) -> list[Buffer]:
    """Return what stands behind a header, each piece as one row of bytes."""
    if not rest:
        return [view[HEADER_SIZE:]]
    if len(view) != HEADER_SIZE:
        raise FrameError("its header is too long", HEADER_SIZE, len(view))
    return [
        piece if type(piece) in (bytes, bytearray) or is_row(piece) else flat(piece)
        for piece in rest
    ]


def parts_of(frame: bytes | memoryview) -> list[memoryview]:
    """Return the frames of a bundle, as views of it; none where it is not a bundle.

    Args:
        frame: One row of bytes.

    Raises:
        FrameError: It is a bundle, and damaged.
    """
    if len(frame) < HEADER_SIZE or frame[1] != BUNDLE:
        return []
    _, _, _, channel, *_, count, _ = HEADER.unpack_from(frame)
    return _parts(memoryview(frame), channel, count)


def _parts(view: memoryview, channel: int, count: int) -> list[memoryview]:
    at = HEADER_SIZE + 4 * count
    if at > len(view):
        raise FrameError("it ends within its table", f"{count} sizes", len(view))
    sizes = struct.unpack_from(f"<{count}I", view, HEADER_SIZE)
    if sum(sizes) != len(view) - at:
        raise FrameError("its frames do not fit", f"{len(view) - at} bytes", sizes)
    parts = []
    for size in sizes:
        if size > 1 and view[at + 1] == BUNDLE:
            raise FrameError("it is a bundle of bundles", "a single frame", channel)
        parts.append(view[at : at + size])
        at += size
    return parts


def _parse_bundle(view: memoryview, channel: int, count: int) -> list[Message]:
    messages: list[Message] = []
    for part in _parts(view, channel, count):
        messages += _parse(part, ())
    if any(message.channel != channel for message in messages):
        raise FrameError("its frames are mixed", f"channel {channel}", messages[0])
    return messages
