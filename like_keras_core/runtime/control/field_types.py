"""From JSON data to typed fields: what has another type is refused, by its place."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

Reader = Callable[[Any], Any]
"""Takes JSON data, and returns the value of the declared type that it stands for."""

_PLAIN: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a string"),
    int: ((int,), "an integer"),
    bool: ((bool,), "true or false"),
    float: ((int, float), "a number"),
    type(None): ((type(None),), "null"),
}


class FieldTypeError(ValueError):
    """A value that is not of the declared type.

    Args:
        expected: What it should be.
        received: What it is.
        path: Where it stands in the field, such as `"['camera'].fired"`.
    """

    def __init__(self, expected: str, received: object, path: str = "") -> None:
        self.expected, self.received, self.path = expected, received, path
        super().__init__(f"{path} must be {expected}; got {received!r:.80}")


def field_readers(kind: Any, names: Iterable[str]) -> dict[str, Reader]:
    """Return what reads fields of a class, by name."""
    hints = get_type_hints(kind)
    return {name: reader_of(hints[name]) for name in names}


def reader_of(annotation: Any) -> Reader:
    """Return what reads values of an annotation.

    It knows strings, numbers, booleans, None, unions, tuples, mappings from strings,
    dataclasses (as JSON objects), named tuples (as JSON arrays) and `Any`.
    """
    if annotation is Any:
        return lambda data: data
    if annotation in _PLAIN:
        return _plain(*_PLAIN[annotation])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _union([reader_of(item) for item in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return _list(reader_of(arguments[0]))
    if origin is tuple:
        return _row([reader_of(item) for item in arguments], tuple)
    if origin is Mapping:
        return _object(reader_of(arguments[1]))
    if is_dataclass(annotation):
        names = [field.name for field in fields(annotation)]
        return _record(annotation, field_readers(annotation, names))
    if hasattr(annotation, "_make"):
        readers = field_readers(annotation, annotation._fields)
        return _row(list(readers.values()), annotation._make)
    raise TypeError(f"No field of a message can be of the type {annotation!r}.")


def _plain(accepted: tuple[type, ...], expected: str) -> Reader:
    def read(data: Any) -> Any:
        if type(data) not in accepted:  # Not isinstance: a boolean is an int there.
            raise FieldTypeError(expected, data)
        return data

    return read


def _union(readers: list[Reader]) -> Reader:
    def read(data: Any) -> Any:
        expected = []
        for reader in readers:
            try:
                return reader(data)
            except FieldTypeError as error:
                expected.append(error.expected)
        raise FieldTypeError(" or ".join(expected), data)

    return read


def _list(item: Reader) -> Reader:
    def read(data: Any) -> tuple[Any, ...]:
        if not isinstance(data, list):
            raise FieldTypeError("an array", data)
        return tuple(_at(f"[{n}]", item, value) for n, value in enumerate(data))

    return read


def _row(items: list[Reader], make: Callable[[list[Any]], Any]) -> Reader:
    def read(data: Any) -> Any:
        if not isinstance(data, list) or len(data) != len(items):
            raise FieldTypeError(f"an array of {len(items)}", data)
        pairs = enumerate(zip(items, data, strict=True))
        return make([_at(f"[{n}]", item, value) for n, (item, value) in pairs])

    return read


def _object(item: Reader) -> Reader:
    def read(data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise FieldTypeError("an object", data)
        return {key: _at(f"[{key!r}]", item, value) for key, value in data.items()}

    return read


def _record(kind: Any, items: Mapping[str, Reader]) -> Reader:
    def read(data: Any) -> Any:
        if not isinstance(data, dict) or data.keys() != items.keys():
            raise FieldTypeError(f"an object of {', '.join(items)}", data)
        return kind(**{x: _at(f".{x}", items[x], value) for x, value in data.items()})

    return read


def _at(place: str, reader: Reader, data: Any) -> Any:
    """Read a part of a field; what is wrong with it is said with its place."""
    try:
        return reader(data)
    except FieldTypeError as error:
        path = place + error.path
        raise FieldTypeError(error.expected, error.received, path) from None
