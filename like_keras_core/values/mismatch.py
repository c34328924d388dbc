"""A value that is not what an annotation says, in words."""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import Any, Literal

from like_keras_core.values.annotations import is_union, plain, to_text
from like_keras_core.values.field_types import is_dataclass_type

Make = Callable[[], Any]
"""Makes a value that was checked."""


class MismatchError(Exception):
    """A value is not what an annotation says.

    Args:
        expected: What was expected, in words.
        value: What came.
        where: In which part of the whole: `"[2]"`, `".gain"`.
    """

    def __init__(self, expected: str, value: Any, where: str = "") -> None:
        self.expected, self.value, self.where = expected, value, where
        super().__init__(expected, value, where)

    def inside(self, part: str) -> MismatchError:
        """Return the same of a value in which this one is."""
        return MismatchError(self.expected, self.value, part + self.where)

    def inner(self) -> str:
        """Return what is wrong, without where."""
        return str(MismatchError(self.expected, self.value))

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        kind = type(self.value).__name__
        got = f"{shown(self.value)} ({kind})" if self.value is not None else "None"
        return f"takes {self.expected}; got {got}{place}"


def shown(value: Any) -> str:
    """Return a value's repr, shortened; it never raises."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever a repr raises, as for a huge int
        return f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."


def expected_text(annotation: Any) -> str:
    """Return an annotation in words: the names of an enum, the values of a Literal."""
    annotation = plain(annotation)
    if is_union(annotation):
        return " | ".join(map(expected_text, typing.get_args(annotation)))
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(map(repr, typing.get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        names = ", ".join(map(repr, annotation.__members__))
        return f"{annotation.__qualname__}, one of {names}"
    if is_dataclass_type(annotation):
        return f"{annotation.__qualname__}, or a mapping with its fields"
    return to_text(annotation)
