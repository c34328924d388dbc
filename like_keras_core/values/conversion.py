"""Plain data, as a file or a flag has it, made into what an annotation says.

`maker` only checks: it calls nothing of a user's, and what it returns makes the value.
So everything that is to be set can be checked before anything is made.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from fractions import Fraction
from numbers import Complex, Integral, Real
from os import PathLike
from pathlib import Path, PurePath
from typing import Any, Literal

from like_keras_core.errors import nearest
from like_keras_core.values.annotations import (
    is_array,
    is_none,
    is_union,
    plain,
    to_text,
)
from like_keras_core.values.array_conversion import array_maker, scalar_maker
from like_keras_core.values.field_types import field_types, is_dataclass_type
from like_keras_core.values.fit import misfit
from like_keras_core.values.mismatch import Make, MismatchError, expected_text, shown

_Rule = Callable[[Any, Any, tuple[Any, ...], Any], Make]


def maker(value: Any, annotation: Any, before: Any = None) -> Make:
    """Check a value, and return what makes of it what an annotation says.

    Args:
        value: Plain data, or a value that is of the type already.
        annotation: The type.
        before: The value that it replaces, for what the annotation leaves open.

    Raises:
        MismatchError: It cannot become that.
    """
    annotation = plain(annotation)
    if annotation is Any or annotation is object:
        return lambda: value
    if is_none(annotation):
        return _just(value, value is None, "None")
    if is_union(annotation):
        return _union(value, typing.get_args(annotation), before)
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return _literal(value, annotation)
    cls = origin or annotation
    if not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return lambda: value
    for holds, rule in _RULES:
        if holds(cls):
            return rule(value, annotation, args, before)
    return _just(value, _is_instance(value, cls), to_text(annotation))


def _just(value: Any, is_right: bool, expected: str) -> Make:
    if not is_right:
        raise MismatchError(expected, value)
    return lambda: value


def _is_instance(value: Any, cls: type) -> bool:
    try:
        return isinstance(value, cls)
    except TypeError:
        return True


def _union(value: Any, arms: tuple[Any, ...], before: Any) -> Make:
    """Take the arm that a value is of already, else the first that it can become."""
    for arm in arms:
        cls = typing.get_origin(plain(arm)) or plain(arm)
        if cls is type(value) or (is_none(arm) and value is None):
            try:
                return maker(value, arm, before)
            except MismatchError:
                continue
    problems = []
    for arm in arms:
        try:
            return maker(value, arm, before)
        except MismatchError as error:
            problems.append(error)
    # One that is wrong only deep inside says more than "none of these".
    deep = [error for error in problems if error.where]
    if len(deep) == 1:
        raise deep[0]
    raise MismatchError(" | ".join(map(expected_text, arms)), value)


def _literal(value: Any, annotation: Any) -> Make:
    for item in typing.get_args(annotation):
        if type(item) is type(value) and item == value:
            return lambda: value
        if isinstance(item, enum.Enum) and value in (item.name, item.value):
            return lambda item=item: item  # type: ignore[misc]
    raise MismatchError(expected_text(annotation), value)


def _bool(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    numpy = sys.modules.get("numpy")
    is_right = isinstance(value, bool) or (
        numpy is not None and isinstance(value, numpy.bool_)
    )
    return _just(value, is_right, "bool")


def _number(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    """Let an int stand for a float; scalars and subclasses stay what they are."""
    name = to_text(annotation)
    wanted: Any = {int: Integral, float: Real, complex: Complex}[annotation]
    if not isinstance(value, wanted) or isinstance(value, bool):
        raise MismatchError(name, value)
    if annotation is not int and isinstance(value, int):
        try:
            number = annotation(value)
        except OverflowError:
            text = f"{name}, and a whole number of that size has none"
            raise MismatchError(text, value) from None
        return lambda: number
    return lambda: value


def _fraction(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    if isinstance(value, Fraction):
        return lambda: value
    if (isinstance(value, str) and len(value) < 100) or type(value) is int:
        try:
            number = Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
        else:
            return lambda: number
    raise MismatchError("a fraction such as '20/3'", value)


def _enum(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    """Take a member by its name, else by its value."""
    if isinstance(value, annotation):
        return lambda: value
    members = annotation.__members__
    if isinstance(value, str) and value in members:
        return lambda: members[value]
    for member in members.values():
        if type(member.value) is type(value) and member.value == value:
            return lambda member=member: member  # type: ignore[misc]
    raise MismatchError(expected_text(annotation), value)


def _path(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    if isinstance(value, PathLike):
        return _just(value, _is_instance(value, annotation), to_text(annotation))
    if not isinstance(value, str) or "\0" in value:
        raise MismatchError("a path", value)
    cls = Path if annotation is PathLike else annotation
    return lambda: cls(value)


def _dataclass(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    if isinstance(value, annotation):
        if (error := misfit(value, annotation)) is not None:
            raise error
        return lambda: value
    if not isinstance(value, Mapping):
        raise MismatchError(expected_text(annotation), value)
    types = field_types(annotation)
    fields = {item.name: item for item in dataclasses.fields(annotation) if item.init}
    _known(value, fields, annotation.__qualname__)
    parts = {
        name: _part(item, types[name], f".{name}", getattr(before, name, None))
        for name, item in value.items()
    }
    needed = [name for name, item in fields.items() if _is_needed(item)]
    _all_there(value, needed, annotation.__qualname__)
    return lambda: annotation(**{name: make() for name, make in parts.items()})


def _is_needed(item: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return item.default is missing and item.default_factory is missing


def missing_fields(cls: type, given: Iterable[str]) -> list[str]:
    """Return the fields that a dataclass needs beside those that are given."""
    needed = [x.name for x in dataclasses.fields(cls) if x.init and _is_needed(x)]
    return [name for name in needed if name not in set(given)]


def _known(value: Mapping[Any, Any], names: Iterable[str], owner: str) -> None:
    for name in value:
        if name not in names:
            near = nearest(str(name), names)
            hint = f" (did you mean {near!r}?)" if near else ""
            listed = ", ".join(names) or "none"
            raise MismatchError(f"{owner} with fields of {listed}{hint}", name)


def _all_there(value: Mapping[Any, Any], names: Iterable[str], owner: str) -> None:
    if missing := [name for name in names if name not in value]:
        raise MismatchError(f"{owner} with {', '.join(missing)} too", dict(value))


def _part(value: Any, annotation: Any, where: str, before: Any = None) -> Make:
    try:
        return maker(value, annotation, before)
    except MismatchError as error:
        raise error.inside(where) from None


def _typed_dict(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    if not isinstance(value, Mapping):
        raise MismatchError(f"a mapping with the keys of {to_text(annotation)}", value)
    types = field_types_of_typed_dict(annotation)
    _known(value, types, annotation.__qualname__)
    _all_there(value, sorted(annotation.__required_keys__), annotation.__qualname__)
    parts = {key: _part(item, types[key], f".{key}") for key, item in value.items()}
    return lambda: {key: make() for key, make in parts.items()}


def field_types_of_typed_dict(cls: Any) -> Mapping[str, Any]:
    """Return the types of a TypedDict's keys, as far as they can be resolved."""
    try:
        return typing.get_type_hints(cls)
    except Exception:  # noqa: BLE001 - whatever an annotation raises
        return dict.fromkeys(cls.__annotations__, Any)


def _named_tuple(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    names, defaults = annotation._fields, annotation._field_defaults
    if isinstance(value, annotation):
        return lambda: value
    if isinstance(value, (list, tuple)) and len(value) <= len(names):
        value = dict(zip(names, value, strict=False))
    if not isinstance(value, Mapping):
        raise MismatchError(f"{annotation.__qualname__} of {', '.join(names)}", value)
    types = field_types_of_typed_dict(annotation)
    _known(value, names, annotation.__qualname__)
    _all_there(value, [x for x in names if x not in defaults], annotation.__qualname__)
    parts = {
        name: _part(item, types.get(name, Any), f".{name}")
        for name, item in value.items()
    }
    return lambda: annotation(**{name: make() for name, make in parts.items()})


def _sequence(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    """Convert each item; a list becomes what is asked for, other sequences stay."""
    cls = typing.get_origin(annotation) or annotation
    expected = to_text(annotation)
    is_sequence = isinstance(value, (list, tuple)) or (
        _is_instance(value, cls) and not isinstance(value, (str, bytes, Mapping))
    )
    if not is_sequence or not isinstance(value, Collection):
        raise MismatchError(expected, value)
    items = list(value)
    if cls is tuple and args and args[-1] is not Ellipsis:
        kinds: Sequence[Any] = () if args == ((),) else args
        if len(items) != len(kinds):
            raise MismatchError(f"{expected}, of length {len(kinds)}", value)
    else:
        kinds = [args[0] if args else Any] * len(items)
    parts = [
        _part(item, kind, f"[{n}]")
        for n, (item, kind) in enumerate(zip(items, kinds, strict=True))
    ]
    into: Any = next((x for x in (tuple, frozenset, set, list) if cls is x), None)
    if into is None:
        into = type(value) if type(value) in (tuple, set, frozenset) else list
        into = set if issubclass(cls, Set) and into is list else into
    if into in (set, frozenset):
        _hashable(items, expected, value)
    return lambda: into([make() for make in parts])


def _hashable(items: list[Any], expected: str, value: Any) -> None:
    if any(isinstance(item, (list, dict, set)) for item in items):
        raise MismatchError(f"{expected}, of what may be in a set", value)


def _mapping(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    if not isinstance(value, Mapping):
        raise MismatchError(to_text(annotation), value)
    key_type, item_type = args if len(args) == 2 else (Any, Any)
    parts = [
        (_key(key, key_type), _part(item, item_type, f"[{shown(key)}]"))
        for key, item in value.items()
    ]
    return lambda: {key(): make() for key, make in parts}


def _key(key: Any, annotation: Any) -> Make:
    """Check a key; JSON has only strings there, so a number may come as one."""
    try:
        return _part(key, annotation, f"[{shown(key)}]")
    except MismatchError:
        if isinstance(key, str) and plain(annotation) in (int, float):
            try:
                return _part(plain(annotation)(key), annotation, "")
            except ValueError:
                pass
        raise


def _is_generic(cls: type) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(cls, numpy.generic)


def _is_sequence(cls: type) -> bool:
    return cls in (list, tuple, set, frozenset) or (
        cls.__module__ in ("collections.abc", "typing")
        and issubclass(cls, (Iterable, Collection))
        and not issubclass(cls, Mapping)
    )


_RULES: tuple[tuple[Callable[[Any], bool], _Rule], ...] = (
    (lambda cls: cls is bool, _bool),
    (lambda cls: cls in (int, float, complex), _number),
    (lambda cls: cls is Fraction, _fraction),
    (lambda cls: issubclass(cls, enum.Enum), _enum),
    (lambda cls: issubclass(cls, PurePath) or cls is PathLike, _path),
    (is_dataclass_type, _dataclass),
    (typing.is_typeddict, _typed_dict),
    (lambda cls: issubclass(cls, tuple) and hasattr(cls, "_fields"), _named_tuple),
    (is_array, array_maker),
    (_is_generic, scalar_maker),
    (_is_sequence, _sequence),
    (
        lambda cls: (
            cls is dict
            or (cls.__module__ == "collections.abc" and issubclass(cls, Mapping))
        ),
        _mapping,
    ),
)
"""Which rule makes values of which classes; the first that holds counts."""
