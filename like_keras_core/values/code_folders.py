"""Folders from which a saved system of others may have its code, and nothing else.

On `sys.path` such a folder would also give `./numpy.py` to what decodes an array, and
`./x.dist-info` to what looks for plug-ins. So it is not an entry there: a finder behind
all others finds what the allow-list has, and then what that imports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

CODE = "LK_CODE"
"""The variable by which a node's process knows the folders that have given code."""


class CodeFolder:
    """Finds the modules of a folder, once one that is allowed was found there.

    Args:
        folder: The folder, absolute.
        allow: Module prefixes.
    """

    def __init__(self, folder: str, allow: Iterable[str]) -> None:
        self.folder = folder
        self.is_open = False
        self._allow = tuple(allow)

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a module at the top; a package that is found here has the others.

        Args:
            name: The module's full name.
            path: The folders of the package that it is in; None at the top.
            target: The module that is to be loaded again, if it is one.
        """
        if path is not None or not (self.is_open or self._is_allowed(name)):
            return None
        found = PathFinder.find_spec(name, [self.folder], target)
        self.is_open = self.is_open or found is not None
        return found

    def _is_allowed(self, name: str) -> bool:
        return any(item == name or item.startswith(f"{name}.") for item in self._allow)


def add_folder(folder: str, allow: Iterable[str]) -> CodeFolder:
    """Let the code of a folder be found from now on, as far as it is allowed."""
    finder = CodeFolder(os.path.abspath(folder), allow)
    sys.meta_path.append(finder)
    return finder


@contextmanager
def code_from(folder: str, allow: Iterable[str] | None) -> Iterator[None]:
    """Let the code of a folder be found meanwhile; None allows all.

    With an allow-list a folder that has given code goes on giving it.
    """
    if allow is None:
        sys.path.append(folder)
        try:
            yield
        finally:
            sys.path.remove(folder)
        return
    finder = add_folder(folder, allow)
    try:
        yield
    finally:
        if not finder.is_open:
            sys.meta_path.remove(finder)


def open_folders() -> list[str]:
    """Return the folders that have given code to this process."""
    found = (finder for finder in sys.meta_path if isinstance(finder, CodeFolder))
    return list(dict.fromkeys(finder.folder for finder in found if finder.is_open))


def code_environment() -> dict[str, str]:
    """Return what the environment of a node's process says of these folders."""
    folders = open_folders()
    return {CODE: os.pathsep.join(folders)} if folders else {}


def add_given_folders() -> None:
    """Let the code of the folders be found that the environment names."""
    known = open_folders()
    for folder in filter(None, os.environ.get(CODE, "").split(os.pathsep)):
        if folder not in known:
            add_folder(folder, ()).is_open = True
