"""Whether a live value is what an annotation says, as far as Python cares.

What works as a value of the type fits: an int or a numpy scalar for a float, an
instance of a subclass, a list for a tuple.
"""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Iterable, Mapping
from itertools import islice
from numbers import Complex, Integral, Real
from typing import Any, Literal

from like_keras_core.values.annotations import is_none, is_union, plain, to_text
from like_keras_core.values.field_types import field_types, is_dataclass_type
from like_keras_core.values.mismatch import MismatchError, expected_text

_ENOUGH = 1000
"""How many items of a container are looked at."""

_NUMBERS: Mapping[Any, Any] = {int: Integral, float: Real, complex: Complex}


def misfit(value: Any, annotation: Any) -> MismatchError | None:
    """Return what is wrong with a value; None if it fits.

    Args:
        value: The value, which stays as it is.
        annotation: The type that it should have.
    """
    annotation = plain(annotation)
    if annotation is Any or annotation is object:
        return None
    if is_union(annotation):
        arms = typing.get_args(annotation)
        problems = [misfit(value, arm) for arm in arms]
        if not all(problems):
            return None
        deep = [error for error in problems if error and error.where]
        return deep[0] if len(deep) == 1 else _wrong(value, annotation)
    if is_none(annotation):
        return None if value is None else _wrong(value, annotation)
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return (
            None if any(_equal(value, x) for x in args) else _wrong(value, annotation)
        )
    cls = origin or annotation
    if not isinstance(cls, type) or getattr(cls, "_is_protocol", False):
        return None
    if not _is_one(value, cls):
        return _wrong(value, annotation)
    return _misfit_inside(value, cls, args)


def _wrong(value: Any, annotation: Any) -> MismatchError:
    return MismatchError(expected_text(annotation), value)


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001 - whatever a comparison raises
        return False


def _is_one(value: Any, cls: type) -> bool:
    """Say whether a value counts as an instance of a class."""
    if cls in _NUMBERS:
        return isinstance(value, _NUMBERS[cls]) or _is_numpy(value, "bool_")
    if cls is bool:
        return isinstance(value, bool) or _is_numpy(value, "bool_")
    if typing.is_typeddict(cls):
        return isinstance(value, Mapping)
    if _takes_sequences(cls) and (
        isinstance(value, (list, tuple)) or _is_numpy(value, "ndarray")
    ):
        return True
    try:
        return isinstance(value, cls)
    except TypeError:
        return True


def _is_numpy(value: Any, name: str) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, getattr(numpy, name))


def _takes_sequences(cls: type) -> bool:
    if hasattr(cls, "_fields"):
        return False
    return cls in (list, tuple) or (
        cls.__module__ == "collections.abc" and issubclass(cls, Iterable)
    )


def _misfit_inside(
    value: Any, cls: type, args: tuple[Any, ...]
) -> MismatchError | None:
    """Return what is wrong with a part of a value, which is itself of the type."""
    if is_dataclass_type(cls):
        return misfit_of_fields(value)
    if isinstance(value, Mapping) and len(args) == 2:
        for key, item in islice(value.items(), _ENOUGH):
            if (error := misfit(item, args[1])) is not None:
                return error.inside(f"[{key!r:.40}]")
    elif isinstance(value, (list, tuple)) and args:
        if cls is tuple and args[-1] is not Ellipsis:
            kinds = () if args == ((),) else args
            if len(value) != len(kinds):
                name = to_text(tuple[args])  # type: ignore[valid-type]
                return MismatchError(f"{name}, of length {len(kinds)}", value)
        else:
            kinds = (args[0],) * min(len(value), _ENOUGH)
        for n, (item, kind) in enumerate(zip(value, kinds, strict=False)):
            if (error := misfit(item, kind)) is not None:
                return error.inside(f"[{n}]")
    return None


def misfit_of_fields(value: Any) -> MismatchError | None:
    """Return what is wrong with a field of a dataclass; None if all fit.

    A value that the class itself has as its default is right, whatever the field's
    annotation says.
    """
    types = field_types(type(value))
    for item in dataclasses.fields(value):
        held = getattr(value, item.name, dataclasses.MISSING)
        if held is dataclasses.MISSING or held is item.default:
            continue
        error = misfit(held, types[item.name])
        if error is not None and not _is_own_default(item, held, types[item.name]):
            return error.inside(f".{item.name}")
    return None


def _is_own_default(item: Any, held: Any, annotation: Any) -> bool:
    """Say whether the class's own default is as wrong as a value is."""
    if item.default_factory is dataclasses.MISSING:
        return type(held) is type(item.default) and _equal(held, item.default)
    try:
        return misfit(item.default_factory(), annotation) is not None
    except Exception:  # noqa: BLE001 - whatever a factory raises
        return False
