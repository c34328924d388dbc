"""Values as messages: protected on arrival, copied where they are kept, compared.

Numpy is used only where the program has already imported it: without it there is
no array to protect.
"""

from __future__ import annotations

import copy
import hashlib
import sys
from collections.abc import Callable
from typing import Any

from like_keras_core.values.kinds import IMMUTABLE, built_in_kind, kind_of
from like_keras_core.values.plain_kinds import ARRAY


def protect(value: Any) -> Any:
    """Return `value` with every array in it read-only.

    An array becomes a read-only view; a list, tuple, dict or dataclass that holds
    one is rebuilt around the views. Everything else is returned as it is.
    """
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    if "numpy" not in sys.modules:
        return value
    return _protect(value, {})


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


def _protect(value: Any, seen: dict[int, Any]) -> Any:
    cls = type(value)
    if cls in IMMUTABLE:
        return value
    kind = built_in_kind(cls)
    if kind is ARRAY:
        return read_only(value) if value.flags.writeable else value
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = value
    seen[id(value)] = kind.protect(value, lambda part: _protect(part, seen))
    return seen[id(value)]


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
    cls = type(a)
    if cls is not type(b):
        return False
    kind = built_in_kind(cls)
    if kind.is_atom:
        if a is b and cls in IMMUTABLE:
            return True
    else:
        if (id(a), id(b)) in seen:
            return True
        seen.add((id(a), id(b)))
        kind = kind_of(cls)
    if kind.as_other is not None:
        return same(kind.as_other(a, fingerprint), kind.as_other(b, fingerprint))
    return kind.same(a, b, lambda x, y: _same(x, y, seen))


def fingerprint(value: Any) -> bytes:
    """Return a digest of a value's whole content; it changes when the content does."""
    digest = hashlib.blake2b(digest_size=16)
    _feed(value, digest.update, {})
    return digest.digest()


def _no_parts(part: Any) -> None:
    """Take the place of a `feed` where nothing is to be fed."""


def _feed(value: Any, update: Callable[[bytes], None], seen: dict[int, int]) -> None:
    cls = type(value)
    update(cls.__qualname__.encode())
    if cls in IMMUTABLE:
        built_in_kind(cls).feed(value, update, _no_parts)
        return
    kind = kind_of(cls)
    if kind.as_other is not None:
        _feed(kind.as_other(value, fingerprint), update, {})
    elif id(value) in seen:
        update(b"@%d" % seen[id(value)])
    else:
        seen[id(value)] = len(seen)
        kind.feed(value, update, lambda part: _feed(part, update, seen))
