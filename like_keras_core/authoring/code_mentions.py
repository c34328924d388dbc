"""Whether the code of a class mentions a name, also in the functions that it calls."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

_MOST = 500
"""How many pieces of code are looked at; what a class names itself comes first."""

_known: weakref.WeakKeyDictionary[type, dict[str, bool]] = weakref.WeakKeyDictionary()


def mentions(cls: type, name: str) -> bool:
    """Say whether a class may read an attribute of some name, as far as is seen.

    Its methods are looked at, those of its bases, and the functions that these call by
    name. A string counts, too, since `getattr` takes one.
    """
    known = _known.setdefault(cls, {})
    if name not in known:
        known[name] = any(
            name in code.co_names or name in code.co_consts for code in _codes(cls)
        )
    return known[name]


def _codes(cls: type) -> Iterator[CodeType]:
    """Yield the code of a class, and of the functions that it calls by name."""
    left: list[Any] = []
    for base in cls.__mro__:
        # What every component has mentions all of these names.
        if base.__module__ not in ("like_keras_core.component", "builtins"):
            left += vars(base).values()
    seen: set[CodeType] = set()
    for item in left:
        for function in _functions(item):
            for code in _nested(function.__code__):
                if code in seen or len(seen) > _MOST:
                    continue
                seen.add(code)
                yield code
                left += [function.__globals__.get(name) for name in code.co_names]


def _functions(item: Any) -> Iterator[FunctionType]:
    """Yield the functions that an attribute of a class, or a global, consists of."""
    parts = [item]
    if isinstance(item, property):
        parts = [item.fget, item.fset, item.fdel]
    for part in parts:
        part = getattr(part, "__func__", None) or part
        while isinstance(part, FunctionType):
            yield part
            part = vars(part).get("__wrapped__")


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
