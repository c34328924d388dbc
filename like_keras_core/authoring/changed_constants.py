"""Globals and class attributes that were changed after their module was imported.

The process of a node imports the module again, so that it has what the file says. Only
constants of the file are looked at, of which every process would have the same value;
and only those that a component's code reads, and does not itself change, as a counter.
"""

from __future__ import annotations

import dis
import enum
import functools
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from typing import Any

from like_keras_core.authoring.file_constants import constants_of
from like_keras_core.component import Component
from like_keras_core.issue import Issue
from like_keras_core.values.class_refs import module_of
from like_keras_core.values.semantics import same

_OURS = __name__.partition(".")[0]
_MISSING = object()
_CHANGERS = frozenset(
    {"add", "append", "clear", "extend", "insert", "pop", "remove", "update"}
)


def changed_constants(components: Mapping[str, Component]) -> Iterator[Issue]:
    """List constants that components read and that are not what their files say.

    Args:
        components: The components by address.
    """
    said = set()
    for module in _modules_of(components.values()):
        for name, value in constants_of(getattr(module, "__file__", None)).items():
            now = _value_in(module, name)
            if now is _MISSING or same(now, value):
                continue
            for address, component in components.items():
                if (module, name) in said or not _reads(component, module, name):
                    continue
                said.add((module, name))
                file = str(module.__file__).rpartition("/")[2]
                yield Issue(
                    f"{name} of {file} was changed to {now!r:.80} after the import. "
                    f"Component {address!r} reads it, and an instance in another "
                    f"process reads {value!r:.80}, which the file says. Pass it to "
                    "__init__ instead.",
                    code="changed-constant",
                    address=address,
                )


def _modules_of(components: Any) -> list[types.ModuleType]:
    """Return the modules of components, and the author's that these refer to."""
    found: dict[types.ModuleType, None] = {}
    kinds = dict.fromkeys(type(component) for component in components)
    for cls in dict.fromkeys(base for kind in kinds for base in kind.__mro__):
        module = module_of(cls)
        if module is not None and _is_authors(module):
            found[module] = None
    for module in list(found):
        for value in list(vars(module).values()):
            if isinstance(value, type | types.FunctionType):
                value = sys.modules.get(value.__module__)
            if isinstance(value, types.ModuleType) and _is_authors(value):
                found[value] = None
    return list(found)


def _is_authors(module: types.ModuleType) -> bool:
    is_ours = module.__name__.partition(".")[0] == _OURS
    return not is_ours and _is_authors_file(getattr(module, "__file__", None))


@functools.cache
def _is_authors_file(file: str | None) -> bool:
    if file is None or "site-packages" in file or "dist-packages" in file:
        return False
    return not file.startswith(sysconfig.get_path("stdlib"))


def _value_in(module: types.ModuleType, name: str) -> Any:
    """Return what a constant is now, where that can be compared."""
    *owners, last = name.split(".")
    found: Any = module
    for owner in owners:
        found = vars(found).get(owner)
        # A class's decorator or metaclass may make anything of its attributes.
        if not isinstance(found, type) or isinstance(found, enum.EnumMeta):
            return _MISSING
    value = vars(found).get(last, _MISSING)
    if owners and hasattr(type(value), "__get__"):
        return _MISSING
    return value


def _reads(component: Component, module: types.ModuleType, name: str) -> bool:
    """Say whether a component's code reads a constant, and does not change it."""
    *owners, last = name.split(".")
    owner = _value_in(module, ".".join(owners)) if owners else None
    functions = list(_functions(type(component)))
    if owner in type(component).__mro__:
        is_read = last not in vars(component) and _names(functions, last)
    elif owners:
        is_read = _names(functions, last) and _names(functions, owners[-1])
    else:
        is_read = any(
            last in code.co_names
            and (space is vars(module) or _refers(code, space, module))
            for code, space in functions
        )
    return is_read and not any(_changes(code, last) for code, _ in functions)


_Function = tuple[types.CodeType, Mapping[str, Any]]
"""A piece of code, and the globals that it sees."""


def _names(functions: list[_Function], name: str) -> bool:
    return any(name in code.co_names for code, _ in functions)


def _refers(
    code: types.CodeType, space: Mapping[str, Any], module: types.ModuleType
) -> bool:
    return any(space.get(name) is module for name in code.co_names)


def _functions(cls: type) -> Iterator[_Function]:
    """Give the code of a class, and that of the author's which it calls by name."""
    todo: list[Any] = list(cls.__mro__)
    seen: set[Any] = set()
    while todo:
        item = todo.pop()
        item = getattr(item, "__func__", item)
        item = getattr(item, "__wrapped__", item)
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, property):
            todo += [item.fget, item.fset, item.fdel]
        elif isinstance(item, type):
            module = module_of(item)
            if module is not None and _is_authors(module):
                todo += vars(item).values()
        elif isinstance(item, types.FunctionType):
            if item.__module__.partition(".")[0] == _OURS:
                continue
            for code in _codes(item.__code__):
                yield code, item.__globals__
                for name in code.co_names:
                    value = item.__globals__.get(name)
                    todo.append(value)
                    if isinstance(value, types.ModuleType) and _is_authors(value):
                        todo += [vars(value).get(inner) for inner in code.co_names]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _changes(code: types.CodeType, name: str) -> bool:
    """Say whether code binds a global or an attribute, or may fill what it is."""
    if name not in code.co_names:
        return False
    before: Any = None
    for step in dis.get_instructions(code):
        if step.opname in ("STORE_SUBSCR", "DELETE_SUBSCR"):
            return True
        if step.argval == name:
            if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                return True
            # An attribute of the instance is not that of the class.
            if step.opname == "STORE_ATTR" and before != code.co_varnames[:1]:
                return True
        if step.opname.startswith("LOAD_FAST"):
            last = step.argval[-1] if type(step.argval) is tuple else step.argval
            before = (last,)
        else:
            before = None
    return not _CHANGERS.isdisjoint(code.co_names)
