"""A function or System class that TARGET names: its arguments, checked and given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from like_keras_core.authoring.param_check import Given, make_typed
from like_keras_core.authoring.parameters import resolved
from like_keras_core.errors import ParameterError, nearest
from like_keras_core.values.mismatch import Make, MismatchError, expected_text

_QUOTES = " '\""


def arguments_for(
    factory: Callable[..., Any], where: str, given: list[Given]
) -> Mapping[str, Any]:
    """Return the arguments to call a factory with; it was not called then.

    Args:
        factory: A function or class.
        where: How TARGET names it.
        given: What `--arg` said.

    Raises:
        ParameterError: It does not take one of them, or needs another.
    """
    try:
        parameters = dict(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        parameters = {}
    takes_any = any(x.kind is x.VAR_KEYWORD for x in parameters.values())
    named = {
        name: item
        for name, item in parameters.items()
        if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)
    }
    problems: list[str] = []
    makes: dict[str, Make] = {}
    for source in given:
        ((name, value),) = source.values.items()
        if name not in named and not takes_any:
            problems.append(f"{source.source}: {_unknown(where, name, list(named))}")
            continue
        kind = _type_of(factory, named[name]) if name in named else Any
        try:
            makes[name] = make_typed(value, kind, None, source.text)
        except MismatchError as error:
            problems.append(f"{source.source}: {name!r} of {where!r} {error}.")
    problems += [
        f"{where!r} needs {name}. Write: --arg {name}=VALUE, where VALUE is "
        f"{expected_text(_type_of(factory, item))}."
        for name, item in parameters.items()
        if _is_needed(item) and name not in makes and name not in _names(given)
    ]
    if problems:
        raise ParameterError(problems)
    return {name: make() for name, make in makes.items()}


def called_in(module: object, name: str, attribute: str) -> str:
    """Return what to write instead of a call in TARGET, as `make("x")`; else nothing.

    Args:
        module: What TARGET names before the colon, loaded.
        name: How it is named.
        attribute: What follows the colon.
    """
    called, bracket, inner = attribute.partition("(")
    if not bracket:
        return ""
    before, equals, value = inner.rstrip(" )").rpartition("=")
    names = [before.strip()] if equals else _positions(getattr(module, called, None))
    flag = f"--arg {names[0] if names else 'NAME'}={value.strip(_QUOTES) or 'VALUE'}"
    return (
        " A function is named without a call, and its arguments are flags: "
        f"{name}:{called} {flag}"
    )


def _positions(factory: Any) -> list[str]:
    """Return the names of the arguments of a function, if it is one."""
    try:
        return list(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        return []


def _names(given: list[Given]) -> set[str]:
    return {name for source in given for name in source.values}


def _is_needed(item: inspect.Parameter) -> bool:
    is_one = item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL)
    return is_one and item.default is item.empty


def _type_of(factory: Any, item: inspect.Parameter) -> Any:
    if isinstance(factory, type):
        function: Any = getattr(factory, "__init__", None)
        return resolved(item.annotation, inspect.unwrap(function), factory)
    return resolved(item.annotation, inspect.unwrap(factory), object)


def _unknown(where: str, name: str, known: list[str]) -> str:
    near = nearest(name, known)
    hint = f" Did you mean {near!r}?" if near else ""
    return (
        f"{where!r} takes no {name!r}; it takes: {', '.join(known) or 'nothing'}.{hint}"
    )
