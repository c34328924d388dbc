"""Files of the author's with the name of a module that like_keras or an engine needs.

`json.py` beside a script is found in the place of Python's own `json` by all that is
imported later: in the process of a node that is nearly everything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter

from like_keras_core.issue import Issue
from like_keras_core.plugins.compatibility import spec_of
from like_keras_core.plugins.interpreter_path import author_entries, own_path

_NAMES = """
    __future__ argparse array ast base64 binascii bisect bz2 collections contextlib
    contextvars copy copyreg csv ctypes dataclasses datetime decimal difflib dis email
    enum faulthandler fcntl fnmatch fractions functools gc graphlib hashlib heapq hmac
    importlib inspect ipaddress itertools json keyword linecache locale logging lzma
    math mmap numbers opcode operator pathlib pickle platform queue random re reprlib
    resource secrets select selectors shlex shutil signal site socket stat string struct
    subprocess sysconfig tempfile textwrap threading time token tokenize traceback types
    typing unicodedata urllib uuid warnings weakref zipfile zlib
"""
_NEEDED = frozenset(_NAMES.split())
"""Modules of Python that processes of a run import, some of them by way of others."""

_INSTALLED = ("msgspec", "numpy")
"""Modules of others that every process of a run may import."""


def clash_issues(modules: Iterable[str], *, in_process: bool) -> Iterator[Issue]:
    """List files of the author's that have the name of a module that is needed.

    Args:
        modules: The modules of others that the engine's processes import.
        in_process: Whether the system runs in this process, which has most modules
            already; then an issue is a warning. Else it is an error.
    """
    entries = author_entries()
    if in_process:
        entries = [entry for entry in entries if _is_before_own(entry)]
    for name, file in _clashes((*_NEEDED, *_INSTALLED, *modules), entries):
        who = "like_keras" if in_process else "the process of each node"
        yield Issue(
            f"{file!r} has the name of the module {name!r}, and {who} would import it "
            f"in the place of that: rename {os.path.basename(file)}.",
            code="clashing-file",
            severity="warning" if in_process else "error",
        )


def clash_hint() -> str:
    """Return a sentence on files that took the place of modules here; or nothing.

    It is for errors that may come of them.
    """
    entries = author_entries()
    names = {name.partition(".")[0] for name in list(sys.modules)}
    found = []
    for name, file in _clashes(names, entries):
        loaded = getattr(sys.modules.get(name), "__file__", None) or ""
        if loaded.startswith(file) or os.path.realpath(loaded).startswith(file):
            found.append(
                f"{file!r} was imported in the place of the module {name!r}: "
                f"rename {os.path.basename(file)}."
            )
    return " ".join(found)


def _clashes(names: Iterable[str], entries: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give the names that a file in one of some folders has, each with the first."""
    for name in dict.fromkeys(names):
        for entry in entries:
            folder = os.path.join(entry, name)
            if os.path.isfile(f"{folder}.py"):
                found = f"{folder}.py"
            elif os.path.isfile(os.path.join(folder, "__init__.py")):
                found = folder
            else:
                continue
            if _is_elsewhere(name):
                yield name, found
            break


def _is_elsewhere(name: str) -> bool:
    """Say whether Python or an installed distribution has a module that is a file."""
    if BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name):
        return False
    own = [entry for entry in sys.path if entry in own_path()]
    return name in sys.stdlib_module_names or spec_of(name, own) is not None


def _is_before_own(entry: str) -> bool:
    for item in sys.path:
        if os.path.abspath(item or os.curdir) == entry:
            return True
        if item in own_path():
            return False
    return False
