"""What a command works on: TARGET on the command line, turned into a System."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import click

from like_keras_core.authoring.twins import with_params
from like_keras_core.cli.factory import arguments_for, called_in
from like_keras_core.cli.param_flags import given_arguments, given_params, param_flags
from like_keras_core.errors import LkError, LoadError, ParameterError, nearest
from like_keras_core.system import System
from like_keras_core.values.class_refs import check_allowed, load_script
from like_keras_core.values.code_folders import add_folder
from like_keras_core.values.main_module import set_arguments, set_module_argv

F = TypeVar("F", bound=Callable[..., Any])

FORMS = (
    "TARGET is a file (robot.py, or robot.py:attribute), a module "
    "(package.module:attribute), or a saved system (robot.json)."
)


def target_argument() -> Callable[[F], F]:
    """Return the decorator that gives a command its TARGET, by the name `target`.

    The command has `--set`, `--params` and `--arg` then, by which `load_target` goes.
    What follows `--` are the arguments of the script that TARGET names.
    """
    return lambda command: click.argument("target")(
        click.argument(
            "arguments",
            nargs=-1,
            type=click.UNPROCESSED,
            metavar="[-- ARGUMENTS...]",
            expose_value=False,
            callback=_take_arguments,
        )(param_flags(command))
    )


def _take_arguments(
    context: click.Context, _: click.Parameter, values: tuple[str, ...]
) -> None:
    if values and context.find_root().obj == "no dashes":
        raise click.UsageError(
            f"Got unexpected extra argument ({' '.join(values)}). Arguments of a "
            "script follow `--`.",
            context,
        )
    set_arguments(values)


def load_target(target: str, allow: Sequence[str] = ()) -> System:
    """Return the system that TARGET names, with what the command's flags set.

    Args:
        target: `file.py[:attribute]`, `package.module:attribute`, or a saved system.
        allow: Module prefixes that may be imported, and `node:NAME` for what a node
            may run; empty allows all.

    Raises:
        LoadError: There is no such file, module or attribute, or it is not a system.
        SpecError: It is a file, but no saved system.
        ParameterError: A flag sets what cannot be set; nothing of it was made.
    """
    params = given_params()
    system = _load(target, allow)
    return with_params(system, params) if params else system


def _load(target: str, allow: Sequence[str]) -> System:
    try:
        folder = os.getcwd()
    except FileNotFoundError:
        raise LoadError(
            "The current directory was removed. Change to one that is there."
        ) from None
    allowed = list(allow) or None
    if allowed is not None:
        add_folder(folder, allowed)
    elif folder not in sys.path[:1]:
        sys.path.insert(0, folder)
    name, attribute = _split(target)
    if name.endswith(".py"):
        path = _file(name)
        check_allowed(path.name, allowed)
        module, launched = load_script(path, allowed)
        return _system_in(module, attribute, launched, name)
    if _is_file(target):
        _refuse_arguments(target)
        return System.load(target, allow=allowed)
    if name.endswith(".json") or os.sep in target:
        raise LoadError(f"There is no file {target!r}. {FORMS}")
    check_allowed(name, allowed)
    set_module_argv(name)
    return _system_in(_module(name), attribute, None, name)


def _split(target: str) -> tuple[str, str]:
    name, colon, attribute = target.rpartition(":")
    if not colon or (os.sep in attribute or attribute.endswith((".py", ".json"))):
        return target, ""
    return name, attribute


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _file(name: str) -> Path:
    if not _is_file(name):
        raise LoadError(f"There is no file {name!r}. {FORMS}")
    return Path(name)


def _module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise LoadError(f"{name!r} is neither a file nor a module's name. {FORMS}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name + ".").startswith(error.name + "."):
            raise LoadError(f"There is no module {error.name!r}. {FORMS}") from error
        raise LoadError(f"Module {name!r} needs {error.name!r}: {error}") from error
    except (Exception, SystemExit) as error:
        text = f"Module {name!r} raised {type(error).__name__}: {error}"
        raise LoadError(text) from error


def _system_in(
    module: ModuleType, attribute: str, launched: System | None, name: str
) -> System:
    if not attribute:
        return _only_system(module, launched, name)
    found: Any = module
    for part in attribute.split("."):
        known = (
            [key for key in vars(found) if not key.startswith("_")]
            if hasattr(found, "__dict__")
            else []
        )
        if not hasattr(found, part):
            near = nearest(part, known)
            hint = f" Did you mean {near!r}?" if near else ""
            hint = called_in(module, name, attribute) or hint
            raise LoadError(f"{name!r} has no attribute {part!r}.{hint}")
        found = getattr(found, part)
    return _as_system(found, f"{name}:{attribute}")


def _as_system(found: Any, where: str) -> System:
    if isinstance(found, System):
        _refuse_arguments(where)
        return found
    if not callable(found):
        raise LoadError(
            f"{where!r} is {found!r:.80}; expected a System, a System class, or a "
            "function that returns a System."
        )
    arguments = arguments_for(found, where, given_arguments())
    try:
        made = found(**arguments)
    except LkError:
        raise
    except (Exception, SystemExit) as error:
        text = f"{where!r} raised {type(error).__name__}: {error}"
        raise LoadError(text) from error
    if not isinstance(made, System):
        raise LoadError(f"{where!r} returned {made!r:.80}, which is not a System.")
    return made


def _only_system(module: ModuleType, launched: System | None, name: str) -> System:
    found = {
        key: value for key, value in vars(module).items() if isinstance(value, System)
    }
    systems = {id(value): key for key, value in found.items()}
    if len(systems) > 1:
        raise _several(name, found)
    for system in (*found.values(), launched):
        if system is not None:
            _refuse_arguments(name)
            return system
    classes = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, System)
        and value.__module__ == module.__name__
    }
    if len(classes) > 1:
        raise _several(name, classes)
    if classes:
        ((key, value),) = classes.items()
        return _as_system(value, f"{name}:{key}")
    raise LoadError(
        f"{name!r} has no System at its top level. Make one there, or name a function "
        f"that returns one: {name}:make_system"
    )


def _refuse_arguments(where: str) -> None:
    """Refuse `--arg` where nothing is called that could take it."""
    if given := given_arguments():
        text = (
            f"{given[0].source}: {where!r} is a system, and not a function that takes "
            "arguments. Name a function, as robot.py:make; or set a component's "
            "argument: --set controller.gain=5"
        )
        raise ParameterError([text])


def _several(name: str, found: dict[str, Any]) -> LoadError:
    listed = ", ".join(f"{name}:{key}" for key in found)
    return LoadError(f"{name!r} has {len(found)} systems; name one of: {listed}.")
