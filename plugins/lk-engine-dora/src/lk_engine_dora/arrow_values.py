"""Values as Arrow arrays: for dora nodes that are not ours, and on the way to others.

A node that is not ours is given arrays of Arrow and gives such. Between our own
processes they travel as any value, once `register_arrays` was called in both.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from like_keras_core import register_type

Metadata = Mapping[str, Any]

_SCALARS = (bool, int, float, str, np.generic)


@functools.cache
def register_arrays() -> None:
    """Let Arrow arrays be recorded, saved and sent between processes."""
    for cls in _subclasses(pa.Array):
        register_type(cls, _to_bytes, _from_bytes)


def _subclasses(cls: type) -> Iterator[type]:
    children: list[type] = type.__subclasses__(cls)
    for child in children:
        yield child
        yield from _subclasses(child)


def _to_bytes(array: Any) -> np.ndarray:
    """Return an array in Arrow's own format for other processes."""
    batch = pa.record_batch([array], names=[""])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return np.frombuffer(sink.getvalue(), np.uint8)


def _from_bytes(data: np.ndarray) -> Any:
    """Return the array, in the memory of the data."""
    with pa.ipc.open_stream(pa.py_buffer(data)) as reader:
        return reader.read_next_batch().column(0)


def to_arrow(value: Any, where: str) -> tuple[Any, dict[str, Any]]:
    """Return a value as an Arrow array, and the metadata to send beside it.

    Args:
        value: An Arrow array stays as it is. A numpy array is given flat, with its
            dtype and shape in the metadata, and is copied only if its memory has
            gaps. Bytes become an array of uint8; a number or a string an array of one.
        where: What it is, for the error.

    Raises:
        TypeError: Arrow has no such array.
    """
    if isinstance(value, pa.Array):
        return value, {}
    try:
        if isinstance(value, np.ndarray):
            flat = np.ascontiguousarray(value).reshape(-1)
            described = {"dtype": value.dtype.name, "shape": list(value.shape)}
            return pa.array(flat), described
        if isinstance(value, bytes):
            return pa.array(np.frombuffer(value, np.uint8)), {}
        if isinstance(value, _SCALARS):
            return pa.array([value]), {}
    except (pa.ArrowException, OverflowError) as error:
        raise TypeError(f"{where} cannot be an Arrow array: {error}.") from error
    kind = type(value)
    raise TypeError(
        f"{where} is {value!r:.100} of type {kind.__module__}.{kind.__qualname__}; a "
        "dora node that is not ours takes Arrow arrays, numpy arrays, bytes, numbers "
        "and strings. Send pyarrow.array(...) of it."
    )


def to_numpy(array: Any, metadata: Metadata, where: str) -> np.ndarray:
    """Return an Arrow array as a numpy array that shows the same memory.

    It has the shape that the metadata says, and the dtype, where they fit. Booleans
    are copied: Arrow keeps them as bits.

    Raises:
        TypeError: Its values are not numbers, booleans or times, or some are missing.
    """
    try:
        is_bits = pa.types.is_boolean(array.type) and not array.null_count
        found: np.ndarray = array.to_numpy(zero_copy_only=not is_bits)
    except pa.ArrowException as error:
        raise TypeError(
            f"{where} is an Arrow array of {array.type} with {array.null_count} "
            f"missing values, which numpy cannot show: {error}. Annotate the input "
            "that it is connected to as pyarrow.Array."
        ) from error
    return _shaped(found, metadata.get("dtype"), metadata.get("shape"))


def _shaped(array: np.ndarray, dtype: Any, shape: Any) -> np.ndarray:
    if isinstance(dtype, str) and dtype != array.dtype.name:
        try:
            array = array.view(dtype)
        except (TypeError, ValueError):
            # Another's metadata may mean something else by it.
            return array
    if isinstance(shape, Sequence) and not isinstance(shape, str):
        try:
            return array.reshape(tuple(shape))
        except (TypeError, ValueError):
            return array
    return array
