"""Values from MessagePack and the memory of their arrays; `packing` says how.

What arrives may be damaged, or made to do harm. Whatever is wrong with it raises; the
caller makes one error of all.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from msgspec.msgpack import Decoder
from msgspec.msgpack import decode as read

from like_keras_core.errors import CodecError
from like_keras_core.values import array_buffers, dataclass_rows
from like_keras_core.values.class_refs import resolve as resolve_entry_point
from like_keras_core.values.config_json import Resolver
from like_keras_core.values.msgpack_ext import COMPLEX, Code
from like_keras_core.values.registry import registered

Take = Callable[[int], tuple[Any, int]]
"""Gives the memory of the next array, of a size: a buffer and where it begins."""

_PATHS: Mapping[str, type[PurePath]] = {
    "path": Path,
    "posix": PurePosixPath,
    "windows": PureWindowsPath,
}


def _no_arrays(size: int) -> tuple[Any, int]:
    raise ValueError("there is an array in it, without its data")


class Unpacker:
    """Unpacks one value; without arrays, any number of them.

    Args:
        resolve: Turns a class's name into the class.
        take: Gives the memory of the next array.
    """

    __slots__ = ("_resolve", "_take")

    def __init__(self, resolve: Resolver, take: Take = _no_arrays) -> None:
        self._resolve = resolve
        self._take = take

    def unpack(self, data: Any) -> Any:
        """Return the value that MessagePack data stands for."""
        return read(data, ext_hook=self.extension)

    def extension(self, code: int, data: memoryview) -> Any:
        """Return the value that an extension stands for."""
        return _READERS[code](self, data)

    def _int(self, data: memoryview) -> int:
        return int.from_bytes(data, "big", signed=True)

    def _text(self, data: memoryview) -> str:
        return str(data, "utf-8", "surrogatepass")

    def _complex(self, data: memoryview) -> complex:
        return complex(*COMPLEX.unpack(data))

    def _path(self, data: memoryview) -> PurePath:
        kind, text = self.unpack(data)
        return _PATHS[kind](text)

    def _tuple(self, data: memoryview) -> tuple[Any, ...]:
        return tuple(self.unpack(data))

    def _tuples(self, data: memoryview) -> list[tuple[Any, ...]]:
        flat, width = self.unpack(data)
        if type(width) is not int or not 0 < width <= len(flat):
            raise ValueError(f"{len(flat)} values are no tuples of {width!r:.100}")
        return list(zip(*[iter(flat)] * width, strict=True))

    def _set(self, data: memoryview) -> set[Any]:
        return set(self.unpack(data))

    def _frozenset(self, data: memoryview) -> frozenset[Any]:
        return frozenset(self.unpack(data))

    def _dict(self, data: memoryview) -> dict[Any, Any]:
        flat = self.unpack(data)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def _enum(self, data: memoryview) -> Any:
        name, entry_point = self.unpack(data)
        return dataclass_rows.find_class(self._resolve, entry_point, enum.Enum)[name]

    def _flag(self, data: memoryview) -> Any:
        value, entry_point = self.unpack(data)
        return dataclass_rows.find_class(self._resolve, entry_point, enum.Flag)(value)

    def _record(self, data: memoryview) -> Any:
        row, signature = read(data, ext_hook=self.extension)
        return dataclass_rows.find_record(self._resolve, signature).from_row(row)

    def _records(self, data: memoryview) -> list[Any]:
        flat, signature = self.unpack(data)
        return dataclass_rows.find_record(self._resolve, signature).from_rows(flat)

    def _object(self, data: memoryview) -> Any:
        found, signature = self.unpack(data)
        cls = dataclass_rows.find_dataclass(self._resolve, signature)
        return dataclass_rows.with_attributes(cls, found)

    def _scalar(self, data: memoryview) -> Any:
        name, content = self.unpack(data)
        return array_buffers.make_scalar(name, content)

    def _array(self, data: memoryview) -> Any:
        name, shape, axes = self.unpack(data)
        dtype = array_buffers.dtype_of(name)
        buffer, offset = self._take(array_buffers.size_of(dtype, shape))
        return array_buffers.view(dtype, shape, axes, buffer, offset)

    def _registered(self, data: memoryview) -> Any:
        inner, entry_point = self.unpack(data)
        cls = dataclass_rows.find_class(self._resolve, entry_point, object)
        if cls not in registered:
            raise CodecError(
                f"Cannot read a message: no decoder for {entry_point!r}. Call "
                f"lk.register_type({cls.__qualname__}, encode, decode) in module "
                f"{cls.__module__!r}."
            )
        return registered[cls][1](inner)


_READERS: Mapping[int, Callable[[Unpacker, memoryview], Any]] = {
    Code.INT: Unpacker._int,
    Code.TEXT: Unpacker._text,
    Code.COMPLEX: Unpacker._complex,
    Code.PATH: Unpacker._path,
    Code.TUPLE: Unpacker._tuple,
    Code.TUPLES: Unpacker._tuples,
    Code.SET: Unpacker._set,
    Code.FROZENSET: Unpacker._frozenset,
    Code.DICT: Unpacker._dict,
    Code.ENUM: Unpacker._enum,
    Code.FLAG: Unpacker._flag,
    Code.RECORD: Unpacker._record,
    Code.RECORDS: Unpacker._records,
    Code.OBJECT: Unpacker._object,
    Code.SCALAR: Unpacker._scalar,
    Code.ARRAY: Unpacker._array,
    Code.REGISTERED: Unpacker._registered,
}


READ = Decoder(ext_hook=Unpacker(resolve_entry_point).extension).decode
"""Gives the value of a message without arrays, with no allow-list."""
