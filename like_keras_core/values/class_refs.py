"""Classes by name: `"package.module:Class"`, and `"file.py:Class"` for a script.

A script is a file that was run rather than imported. Its folder is not part of the
name, so that a saved system finds the script on another machine.
"""

from __future__ import annotations

import importlib
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from like_keras_core.errors import LoadError, NotAllowedError, NotSerializableError
from like_keras_core.values.code_folders import add_folder, open_folders
from like_keras_core.values.main_module import (
    SCRIPT_MODULE,
    compile_script,
    enter_script,
    is_pool_child,
    takes_main,
)

Resolver = Callable[[str], type]
"""Turns `"module:Class"` into the class."""
_scripts: dict[Path, types.ModuleType] = {}
_loading: list[Path] = []
_names: weakref.WeakKeyDictionary[type, str] = weakref.WeakKeyDictionary()


class ScriptStopped(BaseException):
    """Ends the loading of a script at its first compile, launch or save."""

    def __init__(self, system: Any) -> None:
        self.system = system
        super().__init__("the script is only loaded, not run")


def stop_loading_script(system: Any) -> None:
    """End the loading here if a script is being loaded; `system` is what it made.

    `lk` runs a script only as far as it needs to find its system. So what launches a
    system itself, such as a replay, calls this first: a script that begins it at its
    top level is not run by being loaded.

    Args:
        system: The system that would be launched.

    Raises:
        RuntimeError: A child of a worker pool loads the script; nothing stops it there.
    """
    if _loading:
        raise ScriptStopped(system)
    if is_pool_child():
        raise RuntimeError(
            "A worker process of a pool loads this script again, and came to a launch, "
            "compile, plot or save at its top level. Put that below `if __name__ == "
            '"__main__":`.'
        )


def entry_point_of(cls: type, where: str = "value") -> str:
    """Return the name by which another process finds a class.

    Raises:
        NotSerializableError: It has none: it was made inside a function, in a notebook
            or at a prompt, or its module has something else of that name.
    """
    if cls not in _names:
        _names[cls] = _entry_point_of(cls, where)
    return _names[cls]


def _entry_point_of(cls: type, where: str) -> str:
    name = cls.__qualname__
    if "<locals>" in name:
        raise NotSerializableError(
            f"{where} is of class {name!r}, which is defined inside a function, so no "
            "other process can find it. Define it at the top of a module."
        )
    module = module_of(cls)
    if _attribute(module, name) is not cls:
        raise NotSerializableError(
            f"{where} is of class {name!r}, which cannot be found by that name in "
            f"module {cls.__module__!r}. Define it at the top of a module."
        )
    if cls.__module__ not in ("__main__", SCRIPT_MODULE):
        return f"{cls.__module__}:{name}"
    spec = getattr(module, "__spec__", None)
    if spec is not None:
        return f"{spec.name}:{name}"
    file = getattr(module, "__file__", None)
    if file is None:
        raise NotSerializableError(
            f"{where} is of class {name!r}, which is defined in a notebook cell or at "
            "a prompt, so no other process can find it. Put it into a file and "
            "import it."
        )
    return f"{Path(file).name}:{name}"


def home_of(cls: type) -> str:
    """Return the module that people know a class by; empty for built-ins and scripts.

    It is the same in every process and on every Python version: a script's name
    depends on how it is run, and private modules (`pathlib._local`) come and go.
    """
    name = cls.__module__
    if name == "__main__":
        spec = getattr(sys.modules.get(name), "__spec__", None)
        name = spec.name if spec is not None else ""
    if name in ("builtins", SCRIPT_MODULE):
        return ""
    first, *rest = name.split(".")
    while rest and rest[-1].startswith("_"):
        rest.pop()
    return ".".join([first, *rest])


def module_of(cls: type) -> types.ModuleType | None:
    """Return the module that defines a class, also of a script; None if it is gone."""
    if cls.__module__ == SCRIPT_MODULE:
        for module in _scripts.values():
            if _attribute(module, cls.__qualname__) is cls:
                return module
    return sys.modules.get(cls.__module__)


def _attribute(module: types.ModuleType | None, qualname: str) -> Any:
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found


def check_allowed(entry_point: str, allow: Iterable[str] | None) -> None:
    """Refuse what an allow-list of module prefixes does not have.

    A script is on it only by its file name: `robot` allows the module, `robot.py` the
    script.

    Raises:
        NotAllowedError: `entry_point` is not below any of the prefixes.
    """
    if allow is None:
        return
    prefixes = tuple(allow)
    module = entry_point.partition(":")[0]
    is_script = module.endswith(".py")
    if not any(
        module == name or (module.startswith(f"{name}.") and not is_script)
        for name in prefixes
    ):
        raise NotAllowedError(entry_point, prefixes)


def resolve(
    entry_point: str,
    *,
    allow: Iterable[str] | None = None,
    folders: Sequence[Path] = (),
) -> type:
    """Return the class that an entry point names, importing its module.

    Args:
        entry_point: `"package.module:Class"` or `"file.py:Class"`.
        allow: Module prefixes that may be imported; None allows all.
        folders: Where to look for a script first.

    Raises:
        NotAllowedError: Its module is not below `allow`.
        LoadError: It cannot be found, or its module cannot be imported.
    """
    check_allowed(entry_point, allow)
    module_name, colon, qualname = entry_point.partition(":")
    if not (colon and module_name and qualname):
        raise LoadError(
            f"{entry_point!r} is not an entry point; expected "
            "'package.module:Class' or 'file.py:Class'."
        )
    if module_name.endswith(".py"):
        if Path(module_name).name != module_name or "\\" in module_name:
            raise LoadError(
                f"The entry point {entry_point!r} names a script by a path; a script "
                "is named by its file name alone."
            )
        module = _find_script(module_name, folders, allow)
    else:
        module = _import(module_name, entry_point)
    found = _attribute(module, qualname)
    if found is None:
        raise LoadError(
            f"Module {module_name!r} has no {qualname!r}, which the entry point "
            f"{entry_point!r} names."
        )
    if not isinstance(found, type):
        raise LoadError(f"{entry_point!r} is not a class; it is {found!r:.100}.")
    return found


def _import(name: str, entry_point: str) -> types.ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        cure = ". Install it, or run from the folder that has it."
        raise LoadError(
            f"Cannot import {name!r} for the entry point {entry_point!r}: "
            f"{type(error).__name__}: {error}{_asks(error) or cure}"
        ) from error


def _find_script(
    name: str, folders: Sequence[Path], allow: Iterable[str] | None
) -> types.ModuleType:
    main = sys.modules.get("__main__")
    main_file = getattr(main, "__file__", None)
    running = Path(main_file).resolve() if main_file else None
    entries = [*sys.path, *open_folders()]
    for folder in [*folders, *(Path(entry or ".") for entry in entries), Path()]:
        path = (folder / name).resolve()
        if main is not None and path == running:
            return main
        if path.is_file():
            return load_script(path, allow)[0]
    if main is not None and running is not None and running.name == name:
        return main
    places = ", ".join(dict.fromkeys(str(folder) for folder in [*folders, Path.cwd()]))
    raise LoadError(
        f"Cannot find the script {name!r}; looked in {places} and on sys.path. "
        "Put it beside the saved system, or run from its folder."
    )


def load_script(
    path: Path, allow: Iterable[str] | None = None
) -> tuple[types.ModuleType, Any]:
    """Run a script as a module, up to its first compile, launch or save.

    Args:
        path: The script, which is allowed.
        allow: Module prefixes that may be imported; None allows all. What is beside
            the script is found then, but never in the place of what is installed.

    Returns:
        The module, and the system that it was about to compile, launch or save.

    Raises:
        LoadError: It cannot be read, or it raised.
    """
    path = path.resolve()
    known = _scripts.get(path)
    # One that was `__main__` in an earlier command may have had other arguments.
    if known is not None and sys.modules.get(known.__name__) is known:
        return known, getattr(known, "__lk_system__", None)
    is_main = takes_main(path)
    try:
        code = compile_script(path.read_bytes(), path, is_main=is_main)
    except (OSError, SyntaxError, ValueError) as error:
        raise LoadError(f"Cannot read the script {str(path)!r}: {error}") from error
    module = types.ModuleType("__main__" if is_main else SCRIPT_MODULE)
    module.__file__ = str(path)
    _scripts[path] = module
    if allow is not None:
        add_folder(str(path.parent), allow).is_open = True
    elif str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    try:
        _execute(code, module, path)
    except BaseException:
        del _scripts[path]
        raise
    return module, getattr(module, "__lk_system__", None)


def _execute(code: types.CodeType, module: types.ModuleType, path: Path) -> None:
    argv, before = sys.argv, sys.modules.get(SCRIPT_MODULE)
    is_main = module.__name__ != SCRIPT_MODULE
    if is_main:
        enter_script(module, path)
    else:
        sys.modules[SCRIPT_MODULE] = module
        sys.argv = [str(path)]
    _loading.append(path)
    try:
        exec(code, module.__dict__)
    except ScriptStopped as stopped:
        module.__lk_system__ = stopped.system  # type: ignore[attr-defined]
    except SystemExit as error:
        if error.code not in (None, 0):
            raise LoadError(
                f"The script {str(path)!r} exited with {error.code!r}. Its arguments "
                f"were {sys.argv[1:]!r}; under `lk` they follow `--`."
            ) from error
    except Exception as error:
        raise LoadError(
            f"The script {str(path)!r} raised {type(error).__name__}: {error}"
            f"{_asks(error)}"
        ) from error
    finally:
        _loading.pop()
        if not is_main:
            sys.argv = argv
            if before is not None:
                sys.modules[SCRIPT_MODULE] = before


def _asks(error: BaseException) -> str:
    """Say how to mend code that calls `input` while it is loaded; or nothing."""
    if not isinstance(error, EOFError) or str(error) != "EOF when reading a line":
        return ""
    return (
        ". It calls input() while it is loaded, and there is nothing to read: the "
        "process of each node loads it again. Call input() below `if __name__ == "
        '"__main__":`, and pass the answer to the components.'
    )
