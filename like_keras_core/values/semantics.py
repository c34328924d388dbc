"""Values as messages: protected on arrival, copied where they are kept, compared.

Numpy is used only where the program has already imported it: without it there is
no array to protect.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import hashlib
import math
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from like_keras_core.values.registry import registered

_UNSET = object()
IMMUTABLE: frozenset[type] = frozenset(
    {int, float, bool, complex, str, bytes, type(None), range, type, type(Ellipsis)}
)
"""Types whose values nobody can change."""


def protect(value: Any) -> Any:
    """Return `value` with every array in it read-only.

    An array becomes a read-only view; a list, tuple, dict or dataclass that holds
    one is rebuilt around the views. Everything else is returned as it is.
    """
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return value
    return _protect(value, numpy, {})


def read_only(array: Any) -> Any:
    """Return a numpy array as a read-only view; other values through `protect`."""
    try:
        # One with memory of its own is rarely read-only, and to ask costs as much.
        is_owner = array.ndim and array.base is None
        if not is_owner and not array.flags.writeable:
            return array
        view = array.view()
        if array.ndim:
            view.setflags(False)  # Much faster than by name, or through the flags.
        else:
            view.flags.writeable = False  # Refused by a scalar that can be changed.
    except AttributeError:
        return protect(array)
    return view


def _protect(value: Any, numpy: Any, seen: dict[int, Any]) -> Any:
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    if isinstance(value, numpy.ndarray):
        return read_only(value) if value.flags.writeable else value
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = value
    result = value
    if isinstance(value, (list, tuple)):
        result = _protect_sequence(value, numpy, seen)
    elif isinstance(value, dict):
        pairs = {key: _protect(item, numpy, seen) for key, item in value.items()}
        if any(pairs[key] is not item for key, item in value.items()):
            result = copy.copy(value)
            result.update(pairs)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        result = _protect_dataclass(value, numpy, seen)
    seen[id(value)] = result
    return result


def _protect_sequence(value: Any, numpy: Any, seen: dict[int, Any]) -> Any:
    items = [_protect(item, numpy, seen) for item in value]
    if all(new is old for new, old in zip(items, value, strict=True)):
        return value
    if isinstance(value, list):
        twin = copy.copy(value)
        twin[:] = items
        return twin
    kind: Any = type(value)
    return kind._make(items) if hasattr(kind, "_make") else kind(items)


def _protect_dataclass(value: Any, numpy: Any, seen: dict[int, Any]) -> Any:
    changes = {}
    for field in dataclasses.fields(value):
        old = getattr(value, field.name, None)
        new = _protect(old, numpy, seen)
        if new is not old:
            changes[field.name] = new
    if not changes:
        return value
    twin = object.__new__(type(value))
    for name in [*getattr(value, "__dict__", ()), *_slots(type(value))]:
        if hasattr(value, name):
            new = changes.get(name, getattr(value, name))
            object.__setattr__(twin, name, new)
    return twin


def _slots(cls: type) -> list[str]:
    """Return the names that a class and its bases keep in slots."""
    names = []
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def snapshot(value: Any) -> Any:
    """Return a copy that later changes to `value` cannot reach, protected.

    Raises:
        TypeError: The value cannot be copied.
    """
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray and not value.dtype.hasobject:
        twin = value.copy(order="K")
        twin.setflags(False)
        return twin
    return protect(copy.deepcopy(value))


def same(a: Any, b: Any) -> bool:
    """Say whether two values are equal as messages.

    Equal means: the same type, dtype and shape, the same keys in the same order with
    the same types, NaN equal to NaN, -0.0 distinct from 0.0, floats equal bit by bit.
    Values of a registered type are equal when what is saved of them is.
    """
    return _same(a, b, set())


def _same(a: Any, b: Any, seen: set[tuple[int, int]]) -> bool:
    kind = type(a)
    if kind is not type(b):
        return False
    if a is b and kind in IMMUTABLE:
        return True
    if kind is float:
        return _same_float(a, b)
    if kind is complex:
        return _same_float(a.real, b.real) and _same_float(a.imag, b.imag)
    if kind in IMMUTABLE or isinstance(a, (enum.Enum, PurePath)):
        return bool(a == b)
    if (id(a), id(b)) in seen:
        return True
    seen.add((id(a), id(b)))
    if kind in registered:
        to_plain = registered[kind][0]
        return _same(to_plain(a), to_plain(b), set())
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(a, (numpy.ndarray, numpy.generic)):
        return _same_array(a, b, seen)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(
            _same(x, y, seen) for x, y in zip(a, b, strict=True)
        )
    if isinstance(a, Mapping):
        return len(a) == len(b) and all(
            _same(key, other, seen) and _same(a[key], b[other], seen)
            for key, other in zip(a, b, strict=True)
        )
    if isinstance(a, (set, frozenset)):
        return sorted(map(fingerprint, a)) == sorted(map(fingerprint, b))
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        return all(
            _same(getattr(a, field.name, _UNSET), getattr(b, field.name, _UNSET), seen)
            for field in dataclasses.fields(a)
        )
    return bool(a == b)


def _same_float(a: float, b: float) -> bool:
    return struct.pack("<d", a) == struct.pack("<d", b) or (a != a and b != b)


def _same_array(a: Any, b: Any, seen: set[tuple[int, int]]) -> bool:
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.hasobject:
        pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        return all(_same(x, y, seen) for x, y in pairs)
    if a.tobytes() == b.tobytes():
        return True
    if a.dtype.names is not None or a.dtype.kind not in "fc":
        return False
    numpy = sys.modules["numpy"]
    both_nan = numpy.isnan(a) & numpy.isnan(b)
    first, second = numpy.where(both_nan, 0, a), numpy.where(both_nan, 0, b)
    return bool(first.tobytes() == second.tobytes())


def fingerprint(value: Any) -> bytes:
    """Return a digest of a value's whole content; it changes when the content does."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(value, digest.update, {})
    return digest.digest()


def _feed(value: Any, update: Callable[[bytes], object], seen: dict[int, int]) -> None:
    kind = type(value)
    update(kind.__qualname__.encode())
    if kind in registered:
        _feed(registered[kind][0](value), update, {})
        return
    if kind is float and math.isnan(value):
        update(b"nan")
    elif kind in IMMUTABLE:
        update(repr(value).encode("utf-8", "surrogatepass"))
    elif id(value) in seen:
        update(b"@%d" % seen[id(value)])
    else:
        seen[id(value)] = len(seen)
        _feed_parts(value, update, seen)


def _feed_parts(
    value: Any, update: Callable[[bytes], object], seen: dict[int, int]
) -> None:
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        update(f"{value.dtype}{value.shape}".encode())
        if value.dtype.hasobject:
            _feed(value.tolist(), update, seen)
        else:
            update(value.tobytes())
    elif isinstance(value, (list, tuple)):
        update(b"[%d" % len(value))
        for item in value:
            _feed(item, update, seen)
    elif isinstance(value, Mapping):
        update(b"{%d" % len(value))
        for key, item in value.items():
            _feed(key, update, seen)
            _feed(item, update, seen)
    elif isinstance(value, (set, frozenset)):
        for part in sorted(fingerprint(item) for item in value):
            update(part)
    elif isinstance(value, (bytearray, memoryview)):
        update(bytes(value))
    elif isinstance(value, (enum.Enum, PurePath)) or not hasattr(value, "__dict__"):
        atomic = isinstance(value, (enum.Enum, PurePath))
        slots = [] if atomic else _slots(type(value))
        for name in slots:
            update(name.encode())
            _feed(getattr(value, name, None), update, seen)
        if not slots:
            update(repr(value).encode("utf-8", "surrogatepass"))
    else:
        _feed(vars(value), update, seen)
