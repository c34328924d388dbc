"""Messages as Arrow arrays, with metadata for whoever does not know like_keras.

The metadata is a dict of texts, and its `kind` says what the array is:

- `array`: a numpy array, as an Arrow array of the same numbers over the same memory.
  `dtype` is numpy's name for it, `shape` a JSON list; `axes`, if there, a JSON list for
  `transpose` after `reshape`. What Arrow has no type for is `uint8`.
- `record`: a dataclass or a named tuple, as MessagePack of a list of its fields, which
  `class` names after the class.
- `msgpack`: MessagePack of any value without arrays.
- `frame`: a value with arrays inside, as `like_keras_core.values.msgpack` writes it.

Needs the extra `[arrow]`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pyarrow
from msgspec.msgpack import encode as write
from numpy import ndarray

from like_keras_core.errors import CodecError, LoadError
from like_keras_core.values import array_buffers
from like_keras_core.values.class_refs import resolve as resolve_entry_point
from like_keras_core.values.config_json import Resolver
from like_keras_core.values.dataclass_rows import find_record
from like_keras_core.values.msgpack import Encoded, damaged, from_bytes
from like_keras_core.values.msgpack_decode import READ, Unpacker
from like_keras_core.values.msgpack_encode import PLAIN, RECORDS, pack

_UINT8 = pyarrow.uint8()
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
_as_buffer = pyarrow.py_buffer
_are_plain = PLAIN.issuperset
# Of one argument: a cache is twice as fast then.
_find_record = functools.lru_cache(maxsize=4096)(
    functools.partial(find_record, resolve_entry_point)
)


def _array_maker() -> Callable[[tuple[Any, ...]], Any]:
    """Return what makes an array of its type, length, nulls, offset and buffers.

    `Array.from_buffers` checks what it makes, which takes a third of its time. The
    function that an array names for copying itself does not; it is used where the
    array describes itself to it in the way that is known here.
    """
    sample = pyarrow.array([1], _UINT8)
    make, arguments = sample.__reduce__()
    expected: Any = ((_UINT8, 1, 0, 0, sample.buffers(), [], None),)
    if arguments == expected:
        return cast("Callable[[tuple[Any, ...]], Any]", make)
    return lambda parts: pyarrow.Array.from_buffers(*parts[:2], list(parts[4]))


_make_array = _array_maker()


def to_arrow(value: Any, where: str = "value") -> tuple[Any, dict[str, str]]:
    """Return `value` as an Arrow array, and the metadata that must go with it.

    An array that is the whole value is not copied. Arrays inside a value are, once.

    Args:
        value: What to encode.
        where: What it is, for the error: `"output 'camera.image'"`.

    Raises:
        NotSerializableError: A part of it cannot be sent; the text says which part,
            its type, and what can be done.
    """
    kind = type(value)
    if kind is ndarray:
        return _array_to_arrow(value, where)
    data: Any
    try:
        # What needs no packer: most messages, and all that are small and frequent.
        if (
            kind is dict
            and _are_plain(map(type, value))
            and _are_plain(map(type, value.values()))
        ) or kind in PLAIN:
            data, metadata = write(value), {"kind": "msgpack"}
        elif (record := RECORDS.get(kind)) is not None and _are_plain(
            map(type, row := record.read(value))
        ):
            data = write(row)
            metadata = {"kind": "record", "class": record.signature}
        else:
            data, metadata = _message(value, where)
    except (OverflowError, UnicodeEncodeError):
        data, metadata = _message(value, where)
    parts = (_UINT8, len(data), 0, 0, (None, _as_buffer(data)), (), None)
    return _make_array(parts), metadata


def _message(value: Any, where: str) -> tuple[Any, dict[str, str]]:
    was_met = type(value) in RECORDS
    header, found = pack(value, where)
    record = None if was_met else RECORDS.get(type(value))
    if record is not None and _are_plain(map(type, row := record.read(value))):
        # The first message of a class is like the others.
        return write(row), {"kind": "record", "class": record.signature}
    if not found:
        return header, {"kind": "msgpack"}
    encoded = Encoded(header, [array_buffers.flat_bytes(array) for array in found])
    target = pyarrow.allocate_buffer(encoded.nbytes)
    encoded.write_into(target)
    return target, {"kind": "frame"}


def _array_to_arrow(value: Any, where: str) -> tuple[Any, dict[str, str]]:
    if value.flags.c_contiguous:
        data, axes = value, None
    else:
        data, axes = array_buffers.dense(value)
    arrow_type, length, metadata = _described(data.dtype, data.shape)
    if arrow_type is None:
        array_buffers.check_array(value, where)
    metadata = metadata.copy()
    if axes:
        metadata["axes"] = json.dumps(axes)
    buffers = (None, _as_buffer(data))
    return _make_array((arrow_type, length, 0, 0, buffers, (), None)), metadata


@functools.lru_cache(maxsize=1024)
def _described(dtype: Any, shape: tuple[int, ...]) -> tuple[Any, int, dict[str, str]]:
    """Return the Arrow type, the length and the metadata of an array.

    The type is None where such arrays are not sent.
    """
    if dtype.kind not in array_buffers.PLAIN_DTYPES:
        return None, 0, {}
    name = array_buffers.dtype_name(dtype)
    arrow_type = _TYPES.get(name, _UINT8)
    length = array_buffers.size_of(dtype, shape) * 8 // arrow_type.bit_width
    text = json.dumps(shape)
    return arrow_type, length, {"kind": "array", "dtype": name, "shape": text}


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
        if kind == "array":
            return _array_from_arrow(array, metadata)
        data = array.buffers()[1]
        if data.size != len(array):
            data = _part(array)
        is_free = resolve is resolve_entry_point
        read = READ if is_free else Unpacker(resolve).unpack
        if kind == "msgpack":
            return read(data)
        if kind == "record":
            signature = metadata["class"]
            record = (
                _find_record(signature) if is_free else find_record(resolve, signature)
            )
            return record.from_row(read(data))
        if kind == "frame":
            return from_bytes(data, resolve)
    except (CodecError, LoadError):
        raise
    except Exception as error:
        raise damaged(error) from error
    raise CodecError(
        f"Cannot read an Arrow array whose metadata has the kind {kind!r:.100}; "
        "expected 'array', 'frame', 'msgpack' or 'record', as to_arrow writes it."
    )


def _part(array: Any) -> memoryview:
    """Return the memory of an array of bytes that is a part of its buffer."""
    if array.type != _UINT8:
        raise ValueError(f"expected uint8, not {array.type}")
    return memoryview(array.buffers()[1])[array.offset : array.offset + len(array)]


def _array_from_arrow(array: Any, metadata: Mapping[str, Any]) -> Any:
    described = _read_described(metadata["dtype"], metadata["shape"])
    arrow_type, length, dtype, shape = described
    if len(array) != length or array.type != arrow_type:
        raise ValueError(
            f"expected {length} of {arrow_type}, not {len(array)} of {array.type}"
        )
    buffer, offset = array.buffers()[1] if length else b"", array.offset
    if offset:
        offset *= arrow_type.bit_width // 8
    made = ndarray(shape, dtype, buffer, offset if length else 0)
    made.setflags(False)
    return made.transpose(json.loads(metadata["axes"])) if "axes" in metadata else made


@functools.lru_cache(maxsize=1024)
def _read_described(name: str, text: str) -> tuple[Any, int, Any, tuple[int, ...]]:
    """Return the Arrow type, the length, the dtype and the shape of an array."""
    dtype, shape = array_buffers.dtype_of(name), tuple(json.loads(text))
    return (*_described(dtype, shape)[:2], dtype, shape)
