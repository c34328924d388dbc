"""Which script is `__main__` in a process that only loads the scripts of others.

A script's classes and functions are found by pickle, and by the children of a worker
pool, under the name that they have where the script is run: in `__main__`. So the
process of a node, and `lk`, lend that name to the script that they load; its main block
is not run. Its `sys.argv` is that of the program, as with multiprocessing's spawn.

In other programs a loaded script is a module beside their own `__main__`, and its
arguments are its path alone.
"""

from __future__ import annotations

import ast
import os
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SCRIPT_MODULE = "__lk_main__"
"""The name of a script that is loaded, where `__main__` is not lent."""

MAIN_MODULES = ("__main__", "__mp_main__")
"""Under the second name a pool's children find the functions of the first."""


class _Lent:
    """The name `__main__`, where this process lends it."""

    def __init__(self) -> None:
        #: What a script is given beside its path, unless `set_argv` says all of it.
        self.arguments: Sequence[str] = ()
        #: The name of the script that the whole run is of; any if it is None.
        self.program: str | None = None
        #: Who has the name; None until a script was loaded.
        self.script: Path | None = None


_lent: list[_Lent] = []
"""The last one counts; empty where nothing is lent."""


@contextmanager
def main_lent() -> Iterator[None]:
    """Let the first script that is loaded be `__main__`, as long as this lasts.

    Until then `__main__` is empty, so that a pool's children import nothing of ours.
    In another thread than the main one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    argv, before = sys.argv, {name: sys.modules.get(name) for name in MAIN_MODULES}
    _lent.append(_Lent())
    _become(types.ModuleType("__main__"))
    try:
        yield
    finally:
        _lent.pop()
        sys.argv = argv
        for name, module in before.items():
            if module is not None:
                sys.modules[name] = module
            else:
                sys.modules.pop(name, None)


def set_arguments(arguments: Sequence[str]) -> None:
    """Say what a script is given beside its path, where `__main__` is lent."""
    if _lent:
        _lent[-1].arguments = arguments


def set_argv(argv: Sequence[str]) -> None:
    """Take over the arguments of the program that a run is of.

    Args:
        argv: Its `sys.argv`; empty if it is not known. Without `main_lent` they stay
            as they are.
    """
    if _lent and argv:
        sys.argv = list(argv)
        _lent[-1].program = os.path.basename(argv[0])


def set_module_argv(name: str) -> None:
    """Give a module that is a command's TARGET its arguments, before it is imported."""
    if _lent:
        sys.argv = [name, *_lent[-1].arguments]


def takes_main(path: Path) -> bool:
    """Say whether a script that is about to be loaded gets the name `__main__`."""
    if not _lent or _lent[-1].script is not None:
        return False
    return _lent[-1].program in (None, path.name)


def compile_script(source: bytes, path: Path, *, is_main: bool) -> types.CodeType:
    """Return the code of a script, in which nothing is equal to `__main__`.

    Args:
        source: The script.
        path: Where it is.
        is_main: Whether it gets the name; else it has another one anyway.

    Raises:
        SyntaxError: It is not Python.
        ValueError: It has null bytes.
    """
    tree = ast.parse(source, str(path))
    if is_main:
        tree = _NotMain().visit(tree)
    return compile(tree, str(path), "exec", dont_inherit=True)


def enter_script(module: types.ModuleType, path: Path) -> None:
    """Give a script the name `__main__`, and its arguments."""
    lent = _lent[-1]
    lent.script = path
    if lent.program is None:
        sys.argv = [str(path), *lent.arguments]
    _become(module)


def is_pool_child() -> bool:
    """Say whether a child of multiprocessing is loading the program's script now."""
    process = sys.modules.get("multiprocessing.process")
    if process is None:
        return False
    # As multiprocessing itself knows it, to refuse children of such a child.
    return bool(getattr(process.current_process(), "_inheriting", False))


def _become(module: types.ModuleType) -> None:
    for name in MAIN_MODULES:
        sys.modules[name] = module


class _NotMain(ast.NodeTransformer):
    """Lets comparisons of `__name__` see another name, so that no main block runs."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Take the name of a loaded script for `__name__` among what is compared."""
        self.generic_visit(node)
        node.left = _renamed(node.left)
        node.comparators = [_renamed(item) for item in node.comparators]
        return node


def _renamed(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Name) and node.id == "__name__":
        return ast.copy_location(ast.Constant(SCRIPT_MODULE), node)
    return node
