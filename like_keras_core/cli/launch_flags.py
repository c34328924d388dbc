"""The options of a launch as flags of a command: `lk launch`, and those of plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from like_keras_core.launch_options import OPTIONS
from like_keras_core.option import Flag, Option

_Command = TypeVar("_Command", bound=Callable[..., Any])


def launch_flags(*leave_out: str) -> Callable[[_Command], _Command]:
    """Give a command a flag for every option of a launch that a string can say.

    The command receives each value under the option's name, so that all of them can be
    handed on: `load_target(target).launch(**options)`.

    Args:
        *leave_out: Names of options that the command sets itself.
    """

    def decorate(command: _Command) -> _Command:
        # click lists the flag first whose decorator is applied last.
        for option in reversed(list(OPTIONS.values())):
            if option.flag is not None and option.name not in leave_out:
                command = _decorator(option, option.flag)(command)
        return command

    return decorate


def _decorator(option: Option, flag: Flag) -> Callable[[_Command], _Command]:
    """Return what adds one flag to a command."""
    names, text = (flag.name, option.name), option.sentence
    if flag.word_for_none:
        text = text.replace("None", flag.word_for_none)
    if flag.type is bool:
        return click.option(*names, is_flag=True, help=text)
    if flag.is_multiple:
        return click.option(
            *names,
            multiple=True,
            metavar=flag.metavar,
            callback=_list_or_all,
            help=f"{text} Repeat it for more.",
        )
    return click.option(
        *names,
        type=_type_of(flag),
        default=option.default,
        show_default=option.default is not None,
        metavar=flag.metavar,
        callback=partial(_read, option),
        help=text,
    )


def _type_of(flag: Flag) -> Any:
    if flag.word_for_none:
        return _NumberOrWord(flag.word_for_none)
    if flag.type is not Path:
        return flag.type
    return click.Path(file_okay=not flag.is_folder, dir_okay=flag.is_folder)


class _NumberOrWord(click.ParamType):
    """A number, or a word that stands for none.

    Args:
        word: The word.
    """

    name = "number"

    def __init__(self, word: str) -> None:
        self.word = word

    def get_metavar(self, *args: Any, **kwargs: Any) -> str:
        """Return what stands for the value in the help."""
        return f"[FLOAT|{self.word}]"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | None:
        """Return the number; None for the word."""
        if value == self.word:
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor {self.word!r}.", param, ctx)


def _list_or_all(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> list[str] | str:
    return "all" if "all" in values else list(values)


def _read(
    option: Option, context: click.Context, parameter: click.Parameter, value: Any
) -> Any:
    """Return a value as the option reads it, or refuse it in the option's words."""
    try:
        return option.read(value)
    except ValueError as error:
        raise click.BadParameter(str(error), context, parameter) from None
