"""Values as Arrow arrays, with metadata for programs that do not know like_keras.

The metadata is a dict of strings, and its `kind` says what the array is:

- `array`: a numpy array, as an Arrow array of the same numbers. `dtype` is numpy's name
  for it, `shape` a JSON list; `axes`, if there, a JSON list for `transpose` after
  `reshape`. What Arrow has no type for is `uint8`.
- `record`: a dataclass or a named tuple, as MessagePack of a list of its fields, which
  `class` names after the class.
- `msgpack`: MessagePack of any value without arrays.
- `frame`: a value with arrays inside, as the core's `to_bytes` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow
from msgspec.msgpack import Ext
from msgspec.msgpack import decode as read
from msgspec.msgpack import encode as write
from numpy import ndarray

from like_keras_core.engine_kit import Resolver, resolve_class, value_bytes
from like_keras_core.engine_kit.value_bytes import Code, from_bytes, to_bytes
from like_keras_core.errors import CodecError, LoadError

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
_FRAME = b"\xc1"
"""What a message with arrays begins with, and no MessagePack does."""
_PLAIN = frozenset({type(None), bool, int, float, str, bytes})


def to_column(value: Any, where: str = "value") -> tuple[Any, dict[str, str]]:
    """Return `value` as an Arrow array, and the metadata that must go with it.

    Args:
        value: What to encode. An array that is the whole value is not copied.
        where: What it is, for the error: `"output 'camera.image'"`.

    Raises:
        NotSerializableError: A part of it cannot be written; the error says which
            part, its type, and what can be done.
    """
    if type(value) is ndarray:
        return _from_numpy(value, where)
    data = to_bytes(value, where)
    if data.startswith(_FRAME):
        return _column(_UINT8, data), {"kind": "frame"}
    record = _plain_record(data)
    if record is None:
        return _column(_UINT8, data), {"kind": "msgpack"}
    row, signature = record
    return _column(_UINT8, write(row)), {"kind": "record", "class": signature}


def from_column(
    column: Any, metadata: Mapping[str, Any], resolve: Resolver = resolve_class
) -> Any:
    """Return the value that `to_column` was given.

    Args:
        column: The Arrow array. The arrays of the value are read-only views of its
            memory, and keep it alive.
        metadata: What came with it; keys of others are left alone.
        resolve: Turns `"module:Class"` into the class; an allow-list goes here.

    Raises:
        CodecError: It is not what `to_column` makes.
        LoadError: A class in it cannot be found, or is not allowed.
    """
    try:
        kind = metadata["kind"]
        if kind == "array":
            return _to_numpy(column, metadata)
        data = _bytes_of(column, _UINT8)
        if kind in ("msgpack", "frame"):
            return from_bytes(data, resolve)
        if kind == "record":
            return make_record(read(data), metadata["class"], resolve)
    except (CodecError, LoadError):
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise CodecError(
            f"Cannot read an Arrow array: {reason}. It is damaged, or it was not "
            "written by like_keras."
        ) from error
    raise CodecError(
        f"Cannot read an Arrow array whose metadata has the kind {kind!r:.100}; "
        "expected 'array', 'frame', 'msgpack' or 'record'."
    )


def make_record(row: Sequence[Any], signature: str, resolve: Resolver) -> Any:
    """Return an instance of a dataclass or a named tuple.

    Args:
        row: Its fields: plain values.
        signature: The class's name and its fields': `"messages:Pose(x,y)"`.
        resolve: Turns `"module:Class"` into the class.

    Raises:
        CodecError: The class has other fields, or is not one of records.
        LoadError: It cannot be found, or is not allowed.
    """
    return from_bytes(write(Ext(Code.RECORD, write((row, signature)))), resolve)


def _plain_record(data: bytes) -> tuple[list[Any], str] | None:
    """Return a message's fields and class, if it is a record of plain values."""
    message = read(data)
    if type(message) is not Ext or message.code != Code.RECORD:
        return None
    row, signature = read(message.data)
    return (row, signature) if _PLAIN.issuperset(map(type, row)) else None


def _from_numpy(array: Any, where: str) -> tuple[Any, dict[str, str]]:
    value_bytes.check_array(array, where)
    data, axes = value_bytes.dense(array)
    name = value_bytes.dtype_name(data.dtype)
    metadata = {"kind": "array", "dtype": name, "shape": json.dumps(data.shape)}
    if axes:
        metadata["axes"] = json.dumps(axes)
    return _column(_TYPES.get(name, _UINT8), value_bytes.flat_bytes(data)), metadata


def _to_numpy(column: Any, metadata: Mapping[str, Any]) -> Any:
    name, shape = metadata["dtype"], json.loads(metadata["shape"])
    axes = json.loads(metadata.get("axes", "[]"))
    dtype, data = (
        value_bytes.dtype_of(name),
        _bytes_of(column, _TYPES.get(name, _UINT8)),
    )
    size = value_bytes.size_of(dtype, shape)
    if size != len(data):
        raise ValueError(f"expected {size} bytes, not {len(data)}")
    return value_bytes.view(dtype, shape, axes, data, 0)


def _column(arrow_type: Any, data: Any) -> Any:
    length = len(data) * 8 // arrow_type.bit_width
    buffers = [None, pyarrow.py_buffer(data)]
    return pyarrow.Array.from_buffers(arrow_type, length, buffers)


def _bytes_of(column: Any, arrow_type: Any) -> memoryview:
    """Return the memory of an Arrow array, which may begin inside its buffer."""
    if column.type != arrow_type:
        raise ValueError(f"expected {arrow_type}, not {column.type}")
    width = arrow_type.bit_width // 8
    start, size = column.offset * width, len(column) * width
    memory = memoryview(column.buffers()[1] or b"")[start : start + size]
    return memory.toreadonly()
