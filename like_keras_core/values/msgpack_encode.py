"""Values as MessagePack and a list of arrays.

What MessagePack can write stands for itself: None, bool, int, float, str, bytes, list
and dict. Everything else is an extension, by `Code`, whose data is MessagePack again.
An array's data is kept out of it, in the order in which the arrays are met.

The types of plain values are looked at all at once, in C; that is what makes it fast.
Whether an int fits and a string is UTF-8 is found out by writing: a value with one that
does not is packed again, by a packer that looks at each.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from msgspec.msgpack import Ext
from msgspec.msgpack import encode as write

from like_keras_core.errors import NotSerializableError
from like_keras_core.values import array_buffers
from like_keras_core.values.config_json import advice
from like_keras_core.values.instance_kinds import RECORDS
from like_keras_core.values.kind import Split
from like_keras_core.values.kinds import PLAIN, kind_of
from like_keras_core.values.msgpack_ext import Code

_ARRAY, _RECORD = int(Code.ARRAY), int(Code.RECORD)
Tree = Any
"""What msgspec writes exactly: plain values, lists and dicts of them, extensions."""


def pack(value: Any, where: str) -> tuple[bytes, Sequence[Any]]:
    """Return a value as MessagePack, and its arrays, each C-contiguous.

    Args:
        value: What to write.
        where: What it is, for the error.

    Raises:
        NotSerializableError: A part of it cannot be sent; the message says which part,
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
        parts = kind_of(type(value)).parts(value, where)
        inner = (_explained(part, place) for part, place in parts)
        return next(filter(None, inner), error)
    return None


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
        return self._split(kind, value)

    def _array(self, value: Any) -> Tree:
        array_buffers.check_array(value, self.where)
        data, axes = array_buffers.dense(value)
        self.arrays.append(data)
        name = array_buffers.dtype_name(data.dtype)
        return Ext(Code.ARRAY, write((name, data.shape, axes)))

    def _split(self, kind: type, value: Any) -> Tree:
        split = _splitters.get(kind) or self._splitter(kind, value)
        found = split(value, self.where)
        if found is None:
            return value
        code, content = found
        if type(content) is bytes:
            return Ext(code, content)
        if code == _ARRAY:
            return self._array(content)
        if code == _RECORD:
            # A row is not packed as the tuple that it is.
            content = (self.items(content[0]), content[1])
        else:
            content = self.items(content)
        return Ext(code, write(content))

    def _splitter(self, kind: type, value: Any) -> Split:
        """Return what splits the instances of a class that was not met before."""
        split = kind_of(kind).split(kind, self.where)
        if split is None:
            raise NotSerializableError(advice(self.where, value))
        _splitters[kind] = split
        return split

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
        return self._split(dict, value)

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
            self._splitter(kind, values[0])
            record = RECORDS.get(kind)
        if record is None or not record.names:
            return None
        flat = itertools.chain.from_iterable(map(record.read, values))
        rows = self.items(list(flat))
        return Ext(Code.RECORDS, write((rows, record.signature)))


class _SafePacker(_Packer):
    """Packs a value that has ints or strings that msgspec does not write."""

    plain = PLAIN - {int, str}


_splitters: dict[type, Split] = {}
"""What splits the instances of the classes that were met."""
