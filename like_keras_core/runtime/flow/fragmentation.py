"""Values that are too large for a frame: cut up, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from like_keras_core.errors import FrameError
from like_keras_core.runtime.flow.wire_format import (
    ALL_CHUNKS,
    DATA,
    HEADER,
    VERSION,
    Buffer,
    Data,
    Frame,
)


def settle(pieces: list[Buffer], is_safe: Callable[[Buffer], bool]) -> None:
    """Replace pieces that may still be changed by copies."""
    for n, piece in enumerate(pieces):
        if type(piece) is not bytes and not is_safe(piece):
            pieces[n] = bytes(piece)


class FragmentedValue:
    """A value that leaves in chunks; a chunk is a view, nothing is copied.

    Args:
        channel: Where it travels.
        seq: Its number.
        tick: Its tick.
        stamp: When it was emitted.
        buffers: What to send, one after the other.
        chunk_size: How many bytes a chunk has; the last one may have fewer.
    """

    __slots__ = ("_buffers", "_head", "_last", "_size", "_stamp", "chunks", "tick")

    def __init__(
        self,
        channel: int,
        seq: int,
        tick: int,
        stamp: float,
        buffers: list[Buffer],
        chunk_size: int,
    ) -> None:
        self.tick = tick
        self.chunks = -(-sum(map(len, buffers)) // chunk_size)
        self._head = (VERSION, DATA, 0, channel, seq, tick)
        self._stamp = stamp
        self._buffers = buffers
        self._size = chunk_size
        self._last = (0, 0, 0)

    def settle(self, is_safe: Callable[[Buffer], bool]) -> None:
        """Copy the pieces that may be changed from now on."""
        settle(self._buffers, is_safe)

    def frame(self, chunk: int) -> Frame:
        """Return the frame of one chunk; chunks in turn are found at once."""
        header = HEADER.pack(*self._head, chunk, self.chunks, self._stamp)
        _, index, begin = self._last if chunk >= self._last[0] else (0, 0, 0)
        start = chunk * self._size
        frame: Frame = [header]
        left = self._size
        while left and index < len(self._buffers):
            buffer = self._buffers[index]
            skip = max(0, start - begin)
            piece = memoryview(buffer)[skip : skip + left]
            if len(piece):
                if left == self._size:
                    self._last = (chunk, index, begin)
                frame.append(piece)
                left -= len(piece)
            if skip + len(piece) < len(buffer):
                break
            begin += len(buffer)
            index += 1
        return frame


class Reassembly:
    """A value of which some chunks have arrived.

    Args:
        first: The chunk that arrived first; it is not yet added.

    Attributes:
        in_order: How many chunks are there without a gap.
    """

    __slots__ = ("_pieces", "chunks", "in_order", "stamp", "tick")

    def __init__(self, first: Data) -> None:
        self.tick = first.tick
        self.stamp = first.stamp
        self.chunks = first.chunks
        self.in_order = 0
        self._pieces: dict[int, list[Buffer]] = {}

    @property
    def is_complete(self) -> bool:
        """Whether all chunks are there."""
        return self.in_order == self.chunks

    def add(self, data: Data) -> bool:
        """Take a chunk; return whether it is new.

        Raises:
            FrameError: It belongs to another value.
        """
        own = (self.tick, self.chunks)
        if (data.tick, data.chunks) != own:
            raise FrameError("a chunk does not fit the others", own, data[:-1])
        if data.chunk in self._pieces:
            return False
        self._pieces[data.chunk] = data.pieces
        while self.in_order in self._pieces:
            self.in_order += 1
        return True

    def missing(self, end: int) -> Iterator[tuple[int, int]]:
        """Yield the first and last chunk of each gap below `end`."""
        first = self.in_order
        for chunk in (*sorted(c for c in self._pieces if first < c < end), end):
            if first < chunk:
                yield first, chunk - 1
            first = chunk + 1

    def payload(self) -> bytes:
        """Return the whole value; its one copy on the way is made here."""
        chunks = (self._pieces[chunk] for chunk in range(self.chunks))
        return b"".join(piece for pieces in chunks for piece in pieces)


def chunks_between(
    retained: Mapping[int, Frame | FragmentedValue],
    first: tuple[int, int],
    end: tuple[int, int],
) -> int:
    """Return how many chunks of large values lie between two places.

    Args:
        retained: The values, by number.
        first: A value, and how many of its chunks lie before the place.
        end: The same, for the place behind.
    """
    items = (retained[seq] for seq in range(first[0], end[0]))
    chunks = sum(item.chunks for item in items if isinstance(item, FragmentedValue))
    return max(0, chunks + end[1] - first[1])


def repeated(
    nacks: Iterable[tuple[int, int, int]],
    retained: Mapping[int, Frame | FragmentedValue],
    place: tuple[int, int],
    room: int,
) -> list[Frame]:
    """Return the frames that NACKs ask for.

    Args:
        nacks: Value, first and last chunk of each range.
        retained: What may be repeated, by number.
        place: The value, and the chunk of it, before which all has left.
        room: How many chunks may leave at once.
    """
    frames: list[Frame] = []
    for seq, first, last in nacks:
        item = retained.get(seq)
        if item is None or (seq, first) >= place:
            continue
        if not isinstance(item, FragmentedValue):
            frames.append(item)
            continue
        end = item.chunks if seq < place[0] else place[1]
        end = min(end, last + 1, first + room)
        frames += map(item.frame, range(first, end))
        room -= max(0, end - first)
    return frames


def missing(
    held: Mapping[int, Data | Reassembly], expected: int, known: tuple[int, int]
) -> Iterator[tuple[int, int, int]]:
    """Yield value, first and last chunk of all that should be there, in order.

    Args:
        held: What has arrived, by number.
        expected: The first number that has not been delivered.
        known: The value, and the chunk of it, before which all has left.
    """
    for seq in range(expected, known[0] + 1):
        end = ALL_CHUNKS + 1 if seq < known[0] else known[1]
        value = held.get(seq)
        if isinstance(value, Reassembly):
            for first, last in value.missing(min(end, value.chunks)):
                yield seq, first, last
        elif value is None and end:
            yield seq, 0, end - 1
