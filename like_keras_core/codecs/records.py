"""Classes of messages: how an instance is taken apart, and made again.

A record is a named tuple, or a dataclass that is nothing but its fields. Its instances
travel as rows, beside the class's name and the fields' names, such as
`messages:Pose(x,y,theta)`. Any other dataclass may keep more than its fields, or write
them in a way of its own; its instances travel as the attributes that they have.

What is wrong with data that was received is a ValueError here.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

from like_keras_core.codecs.json import Resolver


class Record:
    """A class whose instances are rows.

    Args:
        cls: The class.
        entry_point: Its name.

    Attributes:
        names: Its fields.
        signature: The class's name and its fields', as they travel.
        read: Gives an instance's row.
    """

    __slots__ = ("_make", "names", "read", "signature")

    def __init__(self, cls: Any, entry_point: str) -> None:
        self.read: Callable[[Any], tuple[Any, ...]]
        self._make: Callable[..., Any]
        if issubclass(cls, tuple):
            self.names = tuple(cls._fields)
            self.read = tuple
            self._make = functools.partial(_make_tuple, cls)
        else:
            self.names = tuple(field.name for field in dataclasses.fields(cls))
            self.read = _reader(self.names)
            self._make = cls
        self.signature = f"{entry_point}({','.join(self.names)})"

    def from_row(self, row: Sequence[Any]) -> Any:
        """Return the instance that a row stands for."""
        if len(row) != len(self.names):
            raise ValueError(f"{len(row)} values are no row of {self.signature!r}")
        return self._make(*row)

    def from_rows(self, flat: Sequence[Any]) -> list[Any]:
        """Return the instances whose rows, one after another, are `flat`."""
        width = len(self.names)
        if not width or len(flat) % width:
            raise ValueError(f"{len(flat)} values are no rows of {self.signature!r}")
        return list(map(self._make, *[iter(flat)] * width))


def _make_tuple(cls: Any, *row: Any) -> Any:
    return tuple.__new__(cls, row)


def _reader(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:
        (name,) = names
        return lambda value: (getattr(value, name),)
    return operator.attrgetter(*names) if names else lambda value: ()


def is_record(cls: type) -> bool:
    """Say whether a class's instances are rows."""
    return is_named_tuple(cls) or _is_all_fields(cls)


def is_named_tuple(cls: type) -> bool:
    """Say whether a class was made by NamedTuple or namedtuple."""
    return issubclass(cls, tuple) and hasattr(cls, "_make") and hasattr(cls, "_fields")


def _is_all_fields(cls: Any) -> bool:
    """Say whether calling a dataclass with a row sets its fields and does no more."""
    if not is_dataclass(cls) or hasattr(cls, "__post_init__"):
        return False
    code = getattr(cls.__init__, "__code__", None)
    frozen = cls.__dataclass_params__.frozen
    return (
        code is not None
        # The file of what the dataclass decorator writes.
        and code.co_filename == "<string>"
        and code.co_varnames[1 : code.co_argcount]
        == tuple(field.name for field in dataclasses.fields(cls))
        and code.co_kwonlyargcount == 0
        and cls.__new__ is object.__new__
        and type(cls).__call__ is type.__call__
        and (frozen or cls.__setattr__ is object.__setattr__)
    )


def is_dataclass(cls: type) -> bool:
    """Say whether a class is a dataclass, and no kind of list or dict besides."""
    if not dataclasses.is_dataclass(cls) or issubclass(cls, (enum.Enum, type)):
        return False
    try:
        object.__new__(cls)
    except TypeError:
        return False
    return True


def attributes(value: Any) -> dict[str, Any]:
    """Return what an instance of a dataclass has: fields and other attributes."""
    cls = type(value)
    names = [field.name for field in dataclasses.fields(value)]
    found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    for name, item in getattr(value, "__dict__", {}).items():
        if not isinstance(getattr(cls, name, None), functools.cached_property):
            found.setdefault(name, item)
    return found


def with_attributes(cls: type, found: dict[str, Any]) -> Any:
    """Return an instance of a dataclass that has the given attributes."""
    made: Any = object.__new__(cls)
    for name, item in found.items():
        object.__setattr__(made, name, item)
    return made


@functools.lru_cache(maxsize=4096)
def find_record(resolve: Resolver, signature: str) -> Record:
    """Return the record of a class that came in a message.

    Raises:
        ValueError: The class has other fields here, or is no record.
    """
    entry_point, _, _ = signature.rpartition("(")
    cls = resolve(entry_point)
    if not is_record(cls):
        raise ValueError(f"{entry_point!r} is no plain dataclass or named tuple here")
    record = Record(cls, entry_point)
    if record.signature != signature:
        raise ValueError(
            f"{signature!r:.200} was sent, and it is {record.signature!r} here: the "
            "two processes run different versions of it"
        )
    return record


@functools.lru_cache(maxsize=4096)
def find_class(resolve: Resolver, entry_point: str, base: type | None) -> Any:
    """Return a class that came in a message.

    Args:
        resolve: Turns the name into the class.
        entry_point: The name.
        base: What it must be a subclass of; None for a dataclass.

    Raises:
        ValueError: It is something else.
    """
    cls = resolve(entry_point)
    fits = is_dataclass(cls) if base is None else issubclass(cls, base)
    if not fits:
        expected = base.__name__ if base is not None else "dataclass"
        raise ValueError(f"{entry_point!r} is no {expected}")
    return cls
