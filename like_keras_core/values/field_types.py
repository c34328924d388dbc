"""The fields of a dataclass, with their types, units and docs."""

from __future__ import annotations

import dataclasses
import inspect
import re
import weakref
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from like_keras_core.values.annotations import Unresolved, plain, resolve
from like_keras_core.values.class_refs import module_of

_UNIT = re.compile(r"\[([^\[\]`]+)\]")
_SECTION = re.compile(r"^(Args|Attributes|Parameters):\s*$")
_ENTRY = re.compile(r"^(\*{0,2}\w+)(?:\s*\([^)]*\))?:\s*(.*)$")

_types: weakref.WeakKeyDictionary[type, Mapping[str, Any]] = weakref.WeakKeyDictionary()


def is_dataclass_type(cls: Any) -> bool:
    """Say whether something is a class that is a dataclass."""
    return isinstance(cls, type) and dataclasses.is_dataclass(cls)


def initial_only(cls: Any) -> list[str]:
    """Return what a dataclass takes and does not keep, an `InitVar` each."""
    kept = {item.name for item in dataclasses.fields(cls)}
    taken = inspect.signature(cls).parameters
    known = getattr(cls, "__dataclass_fields__", {})
    return [name for name in known if name in taken and name not in kept]


def field_types(cls: type) -> Mapping[str, Any]:
    """Return the types of a dataclass's fields; Any for what cannot be resolved."""
    found = _types.get(cls)
    if found is None:
        found = _types[cls] = {
            item.name: _resolved(item.type, cls) for item in dataclasses.fields(cls)
        }
    return found


def _resolved(annotation: Any, cls: type) -> Any:
    """Return a type by the names of the class, those around it and its module."""
    for base in cls.__mro__:
        module = module_of(base)
        if module is None or not dataclasses.is_dataclass(base):
            continue
        names: dict[str, Any] = dict(vars(module))
        around: Any = module
        for part in base.__qualname__.split("."):
            around = getattr(around, part, None)
            if around is None:
                break
            names.update(vars(around))
        scope = FunctionType((lambda: None).__code__, names)
        found = resolve(annotation, scope, base)
        if not isinstance(found, Unresolved):
            return plain(found)
    return Any


def field_doc(cls: type, item: dataclasses.Field[Any]) -> tuple[str, str]:
    """Return the doc line and the unit of a field of a dataclass.

    Its metadata says so, `field(metadata={"description": ..., "unit": ...})`, or the
    docstring of the class.
    """
    words = map(item.metadata.get, ("description", "doc", "help"))
    doc = next(filter(None, words), argument_docs(cls).get(item.name, ""))
    return str(doc), str(item.metadata.get("unit") or unit_in(str(doc)))


def unit_in(doc: str) -> str:
    """Return the unit that a doc line has in brackets; empty if there is none."""
    found = _UNIT.search(doc)
    return found[1] if found else ""


def argument_docs(owner: Any) -> dict[str, str]:
    """Return what a Google docstring says of arguments: the first paragraph of each.

    Args:
        owner: A class or function; of a class, its `__init__` counts as well.
    """
    found: dict[str, str] = {}
    for item in (getattr(owner, "__init__", None), owner):
        if isinstance(owner, type) or item is owner:
            text = getattr(item, "__doc__", None)
            found.update(_entries(inspect.cleandoc(text)) if text else {})
    return found


def _entries(docstring: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name, inside, indent = "", False, 0
    for line in docstring.splitlines():
        bare = line.strip()
        depth = len(line) - len(line.lstrip())
        if _SECTION.match(line):
            name, inside, indent = "", True, 0
        elif not bare:
            name = ""
        elif depth == 0:
            inside = False
        elif inside:
            indent = indent or depth
            entry = _ENTRY.match(bare) if depth <= indent else None
            if entry:
                name = entry[1].lstrip("*")
                found[name] = entry[2]
            elif name:
                found[name] = f"{found[name]} {bare}".strip()
    return found
