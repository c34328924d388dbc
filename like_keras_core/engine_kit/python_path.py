"""Where another process on this machine finds the author's code."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from like_keras_core.issue import Issue
from like_keras_core.plugins.compatibility import spec_of
from like_keras_core.plugins.interpreter_path import author_entries, own_path
from like_keras_core.spec import SystemSpec
from like_keras_core.values.code_folders import open_folders
from like_keras_core.values.main_module import SCRIPT_MODULE


def author_path(spec: SystemSpec) -> tuple[str, ...]:
    """Return the folders in which the author's code is found.

    They are the entries of `sys.path` that another run of the interpreter does not
    have by itself. Behind them come folders from which a component was imported
    although no entry leads there any more, as for a system that was loaded from a file
    elsewhere. Folders from which an allow-list has let code come are not among them:
    `LK_CODE` names these, for they must not hide what is installed.
    """
    path, more = author_entries(), open_folders()
    for component in spec.components:
        module = component.entry_point.partition(":")[0]
        if not is_found(module, [*path, *more]):
            folder = _folder_of(module)
            if folder is not None and folder not in path:
                path.append(folder)
    return tuple(path)


def unfound_issues(
    spec: SystemSpec, nodes: Collection[str], path: Sequence[str]
) -> Iterator[Issue]:
    """List components whose code the processes of their nodes would not find.

    Args:
        spec: The system.
        nodes: The nodes that are looked at.
        path: The folders that each process has beside its interpreter's own.
    """
    path = [*path, *open_folders()]
    for component in spec.components:
        module, _, name = component.entry_point.partition(":")
        if component.node in nodes and not is_found(module, path):
            what = "script" if module.endswith(".py") else "module"
            yield Issue(
                f"The process of node {component.node!r} would not find the {what} "
                f"{module!r}, which has {name} of component {component.name!r}: it is "
                "neither installed nor in a folder on sys.path. Install it, or put "
                "its folder on PYTHONPATH.",
                code="not-importable",
                address=component.name,
            )


def unfound_code(spec: SystemSpec) -> list[Issue]:
    """List components whose code another process on this machine would not find."""
    nodes = {node.name for node in spec.nodes}
    return list(unfound_issues(spec, nodes, author_path(spec)))


def is_found(module: str, path: Sequence[str]) -> bool:
    """Say whether a process with these folders of code finds a module.

    Nothing is imported, and what this process has imported already says nothing.

    Args:
        module: Its name, or a script's file name.
        path: The folders that the process has beside its interpreter's own.
    """
    if module.endswith(".py"):
        return any(os.path.isfile(os.path.join(folder, module)) for folder in path)
    if module in sys.builtin_module_names:
        return True
    places = [*path, *(entry for entry in sys.path if entry in own_path())]
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        found = spec_of(name, places)
        if found is not None:
            places = list(found.submodule_search_locations or [])
            continue
        # A folder without __init__.py below another is found by nobody but import.
        places = [
            inner for outer in places if os.path.isdir(inner := f"{outer}/{part}")
        ]
        if not places:
            return False
    return True


def _folder_of(module: str) -> str | None:
    """Return the folder that leads to a module which this process has imported."""
    if module.endswith(".py"):
        loaded = [sys.modules.get(name) for name in (SCRIPT_MODULE, "__main__")]
        files = [getattr(item, "__file__", None) or "" for item in loaded]
        match = [file for file in files if os.path.basename(file) == module]
        return os.path.dirname(os.path.abspath(match[0])) if match else None
    file = getattr(sys.modules.get(module), "__file__", None)
    if not file:
        return None
    path = Path(os.path.abspath(file)).with_suffix("")
    names = path.parts[:-1] if path.name == "__init__" else path.parts
    parts = tuple(module.split("."))
    if names[-len(parts) :] != parts:
        return None
    return str(Path(*names[: -len(parts)]))
