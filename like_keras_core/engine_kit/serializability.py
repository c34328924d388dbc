"""Which types of values no codec carries between two processes.

A spec knows a type as text. Names in it are looked up among the modules that are
imported already; what is not found there, and what may stand for many classes, is
given the benefit of the doubt: sending tells.
"""

from __future__ import annotations

import builtins
import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from like_keras_core.errors import NotSerializableError
from like_keras_core.issue import Issue
from like_keras_core.spec import SystemSpec
from like_keras_core.values.annotations import fields_of, is_union, to_text
from like_keras_core.values.instance_kinds import REGISTERED
from like_keras_core.values.kinds import kind_of
from like_keras_core.values.main_module import SCRIPT_MODULE
from like_keras_core.values.plain_kinds import ARRAY

_LITERAL = re.compile(r"Literal\[.*?\]")
_WORD = re.compile(r"[^\s\[\],|()'\"]+")


def unsendable_issues(spec: SystemSpec, sources: Iterable[str]) -> Iterator[Issue]:
    """List output ports whose values cannot cross nodes.

    Args:
        spec: The system.
        sources: The addresses of the ports whose values do, encoded by the core.
    """
    outputs = spec.outputs()
    for source in dict.fromkeys(sources):
        kind = outputs[source].type
        for reason in refusals(kind):
            yield Issue(
                f"Values of {source!r} ({kind}) cross nodes, but cannot "
                f"be sent: {reason}. Or put both ends on one node.",
                code="not-sendable",
                address=source,
            )


def refusals(text: str) -> list[str]:
    """Say of each class in a type, given as text, why its values cannot be sent."""
    if "<locals>" in text:
        return [f"{text!r} is defined inside a function; define it in a module"]
    found = (_refusal(cls, set()) for cls in _classes(text))
    return list(dict.fromkeys(reason for reason in found if reason))


def _classes(text: str) -> Iterator[type]:
    """Return the classes that a type names, as far as they are known here."""
    for name in _WORD.findall(_LITERAL.sub("", text)):
        cls = _look_up(name)
        if cls is not None:
            yield cls


def _look_up(name: str) -> type | None:
    homes = [name.rpartition(".")[0]]
    while homes[-1]:
        homes.append(homes[-1].rpartition(".")[0])
    for home in homes:
        below = name[len(home) :].lstrip(".").split(".")
        modules = [home] if home else ["builtins", "__main__", SCRIPT_MODULE]
        for module in modules:
            found: Any = sys.modules.get(module)
            for part in below:
                found = getattr(found, part, None)
            if isinstance(found, type):
                return found
    return None


def _refusal(annotation: Any, seen: set[Any]) -> str | None:
    """Say why values of a type cannot be sent; None where they can, or may."""
    origin = typing.get_origin(annotation)
    if origin is not None:
        inner = () if origin is typing.Literal else typing.get_args(annotation)
        outer = None if is_union(annotation) else _refusal(origin, seen)
        return outer or _first(inner, seen)
    if not isinstance(annotation, type) or annotation in seen:
        return None
    seen.add(annotation)
    if annotation is object or _may_be_many(annotation):
        return None
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(annotation, numpy.dtype):
        # An array's annotation names the kind of its items.
        return None
    kind = kind_of(annotation)
    try:
        is_sent = kind.split(annotation, "it") is not None
    except NotSerializableError:
        return f"no other process can find {to_text(annotation)}; define it in a module"
    if kind is ARRAY:
        is_sent = annotation is sys.modules["numpy"].ndarray
    if is_sent:
        fields = (fields_of(annotation) or {}) if kind is not REGISTERED else {}
        return _first(fields.values(), seen)
    name = to_text(annotation)
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and issubclass(annotation, arrow.Array):
        return None
    if _is_arrow(annotation):
        return f"{name} is not sent; send a pyarrow.Array, or a numpy array"
    if any(_refusal(child, seen) is None for child in _children(annotation)):
        return None
    return (
        f"no codec carries {name}; use a dataclass, a numpy array or plain Python "
        "values, or teach like_keras the class with lk.register_type"
    )


def _first(annotations: Iterable[Any], seen: set[Any]) -> str | None:
    found = (_refusal(item, seen) for item in annotations)
    return next(filter(None, found), None)


def _may_be_many(cls: type) -> bool:
    """Say whether values of a class are commonly instances of unrelated ones."""
    return (
        bool(getattr(cls, "__abstractmethods__", None))
        or getattr(cls, "_is_protocol", False)
        or typing.is_typeddict(cls)
        or cls.__module__ in ("abc", "collections.abc", "numbers", "typing")
    )


def _children(cls: type) -> list[type]:
    if cls.__module__ == builtins.__name__ or cls is types.FunctionType:
        return []
    return type.__subclasses__(cls)


def _is_arrow(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "pyarrow"
