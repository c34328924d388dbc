"""Messages as Arrow arrays, with metadata for whoever does not know like_keras.

An array of numbers is an Arrow array of the same numbers over the same memory; its
metadata says how to shape it. Every other message is its bytes, as `msgpack` writes
them, in an Arrow array of `uint8`.

Needs the extra `[arrow]`.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, cast

import pyarrow
from msgspec.msgpack import decode as read

from like_keras_core.codecs import arrays
from like_keras_core.codecs.arrays import flat_bytes
from like_keras_core.codecs.json import Resolver
from like_keras_core.codecs.msgpack import CodecError, Encoded, damaged, from_bytes
from like_keras_core.codecs.packing import PLAIN, pack
from like_keras_core.codecs.unpacking import hook_of
from like_keras_core.entry_point import resolve as resolve_entry_point
from like_keras_core.errors import LoadError

_UINT8 = pyarrow.uint8()
_py_buffer = pyarrow.py_buffer
_TYPES: Mapping[str, Any] = {
    "|i1": pyarrow.int8(),
    "<i2": pyarrow.int16(),
    "<i4": pyarrow.int32(),
    "<i8": pyarrow.int64(),
    "|u1": _UINT8,
    "<u2": pyarrow.uint16(),
    "<u4": pyarrow.uint32(),
    "<u8": pyarrow.uint64(),
    "<f2": pyarrow.float16(),
    "<f4": pyarrow.float32(),
    "<f8": pyarrow.float64(),
}


def _array_maker() -> Callable[[tuple[Any, ...]], Any]:
    """Return what makes an array of its type, length, nulls, offset and buffers.

    `Array.from_buffers` checks what it makes, which takes a third of its time. The
    function that an array names for copying itself does not; it is used where the
    array describes itself to it in the way that is known here.
    """
    sample = pyarrow.array([1], _UINT8)
    make, arguments = sample.__reduce__()
    expected = (_UINT8, 1, 0, 0, sample.buffers(), [], None)
    if len(arguments) == 1 and arguments[0] == expected:
        return cast("Callable[[tuple[Any, ...]], Any]", make)
    return lambda parts: pyarrow.Array.from_buffers(*parts[:2], list(parts[4]))


_make_array = _array_maker()


def to_arrow(value: Any, where: str = "value") -> tuple[Any, dict[str, str]]:
    """Return `value` as an Arrow array, and the metadata that must go with it.

    Args:
        value: What to encode.
        where: What it is, for the error.

    Returns:
        The array, and a dict of texts. `kind` is `"array"` or `"message"`. Of an array,
        `dtype` is numpy's name of it, `shape` a JSON list and `axes`, where there is
        one, a JSON list for `transpose` after `reshape`.

    Raises:
        NotSerializableError: A part of it cannot be sent.
    """
    kind = type(value)
    if kind not in PLAIN:
        numpy = sys.modules.get("numpy")
        if numpy is not None and kind is numpy.ndarray:
            return _to_array(value, where)
    header, found = pack(value, where)
    if not found:
        buffers = (None, _py_buffer(header))
        array = _make_array((_UINT8, len(header), 0, 0, buffers, (), None))
        return array, {"kind": "msgpack"}
    encoded = Encoded(header, [flat_bytes(array) for array in found])
    size = encoded.nbytes
    target = pyarrow.allocate_buffer(size)
    encoded.write_into(target)
    array = _make_array((_UINT8, size, 0, 0, (None, target), (), None))
    return array, {"kind": "frame"}


def _to_array(value: Any, where: str) -> tuple[Any, dict[str, str]]:
    arrays.check_array(value, where)
    data, axes = arrays.dense(value)
    arrow_type, length, metadata = _described(data.dtype, data.shape)
    metadata = metadata.copy()
    if axes:
        metadata["axes"] = json.dumps(axes)
    buffers = (None, _py_buffer(data))
    return _make_array((arrow_type, length, 0, 0, buffers, (), None)), metadata


@functools.lru_cache(maxsize=1024)
def _described(dtype: Any, shape: tuple[int, ...]) -> tuple[Any, int, dict[str, str]]:
    """Return the Arrow type, the length and the metadata of an array."""
    name = arrays.dtype_name(dtype)
    size = arrays.size_of(dtype, shape)
    arrow_type = _TYPES.get(name, _UINT8)
    length = size * 8 // arrow_type.bit_width
    text = json.dumps(shape)
    return arrow_type, length, {"kind": "array", "dtype": name, "shape": text}


@functools.lru_cache(maxsize=1024)
def _read_described(name: str, text: str) -> tuple[Any, int, Any, tuple[int, ...]]:
    """Return the Arrow type, the length, the dtype and the shape of an array."""
    dtype, shape = arrays.dtype_of(name), tuple(json.loads(text))
    return (*_described(dtype, shape)[:2], dtype, shape)


def from_arrow(
    array: Any, metadata: Mapping[str, Any], resolve: Resolver = resolve_entry_point
) -> Any:
    """Return the value that `to_arrow` was given.

    Args:
        array: The Arrow array. The arrays of the value are read-only views of its
            memory, and keep it alive.
        metadata: What came with it; keys of others are left alone.
        resolve: Turns `"module:Class"` into the class; an allow-list goes here.

    Raises:
        CodecError: It is not what `to_arrow` makes.
        LoadError: A class in it cannot be found, or is not allowed.
    """
    try:
        kind = metadata["kind"]
        if kind == "msgpack":
            data = array.buffers()[1]
            if data.size != len(array):
                data = _memory(array)
            return read(data, ext_hook=hook_of(resolve))
        if kind == "frame":
            return from_bytes(_memory(array), resolve)
        if kind == "array":
            return _from_array(array, metadata)
    except (CodecError, LoadError):
        raise
    except Exception as error:
        raise damaged(error) from error
    raise CodecError(
        f"Cannot read an Arrow array whose metadata has the kind {kind!r:.100}; "
        "expected 'array', 'msgpack' or 'frame', as to_arrow writes it."
    )


def _memory(array: Any) -> Any:
    """Return the memory of an array of bytes."""
    data = array.buffers()[1]
    if array.offset or data.size != len(array):
        if array.type != _UINT8:
            raise ValueError(f"expected uint8, not {array.type}")
        return memoryview(data)[array.offset : array.offset + len(array)]
    return data


def _from_array(array: Any, metadata: Mapping[str, Any]) -> Any:
    described = _read_described(metadata["dtype"], metadata["shape"])
    arrow_type, length, dtype, shape = described
    if array.type != arrow_type or len(array) != length:
        raise ValueError(f"expected {length} {arrow_type}, not {len(array)} of another")
    buffer = array.buffers()[1] if length else b""
    offset = array.offset * arrow_type.bit_width // 8 if array.offset else 0
    axes = json.loads(metadata["axes"]) if "axes" in metadata else ()
    return arrays.view(dtype, shape, axes, buffer, offset if length else 0)
