"""Kinds of values that hold no others: numbers, text, enums, paths, arrays."""

from __future__ import annotations

import base64
import enum
import math
import struct
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from like_keras_core.errors import NotSerializableError, SpecError
from like_keras_core.values import array_buffers
from like_keras_core.values.class_refs import Resolver, entry_point_of
from like_keras_core.values.dataclass_rows import find_class
from like_keras_core.values.kind import (
    Encode,
    Feed,
    Kind,
    Same,
    Split,
    Update,
    saved_class,
    sent_as_it_is,
)
from like_keras_core.values.msgpack_ext import COMPLEX, Code

_SAFE_INT = 2**53
_PATHS: Mapping[str, type[PurePath]] = {
    "path": Path,
    "posix": PurePosixPath,
    "windows": PureWindowsPath,
}
_PATH_NAMES = {type(Path()): "path", PurePosixPath: "posix", PureWindowsPath: "windows"}


def _split_int(value: int, where: str) -> tuple[int, bytes] | None:
    if -(2**63) <= value < 2**64:
        return None
    size = value.bit_length() // 8 + 1
    return Code.INT, value.to_bytes(size, "big", signed=True)


def _split_text(value: str, where: str) -> tuple[int, bytes] | None:
    data = value.encode("utf-8", "surrogatepass")
    return None if data == value.encode("utf-8", "replace") else (Code.TEXT, data)


def _same_float(a: float, b: float, same: Same) -> bool:
    return struct.pack("<d", a) == struct.pack("<d", b) or (a != a and b != b)


def _feed_float(value: float, update: Update, feed: Feed) -> None:
    update(b"nan" if math.isnan(value) else repr(value).encode())


def _is_enum(cls: type) -> bool:
    return issubclass(cls, enum.Enum)


def _is_member(value: enum.Enum) -> bool:
    """Say whether an enum's value has a name; a combination of flags has none."""
    return value.name in type(value).__members__


def _enum_to_json(value: enum.Enum, where: str, encode: Encode) -> Any:
    entry_point = entry_point_of(type(value), where)
    if _is_member(value):
        return {"$enum": [entry_point, value.name]}
    return {"$flag": [entry_point, value.value]}


def _enum_split(cls: type, where: str) -> Split:
    entry_point = entry_point_of(cls, where)
    return lambda value, where: (
        (Code.ENUM, (value.name, entry_point))
        if _is_member(value)
        else (Code.FLAG, (value.value, entry_point))
    )


def _path_to_json(value: PurePath, where: str, encode: Encode) -> Any:
    names = (name for name, cls in _PATHS.items() if isinstance(value, cls))
    return {"$path": [next(names, "posix"), str(value)]}


def _make_path(content: Any, resolve: Resolver) -> PurePath:
    return _PATHS[content[0]](content[1])


def _is_numpy(name: str) -> Callable[[type], bool]:
    """Return what says whether a class is one of numpy's, or a subclass of it."""

    def holds(cls: type) -> bool:
        numpy = sys.modules.get("numpy")
        return numpy is not None and issubclass(cls, getattr(numpy, name))

    return holds


def _array_to_json(value: Any, where: str, encode: Encode) -> Any:
    numpy = sys.modules["numpy"]
    if value.dtype.kind not in array_buffers.PLAIN_DTYPES or type(value) not in (
        numpy.ndarray,
        value.dtype.type,
    ):
        raise NotSerializableError(
            f"{where} is an array of dtype {value.dtype}; arrays of numbers, text and "
            "times can be saved, arrays of objects and structures cannot."
        )
    data = base64.b64encode(array_buffers.content_bytes(value)).decode("ascii")
    if isinstance(value, numpy.generic):
        return {"$scalar": [value.dtype.str, data]}
    return {"$array": [value.dtype.str, list(value.shape), data]}


def _make_array(content: Any, resolve: Resolver) -> Any:
    import numpy

    dtype, shape, data = content
    if numpy.dtype(dtype).kind not in array_buffers.PLAIN_DTYPES:
        raise SpecError(f"Arrays of dtype {dtype!r} are not read.")
    flat = numpy.frombuffer(base64.b64decode(data), dtype=dtype)
    return flat.reshape(tuple(shape)).copy()


def _make_scalar(content: Any, resolve: Resolver) -> Any:
    return _make_array([content[0], (), content[1]], resolve)[()]


def _split_scalar(value: Any, where: str) -> tuple[int, Any]:
    array_buffers.check_array(value, where)
    return Code.SCALAR, array_buffers.scalar_content(value)


def _same_array(a: Any, b: Any, same: Same) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.hasobject:
        pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        return all(same(x, y) for x, y in pairs)
    if a.dtype.names is not None:
        return all(_same_array(a[name], b[name], same) for name in a.dtype.names)
    content = array_buffers.content_bytes
    if content(a) == content(b):
        return True
    if a.dtype.kind not in "fc":
        return False
    numpy = sys.modules["numpy"]
    both_nan = numpy.isnan(a) & numpy.isnan(b)
    first, second = numpy.where(both_nan, 0, a), numpy.where(both_nan, 0, b)
    return content(first) == content(second)


def _feed_array(value: Any, update: Update, feed: Feed) -> None:
    update(f"{value.dtype}{value.shape}".encode())
    if value.dtype.hasobject:
        feed(value.tolist())
    else:
        update(array_buffers.content_bytes(value))


CONSTANT = Kind(classes=(range, type, type(...)), is_immutable=True, is_atom=True)
SINGLETON = Kind(
    classes=(type(None), bool),
    is_immutable=True,
    is_plain=True,
    is_atom=True,
    to_json=lambda value, where, encode: value,
    split=sent_as_it_is,
)
INT = Kind(
    classes=(int,),
    is_immutable=True,
    is_plain=True,
    is_atom=True,
    to_json=lambda value, where, encode: (
        value if -_SAFE_INT <= value <= _SAFE_INT else {"$int": hex(value)}
    ),
    from_json={"$int": lambda content, resolve: int(content, 16)},
    split=lambda cls, where: _split_int,
    join={Code.INT: lambda data, resolve: int.from_bytes(data, "big", signed=True)},
)
FLOAT = Kind(
    classes=(float,),
    is_immutable=True,
    is_plain=True,
    is_atom=True,
    to_json=lambda value, where, encode: (
        value if math.isfinite(value) else {"$float": repr(value)}
    ),
    from_json={"$float": lambda content, resolve: float(content)},
    split=sent_as_it_is,
    same=_same_float,
    feed=_feed_float,
)
COMPLEX_NUMBER = Kind(
    classes=(complex,),
    is_immutable=True,
    is_atom=True,
    to_json=lambda value, where, encode: {
        "$complex": encode([value.real, value.imag], where)
    },
    from_json={"$complex": lambda content, resolve: complex(*content)},
    split=lambda cls, where: (
        lambda value, where: (
            Code.COMPLEX,
            COMPLEX.pack(value.real, value.imag),
        )
    ),
    join={Code.COMPLEX: lambda data, resolve: complex(*COMPLEX.unpack(data))},
    as_other=lambda value, fingerprint: (value.real, value.imag),
)
FRACTION = Kind(
    classes=(Fraction,),
    is_immutable=True,
    to_json=lambda value, where, encode: {
        "$fraction": encode([value.numerator, value.denominator], where)
    },
    from_json={"$fraction": lambda content, resolve: Fraction(*content)},
)
TEXT = Kind(
    classes=(str,),
    is_immutable=True,
    is_plain=True,
    is_atom=True,
    to_json=lambda value, where, encode: value,
    split=lambda cls, where: _split_text,
    join={Code.TEXT: lambda data, resolve: str(data, "utf-8", "surrogatepass")},
)
BYTES = Kind(
    classes=(bytes,),
    is_immutable=True,
    is_plain=True,
    is_atom=True,
    to_json=lambda value, where, encode: {
        "$bytes": base64.b64encode(value).decode("ascii")
    },
    from_json={
        "$bytes": lambda content, resolve: base64.b64decode(content, validate=True)
    },
    split=sent_as_it_is,
)
ENUM = Kind(
    holds=_is_enum,
    is_atom=True,
    to_json=_enum_to_json,
    from_json={
        "$enum": lambda content, resolve: saved_class(
            content[0], resolve, _is_enum, "enum"
        )[content[1]],
        "$flag": lambda content, resolve: saved_class(
            content[0], resolve, lambda cls: issubclass(cls, enum.Flag), "flag"
        )(content[1]),
    },
    split=_enum_split,
    join={
        Code.ENUM: lambda content, resolve: find_class(resolve, content[1], enum.Enum)[
            content[0]
        ],
        Code.FLAG: lambda content, resolve: find_class(resolve, content[1], enum.Flag)(
            content[0]
        ),
    },
)
PATH = Kind(
    holds=lambda cls: issubclass(cls, PurePath),
    is_atom=True,
    to_json=_path_to_json,
    from_json={"$path": _make_path},
    split=lambda cls, where: (
        (lambda value, where: (Code.PATH, (_PATH_NAMES[cls], str(value))))
        if cls in _PATH_NAMES
        else None
    ),
    join={Code.PATH: _make_path},
)
ARRAY = Kind(
    holds=_is_numpy("ndarray"),
    to_json=_array_to_json,
    from_json={"$array": _make_array},
    split=lambda cls, where: lambda value, where: (Code.ARRAY, value),
    same=_same_array,
    feed=_feed_array,
)
SCALAR = Kind(
    holds=_is_numpy("generic"),
    to_json=_array_to_json,
    from_json={"$scalar": _make_scalar},
    split=lambda cls, where: _split_scalar,
    join={Code.SCALAR: lambda content, resolve: array_buffers.make_scalar(*content)},
    same=_same_array,
    feed=_feed_array,
)
