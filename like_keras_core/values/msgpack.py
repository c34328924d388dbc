"""Messages as bytes: MessagePack, and the arrays' memory beside it.

A message without arrays is MessagePack, nothing else. One with arrays is a frame: eight
bytes (193, which begins no MessagePack; 1, the version; two zeros; the header's length,
little end first), the header, and each array's data at the next multiple of 64.

Needs the extra `[processes]`.
"""

from __future__ import annotations

import functools
import struct
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.msgpack import Decoder, Ext
from msgspec.msgpack import decode as read
from msgspec.msgpack import encode as write

from like_keras_core.errors import CodecError, LoadError
from like_keras_core.values import array_buffers
from like_keras_core.values.array_buffers import flat_bytes
from like_keras_core.values.class_refs import Resolver
from like_keras_core.values.class_refs import resolve as resolve_entry_point
from like_keras_core.values.kind import Join
from like_keras_core.values.kinds import KINDS
from like_keras_core.values.msgpack_encode import pack
from like_keras_core.values.msgpack_ext import OF_BYTES, Code

ALIGNMENT = 64
_COPIED = 4096
"""Messages up to this size are not worth the pieces [byte]."""
_MARK = 0xC1
_VERSION = 1
_PREFIX = struct.Struct("<BBxxI")
_EXTENSION = 0xC7
"""Begins an extension whose size, one byte, stands before its code."""

_ARRAY = int(Code.ARRAY)


def to_bytes(value: Any, where: str = "value") -> bytes:
    """Return `value` as one message.

    Args:
        value: What to encode.
        where: What it is, for the error.

    Raises:
        NotSerializableError: A part of it cannot be sent.
    """
    header, found = pack(value, where)
    if not found:
        return header
    return b"".join(_frame(header, map(flat_bytes, found)))


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
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(value) is numpy.ndarray and value.flags.c_contiguous:
        head = _head(value.dtype, value.shape)
        if head:
            if len(head) + value.nbytes <= _COPIED:
                return b"".join((head, value.tobytes()))
            return [head, flat_bytes(value)]
    header, found = pack(value, where)
    if not found:
        return header
    pieces = _frame(header, map(flat_bytes, found))
    return b"".join(pieces) if sum(map(len, pieces)) <= _COPIED else pieces


@functools.lru_cache(maxsize=256)
def _head(dtype: Any, shape: tuple[int, ...]) -> bytes:
    """Return what stands before the data of a message that is one array.

    Nothing if arrays of that dtype are not sent.
    """
    if dtype.kind not in array_buffers.PLAIN_DTYPES:
        return b""
    described = write((array_buffers.dtype_name(dtype), shape, ()))
    header = write(Ext(Code.ARRAY, described))
    return b"".join(_frame(header, [memoryview(b"")]))


def _frame(header: bytes, buffers: Iterable[memoryview]) -> list[bytes | memoryview]:
    """Return what a message with arrays is made of; their data is not copied."""
    size = len(header)
    pieces: list[bytes | memoryview] = [_PREFIX.pack(_MARK, _VERSION, size), header]
    size += _PREFIX.size
    for buffer in buffers:
        padding = -size % ALIGNMENT
        pieces += [bytes(padding), buffer]
        size += padding + len(buffer)
    return pieces


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
        if not buffer or buffer[0] != _MARK:
            if resolve is resolve_entry_point:
                return _read(buffer)
            return _Unpacker(resolve).unpack(buffer)
        return _from_frame(buffer, resolve)
    except (CodecError, LoadError):
        raise
    except Exception as error:
        raise _damaged(error) from error


def _from_frame(frame: bytes | memoryview, resolve: Resolver) -> Any:
    if frame[_PREFIX.size + (2 if frame[_PREFIX.size] == _EXTENSION else 1)] == _ARRAY:
        known = _described(bytes(frame[:ALIGNMENT]))
        if known is not None:
            ndarray, dtype, shape, end = known
            if end != len(frame):
                raise _wrong_size(end, frame)
            return ndarray(shape, dtype, frame, ALIGNMENT)
    _, version, length = _PREFIX.unpack_from(frame)
    if version != _VERSION:
        raise ValueError(f"its version is {version}, and {_VERSION} is known here")
    end = _PREFIX.size + length

    def take(size: int) -> tuple[Any, int]:
        nonlocal end
        start = end + -end % ALIGNMENT
        end = start + size
        return (frame, start) if size else (b"", 0)

    value = _Unpacker(resolve, take).unpack(frame[_PREFIX.size : end])
    if end != len(frame):
        raise _wrong_size(end, frame)
    return value


def _wrong_size(size: int, frame: bytes | memoryview) -> ValueError:
    return ValueError(f"it should have {size} bytes and has {len(frame)}")


@functools.lru_cache(maxsize=256)
def _described(head: bytes) -> tuple[Any, Any, tuple[int, ...], int] | None:
    """Return what all before the data says, if that is one array as it lies there.

    Returns:
        The class of arrays, its dtype and shape, and where its data ends.
    """
    _, version, length = _PREFIX.unpack_from(head)
    if version != _VERSION or length > ALIGNMENT - _PREFIX.size:
        return None
    tree = read(head[_PREFIX.size : _PREFIX.size + length])
    if type(tree) is not Ext or tree.code != Code.ARRAY:
        return None
    name, shape, axes = read(tree.data)
    dtype = array_buffers.dtype_of(name)
    size = array_buffers.size_of(dtype, shape)
    if axes or not size:
        return None
    return sys.modules["numpy"].ndarray, dtype, tuple(shape), ALIGNMENT + size


def _damaged(error: Exception) -> CodecError:
    """Return the error for a message whose reading raised another."""
    reason = str(error) or type(error).__name__
    return CodecError(
        f"Cannot read a message: {reason}. It is damaged, or it was not written by "
        "like_keras."
    )


_Take = Callable[[int], tuple[Any, int]]
"""Gives the memory of the next array, of a size: a buffer and where it begins."""


def _no_arrays(size: int) -> tuple[Any, int]:
    raise ValueError("there is an array in it, without its data")


class _Unpacker:
    """Unpacks one value; without arrays, any number of them.

    Args:
        resolve: Turns a class's name into the class.
        take: Gives the memory of the next array.
    """

    __slots__ = ("_resolve", "_take")

    def __init__(self, resolve: Resolver, take: _Take = _no_arrays) -> None:
        self._resolve = resolve
        self._take = take

    def unpack(self, data: Any) -> Any:
        """Return the value that MessagePack data stands for."""
        return read(data, ext_hook=self.extension)

    def extension(self, code: int, data: memoryview) -> Any:
        """Return the value that an extension stands for."""
        if code in OF_BYTES:
            return _READERS[code](data, self._resolve)
        content = read(data, ext_hook=self.extension)
        if code == _ARRAY:
            return self._array(*content)
        return _READERS[code](content, self._resolve)

    def _array(self, name: str, shape: Any, axes: Any) -> Any:
        dtype = array_buffers.dtype_of(name)
        buffer, offset = self._take(array_buffers.size_of(dtype, shape))
        return array_buffers.view(dtype, shape, axes, buffer, offset)


_READERS: Mapping[int, Join] = {
    code: reader for kind in KINDS for code, reader in kind.join.items()
}
_read = Decoder(ext_hook=_Unpacker(resolve_entry_point).extension).decode
"""Gives the value of a message without arrays, with no allow-list."""
