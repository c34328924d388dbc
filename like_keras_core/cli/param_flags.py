"""`--set`, `--params` and `--arg`: what a command is to change of its TARGET."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

from like_keras_core.authoring.param_check import Given

F = TypeVar("F", bound=Callable[..., Any])

_KEY = "like_keras_core.params"
"""Where a command's context keeps what its flags say, by the flag."""


def param_flags(command: F) -> F:
    """Give a command the flags; what they say waits for its TARGET to be loaded."""
    for name, metavar, text in (
        ("--arg", "NAME=VALUE", "An argument of the function that TARGET names."),
        ("--params", "FILE", "Set what a YAML file says."),
        (
            "--set",
            "ADDRESS=VALUE",
            "Set controller.gain=5, over what files say; VALUE is JSON or text.",
        ),
    ):
        command = click.option(
            name,
            f"given_{name[2:]}",
            multiple=True,
            metavar=metavar,
            expose_value=False,
            callback=_keep,
            help=f"{text} Repeat it for more.",
        )(command)
    return command


def _keep(
    context: click.Context, option: click.Parameter, values: Sequence[str]
) -> None:
    name = option.opts[0]
    if name != "--params":
        for text in values:
            _split(name, text)
    context.meta.setdefault(_KEY, {})[name] = list(values)


def _said(name: str) -> list[str]:
    context = click.get_current_context(silent=True)
    if context is None:
        return []
    found: list[str] = context.meta.get(_KEY, {}).get(name, [])
    return found


def given_params() -> list[Given]:
    """Return what the flags set, the files first.

    Raises:
        LkError: A file cannot be read.
    """
    from like_keras_core.cli.param_file import read_params

    return [
        *map(read_params, _said("--params")),
        *_pairs("--set", _said("--set")),
    ]


def given_arguments() -> list[Given]:
    """Return the arguments for the function that TARGET names."""
    return list(_pairs("--arg", _said("--arg")))


def _pairs(name: str, texts: Iterable[str]) -> Iterable[Given]:
    for text in texts:
        address, value = _split(name, text)
        yield Given({address: as_data(value)}, f"{name} {text[:200]}", value)


def _split(name: str, text: str) -> tuple[str, str]:
    address, equals, value = text.partition("=")
    if not equals or not address.strip(". "):
        example = "mode=indoor" if name == "--arg" else "controller.gain=5"
        what = "NAME=VALUE" if name == "--arg" else "ADDRESS=VALUE"
        raise click.UsageError(f"{name} takes {what}, as {example}; got {text!r:.200}.")
    return address.strip(), value


def as_data(text: str) -> Any:
    """Return what was typed: as JSON where it can be, else as it is."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _finite(text: str) -> float:
    """Read a number; one that is too large for a float is not infinite."""
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise click.UsageError(f"The key {twice!r} comes twice in one value.")
    return found
