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

from like_keras_core.errors import CodecError
from like_keras_core.values.class_refs import Resolver


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
        self.names = _names(cls)
        self.signature = signature_of(cls, entry_point)
        if issubclass(cls, tuple):
            self.read = tuple
            self._make = functools.partial(_make_tuple, cls)
        else:
            self.read = _reader(self.names)
            self._make = cls

    def from_row(self, row: Sequence[Any]) -> Any:
        """Return the instance that a row stands for."""
        if len(row) != len(self.names):
            raise ValueError(f"{len(row)} values are not a row of {self.signature!r}")
        return self._make(*row)

    def from_rows(self, flat: Sequence[Any]) -> list[Any]:
        """Return the instances whose rows, one after another, are `flat`."""
        width = len(self.names)
        if not width or len(flat) % width:
            raise ValueError(f"{len(flat)} values are not rows of {self.signature!r}")
        return list(map(self._make, *[iter(flat)] * width))


def _names(cls: Any) -> tuple[str, ...]:
    if issubclass(cls, tuple):
        return tuple(cls._fields)
    return tuple(field.name for field in dataclasses.fields(cls))


def signature_of(cls: type, entry_point: str) -> str:
    """Return a class's name and its fields', as they travel."""
    return f"{entry_point}({','.join(_names(cls))})"


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
        and code.co_varnames[1 : code.co_argcount] == _names(cls)
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
    names = (name for name in _names(cls) if hasattr(value, name))
    found = {name: getattr(value, name) for name in names}
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
    """Return the record that a signature in a message names.

    Raises:
        CodecError: The class has other fields here.
        ValueError: The class is not a record.
    """
    cls, entry_point = _find(resolve, signature)
    if not is_record(cls):
        raise ValueError(f"{entry_point!r} is not sent as a row")
    _check_fields(cls, entry_point, signature)
    return Record(cls, entry_point)


@functools.lru_cache(maxsize=4096)
def find_dataclass(resolve: Resolver, signature: str) -> type:
    """Return the dataclass, not a record, that a signature in a message names.

    Raises:
        CodecError: The class has other fields here.
        ValueError: The class is something else.
    """
    cls, entry_point = _find(resolve, signature)
    if not is_dataclass(cls) or is_record(cls):
        raise ValueError(f"{entry_point!r} is not sent as attributes")
    _check_fields(cls, entry_point, signature)
    return cls


@functools.lru_cache(maxsize=4096)
def find_class(resolve: Resolver, entry_point: str, base: type) -> Any:
    """Return the class that an entry point in a message names.

    Args:
        resolve: Finds a class by its entry point.
        entry_point: The class.
        base: What it must be a subclass of.

    Raises:
        ValueError: It is not a subclass of `base`.
    """
    cls = resolve(entry_point)
    if not issubclass(cls, base):
        raise ValueError(f"{entry_point!r} is not a {base.__name__}")
    return cls


def _find(resolve: Resolver, signature: str) -> tuple[type, str]:
    entry_point, _, _ = signature.rpartition("(")
    return resolve(entry_point), entry_point


def _check_fields(cls: type, entry_point: str, signature: str) -> None:
    here = signature_of(cls, entry_point)
    if here != signature:
        raise CodecError(
            f"Cannot read a message: it has {signature!r:.200}, and here that is "
            f"{here!r:.200}. Run the same version of it in both processes."
        )
