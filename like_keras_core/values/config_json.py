"""Config values as JSON data and back, to an equal value of the same type.

Plain JSON stands for itself. Everything else is an object with one key that begins
with `$`: `{"$tuple": [1, 2]}`. A dict whose own keys would be mistaken for one, or are
not text, is written as `{"$dict": [[key, value], ...]}`.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from like_keras_core.errors import LoadError, NotSerializableError, SpecError
from like_keras_core.values.class_refs import entry_point_of
from like_keras_core.values.class_refs import resolve as resolve_entry_point
from like_keras_core.values.registry import registered

_SAFE_INT = 2**53
_PATHS: Mapping[str, type[PurePath]] = {
    "path": Path,
    "posix": PurePosixPath,
    "windows": PureWindowsPath,
}
_PLAIN_DTYPES = "biufcSUmM"

Resolver = Callable[[str], type]
"""Turns `"module:Class"` into the class."""


def encode(value: Any, where: str = "value") -> Any:
    """Return `value` as JSON data.

    Args:
        value: What to encode.
        where: What it is, for the error: `"argument 'model' of component 'vision'"`.

    Raises:
        NotSerializableError: A part of it has no such form; the text says which part,
            its type, and what can be done.
    """
    try:
        return _encode(value, where, set())
    except RecursionError:
        raise NotSerializableError(
            f"{where} is nested too deeply to be saved."
        ) from None


def _encode(value: Any, where: str, path: set[int]) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_SAFE_INT <= value <= _SAFE_INT else {"$int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is complex:
        return {
            "$complex": [
                _encode(part, where, path) for part in (value.real, value.imag)
            ]
        }
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, enum.Enum):
        plain = value.name in kind.__members__
        label = value.name if plain else value.value
        return {"$enum" if plain else "$flag": [entry_point_of(kind, where), label]}
    if isinstance(value, PurePath):
        return {"$path": [_path_kind(value), str(value)]}
    if id(value) in path:
        raise NotSerializableError(f"{where} contains itself, so it cannot be saved.")
    path = path | {id(value)}
    if kind in registered:
        inner = registered[kind][0](value)
        return {"$type": [entry_point_of(kind, where), _encode(inner, where, path)]}
    if kind is list:
        return [_encode(item, f"{where}[{n}]", path) for n, item in enumerate(value)]
    if kind is dict:
        return _encode_dict(value, where, path)
    encoded = _encode_object(value, where, path)
    if encoded is not None:
        return encoded
    raise NotSerializableError(advice(where, value))


def _encode_dict(value: dict[Any, Any], where: str, path: set[int]) -> Any:
    plain = all(type(key) is str for key in value) and not any(
        key.startswith("$") for key in value
    )
    pairs = [
        (
            _encode(key, f"a key of {where}", path),
            _encode(item, f"{where}[{key!r}]", path),
        )
        for key, item in value.items()
    ]
    return dict(pairs) if plain else {"$dict": [list(pair) for pair in pairs]}


def _encode_object(value: Any, where: str, path: set[int]) -> Any:
    kind = type(value)
    if kind is tuple:
        items = [_encode(item, f"{where}[{n}]", path) for n, item in enumerate(value)]
        return {"$tuple": items}
    if kind in (set, frozenset):
        items = [_encode(item, where, path) for item in value]
        return {f"${kind.__name__}": sorted(items, key=repr)}
    if isinstance(value, tuple) and hasattr(kind, "_make"):
        items = [
            _encode(item, f"{where}.{name}", path)
            for name, item in zip(kind._fields, value, strict=True)
        ]
        return {"$namedtuple": [entry_point_of(kind, where), items]}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: _encode(
                getattr(value, field.name), f"{where}.{field.name}", path
            )
            for field in dataclasses.fields(value)
        }
        return {"$dataclass": [entry_point_of(kind, where), fields]}
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return _encode_array(value, where, numpy)
    return None


def _encode_array(value: Any, where: str, numpy: Any) -> Any:
    if value.dtype.kind not in _PLAIN_DTYPES or type(value) not in (
        numpy.ndarray,
        value.dtype.type,
    ):
        raise NotSerializableError(
            f"{where} is an array of dtype {value.dtype}; arrays of numbers, text and "
            "times can be saved, arrays of objects and structures cannot."
        )
    scalar = isinstance(value, numpy.generic)
    data = base64.b64encode(numpy.ascontiguousarray(value).tobytes()).decode("ascii")
    if scalar:
        return {"$scalar": [value.dtype.str, data]}
    return {"$array": [value.dtype.str, list(value.shape), data]}


def advice(where: str, value: Any) -> str:
    """Return what to say of a value that can neither be saved nor sent."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return (
        f"{where} is {value!r:.100} of type {name}, which cannot be saved or sent to "
        "another process. Ways out: pass what it is made from (a path, a name, "
        "numbers) and make it in on_configure; or make it a dataclass; or teach "
        f"like_keras to save it: lk.register_type({kind.__qualname__}, encode, decode)."
    )


def _path_kind(path: PurePath) -> str:
    if isinstance(path, Path):
        return "path"
    return "windows" if isinstance(path, PureWindowsPath) else "posix"


def decode(data: Any, resolve: Resolver = resolve_entry_point) -> Any:
    """Return the value that `encode` was given.

    Args:
        data: What `encode` returned.
        resolve: Turns `"module:Class"` into the class; an allow-list goes here.

    Raises:
        SpecError: It is not what `encode` writes.
        LoadError: A class in it cannot be found.
    """
    try:
        return _decode(data, resolve)
    except RecursionError:
        raise SpecError("A saved value is nested too deeply to be read.") from None


def _decode(data: Any, resolve: Resolver) -> Any:
    if isinstance(data, list):
        return [_decode(item, resolve) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        ((tag, content),) = data.items()
        if tag.startswith("$"):
            return _decode_tagged(tag, content, resolve)
    return {key: _decode(item, resolve) for key, item in data.items()}


def _decode_tagged(tag: str, content: Any, resolve: Resolver) -> Any:
    try:
        reader = _READERS[tag]
    except KeyError:
        raise SpecError(f"Unknown kind of value {tag!r} in a saved config.") from None
    try:
        return reader(content, resolve)
    except (SpecError, LoadError):
        raise
    except Exception as error:
        raise SpecError(
            f"Cannot read {tag!r} from {content!r:.100}: {error}"
        ) from error


def _decode_dict(content: Any, resolve: Resolver) -> dict[Any, Any]:
    return {_decode(key, resolve): _decode(item, resolve) for key, item in content}


def _decode_enum(content: Any, resolve: Resolver) -> Any:
    cls = resolve(content[0])
    if not issubclass(cls, enum.Enum):
        raise SpecError(f"{content[0]!r} is no enum.")
    return cls[content[1]]


def _decode_flag(content: Any, resolve: Resolver) -> Any:
    cls = resolve(content[0])
    if not issubclass(cls, enum.Flag):
        raise SpecError(f"{content[0]!r} is no flag.")
    return cls(content[1])


def _decode_namedtuple(content: Any, resolve: Resolver) -> Any:
    cls = resolve(content[0])
    if not (issubclass(cls, tuple) and hasattr(cls, "_make")):
        raise SpecError(f"{content[0]!r} is no named tuple.")
    return cls._make(_decode(item, resolve) for item in content[1])


def _decode_dataclass(content: Any, resolve: Resolver) -> Any:
    cls = resolve(content[0])
    if not dataclasses.is_dataclass(cls):
        raise SpecError(f"{content[0]!r} is no dataclass.")
    values = {name: _decode(item, resolve) for name, item in content[1].items()}
    initial = {field.name for field in dataclasses.fields(cls) if field.init}
    made = cls(**{name: item for name, item in values.items() if name in initial})
    for name, item in values.items():
        if name not in initial:
            object.__setattr__(made, name, item)
    return made


def _decode_array(content: Any, resolve: Resolver) -> Any:
    import numpy

    dtype, shape, data = content
    if numpy.dtype(dtype).kind not in _PLAIN_DTYPES:
        raise SpecError(f"Arrays of dtype {dtype!r} are not read.")
    flat = numpy.frombuffer(base64.b64decode(data), dtype=dtype)
    return flat.reshape(tuple(shape)).copy()


def _decode_scalar(content: Any, resolve: Resolver) -> Any:
    return _decode_array([content[0], (), content[1]], resolve)[()]


def _decode_type(content: Any, resolve: Resolver) -> Any:
    cls = resolve(content[0])
    if cls not in registered:
        raise SpecError(
            f"No decoder for {content[0]!r}. Call lk.register_type({cls.__qualname__}, "
            f"encode, decode) in module {cls.__module__!r}."
        )
    return registered[cls][1](_decode(content[1], resolve))


_READERS: Mapping[str, Callable[[Any, Resolver], Any]] = {
    "$int": lambda content, resolve: int(content, 16),
    "$float": lambda content, resolve: float(content),
    "$complex": lambda content, resolve: complex(*_decode(content, resolve)),
    "$bytes": lambda content, resolve: base64.b64decode(content, validate=True),
    "$path": lambda content, resolve: _PATHS[content[0]](content[1]),
    "$tuple": lambda content, resolve: tuple(_decode(content, resolve)),
    "$set": lambda content, resolve: set(_decode(content, resolve)),
    "$frozenset": lambda content, resolve: frozenset(_decode(content, resolve)),
    "$dict": _decode_dict,
    "$enum": _decode_enum,
    "$flag": _decode_flag,
    "$namedtuple": _decode_namedtuple,
    "$dataclass": _decode_dataclass,
    "$array": _decode_array,
    "$scalar": _decode_scalar,
    "$type": _decode_type,
}
