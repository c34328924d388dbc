"""What a message of the control protocol is, and how it becomes a frame's content.

A message is a frozen dataclass. On the wire it is its verb and its fields as one JSON
array, with the bytes of the field `data` beside it. What comes is checked against the
declared types, so that a broken peer is an error with names, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, NoReturn, TypeVar

from like_keras_core.errors import LkError
from like_keras_core.runtime.control.field_types import (
    FieldTypeError,
    Reader,
    field_readers,
)

_DATA = "data"
"""The field that travels as bytes beside the JSON."""

_LONGEST_STRING = 1_000_000
"""More characters of an error or a traceback do not travel."""


class Message:
    """What all messages have.

    Args:
        verb: The first word on the wire.
        phase: The part of a run in which it is sent, for readers.
        travels: Whether it is sent at all.
    """

    __slots__ = ()
    verb: ClassVar[str]
    phase: ClassVar[str]
    travels: ClassVar[bool]

    def __init_subclass__(
        cls, verb: str = "", phase: str = "", *, travels: bool = True
    ) -> None:
        """Keep what is said of the class; making it slotted calls this once more."""
        if verb:
            cls.verb, cls.phase, cls.travels = verb, phase, travels


M = TypeVar("M", bound=Message)


class ProtocolError(LkError, ValueError):
    """A message that the protocol does not have, or not like this, or not now.

    Attributes:
        verb: The message's verb.
        problem: What is wrong with it.
    """

    def __init__(self, verb: object, problem: str) -> None:
        self.verb, self.problem = verb, problem
        super().__init__(f"The message {verb!r:.80} {problem}.")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.verb, self.problem))


def by_verb(classes: Iterable[type[M]]) -> dict[str, type[M]]:
    """Return the classes of the messages that travel, by their verbs."""
    return {item.verb: item for item in classes if item.travels}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Of a class of messages: what reads each JSON field, and whether it has bytes."""

    readers: Mapping[str, Reader]
    has_data: bool


_layouts: dict[Any, _Layout] = {}


def _layout_of(kind: Any) -> _Layout:
    if kind not in _layouts:
        names = [field.name for field in fields(kind)]
        in_json = [name for name in names if name != _DATA]
        _layouts[kind] = _Layout(field_readers(kind, in_json), _DATA in names)
    return _layouts[kind]


def encode(message: Message) -> tuple[bytes, bytes]:
    """Return a message's JSON and the bytes beside it."""
    layout = _layout_of(type(message))
    arguments = [getattr(message, name) for name in layout.readers]
    text = _to_json([message.verb, *arguments]).encode()
    return text, getattr(message, _DATA) if layout.has_data else b""


def decode(text: bytes | bytearray, data: bytes, table: Mapping[str, type[M]]) -> M:
    """Return the message that has come.

    Args:
        text: Its JSON.
        data: The bytes beside it.
        table: The classes of the messages that may come.

    Raises:
        ProtocolError: There is no such message, or a field has not the declared type.
    """
    try:
        verb, *arguments = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise ProtocolError(bytes(text), "is not a JSON array") from None
    kind = table.get(verb) if isinstance(verb, str) else None
    if kind is None:
        raise ProtocolError(verb, "does not exist in this direction")
    layout = _layout_of(kind)
    readers = layout.readers
    if len(arguments) != len(readers):
        names = ", ".join(readers) or "none"
        problem = f"has {len(arguments)} fields; expected are {len(readers)}: {names}"
        raise ProtocolError(verb, problem)
    values: dict[str, Any] = {}
    for (name, read), argument in zip(readers.items(), arguments, strict=True):
        try:
            values[name] = read(argument)
        except FieldTypeError as error:
            problem = f"has a wrong field: {name}{error}"
            raise ProtocolError(verb, problem) from None
    if layout.has_data:
        values[_DATA] = data
    return kind(**values)


def _as_object(value: Any) -> dict[str, Any]:
    """Return a dataclass in a field as a JSON object."""
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} cannot be in a message: {value!r:.80}")
    return {field.name: getattr(value, field.name) for field in fields(value)}


_to_json = json.JSONEncoder(default=_as_object).encode


def assert_never(message: NoReturn) -> NoReturn:
    """End a `match`: the type checker proves that every message has a case above."""
    raise AssertionError(f"No case handles {message!r}.")


def shortened(text: str) -> str:
    """Return a text that a message may hold: the begin and the end of a long one."""
    if len(text) <= _LONGEST_STRING:
        return text
    half = _LONGEST_STRING // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n[... {left_out:,} characters ...]\n{text[-half:]}"
