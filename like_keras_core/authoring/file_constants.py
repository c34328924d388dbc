"""The constants that a Python file writes down: names bound once, to a literal.

They are what every process that imports the file has, whoever changed them elsewhere.
"""

from __future__ import annotations

import ast
import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

_LARGEST = 100
"""Longer lists, dicts and sets are tables that nobody changes by hand."""


def constants_of(file: str | None) -> Mapping[str, Any]:
    """Return the constants of a file, those of its classes as `"Class.name"`.

    A name that code may bind again while the file is imported is left out; the main
    block is not such code.

    Args:
        file: The file; nothing is found where it is None or cannot be read.
    """
    if file is None or not file.endswith(".py"):
        return {}
    try:
        return _constants_of(file, os.stat(file).st_mtime_ns)
    except (OSError, SyntaxError, ValueError):
        return {}


@functools.lru_cache(maxsize=256)
def _constants_of(file: str, changed_ns: int) -> Mapping[str, Any]:
    tree = ast.parse(Path(file).read_bytes())
    found: dict[str, Any] = {}
    _read_scope(tree.body, "", found)
    changed = _changed_by_import(tree)
    return {
        name: value
        for name, value in found.items()
        if name.rpartition(".")[2] not in changed
    }


def _read_scope(body: Iterable[ast.stmt], prefix: str, found: dict[str, Any]) -> None:
    """Add the constants of a module or a class."""
    counts: Counter[str] = Counter()
    values: dict[str, Any] = {}
    for statement in body:
        if _is_main_block(statement):
            continue
        names = list(_bound(statement))
        counts.update(names)
        if isinstance(statement, ast.ClassDef):
            _read_scope(statement.body, f"{prefix}{statement.name}.", found)
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and len(names) == 1:
            try:
                value = ast.literal_eval(statement.value)  # type: ignore[arg-type]
            except (ValueError, TypeError):
                continue
            # An empty container waits to be filled, while the system runs.
            if not isinstance(value, list | dict | set) or 0 < len(value) <= _LARGEST:
                values[names[0]] = value
    found |= {
        prefix + name: value for name, value in values.items() if counts[name] == 1
    }


def _is_main_block(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and any(
        isinstance(node, ast.Name) and node.id == "__name__"
        for node in ast.walk(statement.test)
    )


def _bound(statement: ast.stmt) -> Iterator[str]:
    """Give each name that a statement binds or deletes, as often as it does."""
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name
        return
    for node in _here(statement):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
            if isinstance(statement, ast.If | ast.For | ast.While | ast.Try):
                yield node.id  # Perhaps: so it is no constant.
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]


def _here(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs with a statement, and not what only runs when it is called."""
    yield node
    for child in ast.iter_child_nodes(node):
        is_later = isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
        )
        if not is_later:
            yield from _here(child)


def _changed_by_import(tree: ast.Module) -> set[str]:
    """Return the names that are changed in other ways while a file is imported."""
    writers = {
        node.name: {
            name
            for inner in ast.walk(node)
            if isinstance(inner, ast.Global)
            for name in inner.names
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    changed: set[str] = set()
    for statement in tree.body:
        if _is_main_block(statement):
            continue
        for node in _here(statement):
            match node:
                case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                    changed.add(name)
                case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store()):
                    changed.add(name)
                case ast.Subscript(value=ast.Attribute(attr=name), ctx=ast.Store()):
                    changed.add(name)
                case ast.Call(func=ast.Name(id="setattr"), args=arguments):
                    changed |= {
                        str(x.value) for x in arguments if isinstance(x, ast.Constant)
                    }
                case ast.Call(func=ast.Name(id=name)):
                    changed |= writers.get(name, set())
                case ast.Call(func=ast.Attribute(value=ast.Name(id=name))):
                    changed.add(name)
                case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=name))):
                    changed.add(name)
    return changed
