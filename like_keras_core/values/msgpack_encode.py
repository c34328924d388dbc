"""Values as MessagePack and a list of arrays.

What MessagePack can write stands for itself: None, bool, int, float, str, bytes, list
and dict. Everything else is an extension, by `Code`, whose data is MessagePack again.
An array's data is kept out of it, in the order in which the arrays are met.

The types of plain values are looked at all at once, in C; that is what makes it fast.
Whether an int fits and a text is UTF-8 is found out by writing: a value with one that
does not is packed anew, by a packer that looks at each.
"""

from __future__ import annotations

import enum
import functools
import itertools
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, ClassVar

from msgspec.msgpack import Ext
from msgspec.msgpack import encode as write

from like_keras_core.errors import NotSerializableError
from like_keras_core.values import array_buffers, dataclass_rows
from like_keras_core.values.class_refs import entry_point_of
from like_keras_core.values.config_json import advice
from like_keras_core.values.msgpack_ext import COMPLEX, Code
from like_keras_core.values.registry import registered

Tree = Any
"""What msgspec writes exactly: plain values, lists and dicts of them, extensions."""

PLAIN = frozenset({type(None), bool, int, float, str, bytes})
RECORDS: dict[type, dataclass_rows.Record] = {}
"""The classes of records that were met."""
_PATHS: dict[type, str] = {
    type(Path()): "path",
    PurePosixPath: "posix",
    PureWindowsPath: "windows",
}


def pack(value: Any, where: str) -> tuple[bytes, Sequence[Any]]:
    """Return a value as MessagePack, and its arrays, each C-contiguous.

    Args:
        value: What to write.
        where: What it is, for the error.

    Raises:
        NotSerializableError: A part of it cannot be sent; the text says which part,
            its type, and what can be done.
    """
    kind = type(value)
    try:
        # What needs no packer: most messages, and all that are small and frequent.
        if kind in PLAIN or (
            kind is dict
            and PLAIN.issuperset(map(type, value))
            and PLAIN.issuperset(map(type, value.values()))
        ):
            return write(value), ()
        record = RECORDS.get(kind)
        if record is not None:
            row = record.read(value)
            if PLAIN.issuperset(map(type, row)):
                return write(Ext(Code.RECORD, write((row, record.signature)))), ()
    except (OverflowError, UnicodeEncodeError):
        pass
    try:
        try:
            return _pack(value, _Packer())
        except (OverflowError, UnicodeEncodeError):
            return _pack(value, _SafePacker())
        except NotSerializableError as error:
            raise _explained(value, where) or error from None
    except RecursionError:
        raise NotSerializableError(
            f"{where} contains itself, or its parts are nested too deep to be sent."
        ) from None


def _pack(value: Any, packer: _Packer) -> tuple[bytes, Sequence[Any]]:
    return write(packer.pack(value)), packer.arrays


def _explained(value: Any, where: str) -> NotSerializableError | None:
    """Return the error for the innermost part that cannot be sent."""
    try:
        _SafePacker(where).pack(value)
    except NotSerializableError as error:
        inner = (_explained(part, place) for part, place in _parts(value, where))
        return next(filter(None, inner), error)
    return None


def _parts(value: Any, where: str) -> Iterator[tuple[Any, str]]:
    kind = type(value)
    if kind in registered:
        yield registered[kind][0](value), where
    elif kind in (list, tuple):
        yield from ((item, f"{where}[{n}]") for n, item in enumerate(value))
    elif kind in (set, frozenset):
        yield from ((item, f"an element of {where}") for item in value)
    elif kind is dict:
        for key, item in value.items():
            yield key, f"a key of {where}"
            yield item, f"{where}[{key!r}]"
    elif dataclass_rows.is_named_tuple(kind):
        for name, item in zip(kind._fields, value, strict=True):
            yield item, f"{where}.{name}"
    elif dataclass_rows.is_dataclass(kind):
        for name, item in dataclass_rows.attributes(value).items():
            yield item, f"{where}.{name}"


class _Packer:
    """Packs one value.

    Args:
        where: What the value is, for the error.
    """

    plain: ClassVar[frozenset[type]] = PLAIN
    """Types whose values are written as they are."""

    def __init__(self, where: str = "value") -> None:
        self.arrays: list[Any] = []
        self.where = where

    def pack(self, value: Any) -> Tree:
        """Return a value as what msgspec writes exactly."""
        kind = type(value)
        if kind in self.plain:
            return value
        if kind is dict:
            return self._dict(value)
        if kind is list:
            return self._list(value)
        return self._way(kind, value)(self, value)

    def _way(self, kind: type, value: Any) -> _Pack:
        """Return what packs the instances of a class."""
        way = _ways.get(kind)
        if way is None:
            way = _ways[kind] = _way_of(kind, value, self.where)
        return way

    def items(self, values: Collection[Any]) -> Collection[Tree]:
        """Return the values, each as what msgspec writes exactly."""
        if self.plain.issuperset(map(type, values)):
            return values
        return [self.pack(value) for value in values]

    def _dict(self, value: dict[Any, Any]) -> Tree:
        if self.plain.issuperset(map(type, value)):
            if self.plain.issuperset(map(type, value.values())):
                return value
            return {key: self.pack(item) for key, item in value.items()}
        flat = list(itertools.chain.from_iterable(value.items()))
        return Ext(Code.DICT, write(self.items(flat)))

    def _list(self, value: list[Any]) -> Tree:
        kinds = set(map(type, value))
        if kinds <= self.plain:
            return value
        if len(kinds) == 1:
            packed = self._alike(kinds.pop(), value)
            if packed is not None:
                return packed
        return [self.pack(item) for item in value]

    def _alike(self, kind: type, values: list[Any]) -> Tree | None:
        """Return a list of values of one class as one thing, if there is a way."""
        if kind is list:
            flat = itertools.chain.from_iterable(values)
            return values if self.plain.issuperset(map(type, flat)) else None
        if kind is tuple:
            widths = set(map(len, values))
            if len(widths) > 1 or 0 in widths:
                return None
            rows = self.items(list(itertools.chain.from_iterable(values)))
            return Ext(Code.TUPLES, write((rows, widths.pop())))
        record = RECORDS.get(kind)
        if record is None and kind is not dict:
            self._way(kind, values[0])
            record = RECORDS.get(kind)
        if record is None or not record.names:
            return None
        flat = itertools.chain.from_iterable(map(record.read, values))
        rows = self.items(list(flat))
        return Ext(Code.RECORDS, write((rows, record.signature)))


class _SafePacker(_Packer):
    """Packs a value that has ints or texts that msgspec does not write."""

    plain = PLAIN - {int, str}


_Pack = Callable[[_Packer, Any], Tree]


def _extension(code: int, *content: Tree) -> Ext:
    return Ext(code, write(content))


def _way_of(kind: type, value: Any, where: str) -> _Pack:
    """Return what packs the instances of a class that is met for the first time."""
    if kind in registered:
        return functools.partial(_pack_registered, entry_point_of(kind, where))
    if issubclass(kind, enum.Enum):
        return functools.partial(_pack_enum, entry_point_of(kind, where))
    if dataclass_rows.is_record(kind):
        record = dataclass_rows.Record(kind, entry_point_of(kind, where))
        RECORDS[kind] = record
        return functools.partial(_pack_record, record)
    if dataclass_rows.is_dataclass(kind):
        signature = dataclass_rows.signature_of(kind, entry_point_of(kind, where))
        return functools.partial(_pack_object, signature)
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.ndarray):
        return _pack_array
    if numpy is not None and issubclass(kind, numpy.generic):
        return _pack_scalar
    raise NotSerializableError(advice(where, value))


def _pack_int(packer: _Packer, value: int) -> Tree:
    if -(2**63) <= value < 2**64:
        return value
    size = value.bit_length() // 8 + 1
    return Ext(Code.INT, value.to_bytes(size, "big", signed=True))


def _pack_text(packer: _Packer, value: str) -> Tree:
    data = value.encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        return Ext(Code.TEXT, data)
    return value


def _pack_complex(packer: _Packer, value: complex) -> Tree:
    return Ext(Code.COMPLEX, COMPLEX.pack(value.real, value.imag))


def _pack_path(packer: _Packer, value: PurePath) -> Tree:
    return _extension(Code.PATH, _PATHS[type(value)], _pack_text(packer, str(value)))


def _pack_items(code: int, packer: _Packer, value: Any) -> Tree:
    return Ext(code, write(packer.items(value)))


def _pack_enum(entry_point: str, packer: _Packer, value: enum.Enum) -> Tree:
    if value.name in type(value).__members__:
        return _extension(Code.ENUM, value.name, entry_point)
    return _extension(Code.FLAG, packer.pack(value.value), entry_point)


def _pack_record(record: dataclass_rows.Record, packer: _Packer, value: Any) -> Tree:
    row = packer.items(record.read(value))
    return Ext(Code.RECORD, write((row, record.signature)))


def _pack_object(signature: str, packer: _Packer, value: Any) -> Tree:
    return _extension(
        Code.OBJECT, packer.pack(dataclass_rows.attributes(value)), signature
    )


def _pack_array(packer: _Packer, value: Any) -> Tree:
    array_buffers.check_array(value, packer.where)
    data, axes = array_buffers.dense(value)
    packer.arrays.append(data)
    return _extension(
        Code.ARRAY, array_buffers.dtype_name(data.dtype), data.shape, axes
    )


def _pack_scalar(packer: _Packer, value: Any) -> Tree:
    array_buffers.check_array(value, packer.where)
    name, content = array_buffers.scalar_content(value)
    return _extension(Code.SCALAR, name, packer.pack(content))


def _pack_registered(entry_point: str, packer: _Packer, value: Any) -> Tree:
    inner = registered[type(value)][0](value)
    return _extension(Code.REGISTERED, packer.pack(inner), entry_point)


_ways: dict[type, _Pack] = {
    int: _pack_int,
    str: _pack_text,
    complex: _pack_complex,
    tuple: functools.partial(_pack_items, Code.TUPLE),
    set: functools.partial(_pack_items, Code.SET),
    frozenset: functools.partial(_pack_items, Code.FROZENSET),
    **dict.fromkeys(_PATHS, _pack_path),
}
