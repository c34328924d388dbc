"""Messages as bytes: MessagePack, and the arrays' memory beside it.

A message without arrays is MessagePack, nothing else. One with arrays is a frame: eight
bytes (193, which begins no MessagePack; 1, the version; two zeros; the header's length,
little end first), the header, and each array's data at the next multiple of 64.

Needs the extra `[arrow]`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from like_keras_core.codecs.arrays import flat_bytes
from like_keras_core.codecs.json import Resolver
from like_keras_core.codecs.packing import pack
from like_keras_core.codecs.unpacking import READ, Unpacker
from like_keras_core.entry_point import resolve as resolve_entry_point
from like_keras_core.errors import CodecError, LoadError

ALIGNMENT = 64
_COPIED = 4096
"""Messages up to this size are not worth the pieces [byte]."""
_MARK = b"\xc1"
_VERSION = 1
_PREFIX = struct.Struct("<cBxxI")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A message in parts, for a transport that writes them where they have to go.

    Attributes:
        header: MessagePack of everything but the arrays' data.
        buffers: The data of each array, as the array has it: nothing is copied.
    """

    header: bytes
    buffers: Sequence[memoryview]

    @property
    def nbytes(self) -> int:
        """How long the message is as `to_bytes` writes it."""
        return sum(map(len, self.pieces()))

    def pieces(self) -> list[bytes | memoryview]:
        """Return what the message is made of as `to_bytes` writes it."""
        if not self.buffers:
            return [self.header]
        size = len(self.header)
        prefix = _PREFIX.pack(_MARK, _VERSION, size)
        pieces: list[bytes | memoryview] = [prefix, self.header]
        size += _PREFIX.size
        for buffer in self.buffers:
            padding = -size % ALIGNMENT
            pieces += [bytes(padding), buffer]
            size += padding + len(buffer)
        return pieces

    def write_into(self, target: Any) -> None:
        """Write the message into a buffer of `nbytes` bytes."""
        view, start = memoryview(target).cast("B"), 0
        for piece in self.pieces():
            view[start : start + len(piece)] = piece
            start += len(piece)


def encode(value: Any, where: str = "value") -> Encoded:
    """Return `value` as a message in parts; its arrays are not copied.

    Args:
        value: What to encode.
        where: What it is, for the error: `"output 'camera.image'"`.

    Raises:
        NotSerializableError: A part of it cannot be sent; the text says which part,
            its type, and what can be done.
    """
    header, arrays = pack(value, where)
    return Encoded(header, [flat_bytes(array) for array in arrays])


def decode(
    header: Any, buffers: Sequence[Any] = (), resolve: Resolver = resolve_entry_point
) -> Any:
    """Return the value that `encode` was given.

    Args:
        header: The header.
        buffers: The arrays' data; the arrays of the value are read-only views of it.
        resolve: Turns `"module:Class"` into the class; an allow-list goes here.

    Raises:
        CodecError: It is not what `encode` makes.
        LoadError: A class in it cannot be found, or is not allowed.
    """
    rest = list(reversed(buffers))

    def take(size: int) -> tuple[Any, int]:
        if not rest or memoryview(rest[-1]).nbytes != size:
            raise ValueError("the arrays' data does not fit them")
        return rest.pop(), 0

    try:
        value = Unpacker(resolve, take).unpack(header)
        if rest:
            raise ValueError("it has more data than arrays")
    except (CodecError, LoadError):
        raise
    except Exception as error:
        raise damaged(error) from error
    return value


def to_bytes(value: Any, where: str = "value") -> bytes:
    """Return `value` as one message.

    Args:
        value: What to encode.
        where: What it is, for the error.

    Raises:
        NotSerializableError: A part of it cannot be sent.
    """
    header, arrays = pack(value, where)
    if not arrays:
        return header
    encoded = Encoded(header, [flat_bytes(array) for array in arrays])
    return b"".join(encoded.pieces())


def to_pieces(value: Any, where: str = "value") -> bytes | list[bytes | memoryview]:
    """Return `value` as one message, in pieces where that saves copying large arrays.

    Args:
        value: What to encode.
        where: What it is, for the error.

    Returns:
        Bytes; or pieces, of which those that are a `memoryview` show the arrays' own
        memory.

    Raises:
        NotSerializableError: A part of it cannot be sent.
    """
    header, arrays = pack(value, where)
    if not arrays:
        return header
    pieces = Encoded(header, [flat_bytes(array) for array in arrays]).pieces()
    return b"".join(pieces) if sum(map(len, pieces)) <= _COPIED else pieces


def from_bytes(buffer: Any, resolve: Resolver = resolve_entry_point) -> Any:
    """Return the value of one message.

    Args:
        buffer: Bytes, or any object with the buffer protocol. The arrays of the value
            are read-only views of it, and keep it alive.
        resolve: Turns `"module:Class"` into the class; an allow-list goes here.

    Raises:
        CodecError: It is not what `to_bytes` makes.
        LoadError: A class in it cannot be found, or is not allowed.
    """
    try:
        if type(buffer) is not bytes:
            buffer = memoryview(buffer).cast("B").toreadonly()
        if buffer[:1] != _MARK:
            if resolve is resolve_entry_point:
                return READ(buffer)
            return Unpacker(resolve).unpack(buffer)
        return _from_frame(memoryview(buffer), resolve)
    except (CodecError, LoadError):
        raise
    except Exception as error:
        raise damaged(error) from error


def _from_frame(frame: memoryview, resolve: Resolver) -> Any:
    _, version, length = _PREFIX.unpack_from(frame)
    if version != _VERSION:
        raise ValueError(f"its version is {version}, and {_VERSION} is known here")
    end = _PREFIX.size + length

    def take(size: int) -> tuple[Any, int]:
        nonlocal end
        start = end + -end % ALIGNMENT
        end = start + size
        return (frame, start) if size else (b"", 0)

    value = Unpacker(resolve, take).unpack(frame[_PREFIX.size : end])
    if end != len(frame):
        raise ValueError(f"it should have {end} bytes and has {len(frame)}")
    return value


def damaged(error: Exception) -> CodecError:
    """Return the error for a message whose reading raised another."""
    reason = str(error) or type(error).__name__
    return CodecError(
        f"Cannot read a message: {reason}. It is damaged, or it was not written by "
        "like_keras."
    )
