"""What is known of an option: its default, its check, its help and its flag."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from like_keras_core.values.quantities import quantity


def as_given(name: str, value: Any) -> Any:
    """Return a value as it is."""
    return value


def as_bool(name: str, value: Any) -> bool:
    """Return whether a value is true."""
    return bool(value)


def as_speed(name: str, value: Any) -> float | None:
    """Return a speed; None is none that is kept.

    Raises:
        ValueError: It is neither None nor a number above zero.
    """
    if isinstance(value, str) or value in (float("inf"), 0):
        raise ValueError(
            f"{name} must be a number greater than 0, or None for as fast as possible "
            f"(--{name} max); got {value!r}."
        )
    return None if value is None else quantity(name, value)


def as_params(name: str, value: Any) -> Mapping[str, Any]:
    """Return parameters by address.

    Raises:
        ValueError: It is not a mapping.
    """
    if not isinstance(value, Mapping):
        raise ValueError(
            f"{name} is a mapping from addresses to values, such as "
            f"{{'controller.gain': 5}}; got {value!r:.80}."
        )
    return value


def as_path(name: str, value: Any) -> Path:
    """Return a path."""
    return Path(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """How an option is given on the command line.

    Args:
        name: The flag, such as `--rate-hz`.
        type: What its value is read as; bool is a flag without a value.
        metavar: What stands for the value in the help.
        is_multiple: Whether the flag may be repeated.
        is_folder: Whether its value is the path of a folder, not of a file.
        word_for_none: What stands for None; empty where the flag is left out for it.
    """

    name: str
    type: type[int | float | str | bool | Path]
    metavar: str | None = None
    is_multiple: bool = False
    is_folder: bool = False
    word_for_none: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is known of one option.

    Args:
        name: The keyword.
        default: What it is when it is not given.
        help: What it does, in one sentence without Markdown.
        unit: The symbol of its unit; empty where `help` says what is counted.
        convert: Returns a value as it is used, given the option's name and the value;
            raises a ValueError that says what was expected.
        flag: How `lk launch` takes it; None where a string cannot say it.
        is_between_processes: Whether it only concerns runs of several processes.
        is_for_engines: Whether engines see it; the core handles the others itself.
    """

    name: str
    default: Any
    help: str
    unit: str = ""
    convert: Callable[[str, Any], Any] = as_given
    flag: Flag | None = None
    is_between_processes: bool = False
    is_for_engines: bool = True

    @property
    def sentence(self) -> str:
        """The help with the unit, as in a docstring."""
        unit = f" [{self.unit}]" if self.unit else ""
        return re.sub(r"(?=[.;])", unit, self.help, count=1)

    def read(self, value: Any) -> Any:
        """Return a value as it is used; None stays None where that is the default.

        Raises:
            ValueError: It cannot be the value of this option.
        """
        if value is None and self.default is None:
            return None
        return self.convert(self.name, value)

    def is_default(self, value: Any) -> bool:
        """Say whether a value means the same as leaving the option out."""
        if isinstance(self.default, tuple):
            return not isinstance(value, str) and not value
        return bool(value is self.default or value == self.default)
