"""Nested lists made into numpy arrays, and numbers into numpy scalars."""

from __future__ import annotations

import typing
from numbers import Complex
from typing import Any

from like_keras_core.values.annotations import plain, to_text
from like_keras_core.values.mismatch import Make, MismatchError


def array_maker(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    """Check lists, and return what makes an array of them.

    Args:
        value: Nested lists of numbers; an array stays what it is.
        annotation: The type.
        args: The type's arguments, the last of which has the dtype.
        before: The array that it replaces, for a dtype that is not said.

    Raises:
        MismatchError: It cannot become such an array.
    """
    import numpy

    if isinstance(value, numpy.ndarray):
        return lambda: value
    is_number = isinstance(value, Complex)
    if not isinstance(value, (list, tuple)) and not is_number:
        raise MismatchError("an array, as nested lists of numbers", value)
    dtype = _dtype_of(args)
    if dtype is None and isinstance(before, numpy.ndarray):
        dtype = before.dtype
    expected = f"an array of {dtype or 'numbers'}, as nested lists"
    try:
        found = numpy.array(value)
        array = numpy.array(value, dtype=dtype)
    except (ValueError, TypeError, OverflowError):
        raise MismatchError(expected, value) from None
    is_lossy = array.dtype.kind in "iub" and not numpy.array_equal(found, array)
    is_wider = found.size and found.dtype.kind == "c" and array.dtype.kind != "c"
    if array.dtype.kind not in "biufc" and dtype is None:
        raise MismatchError(expected, value)
    if is_lossy or is_wider or (found.size and found.dtype.kind not in "biufcSU"):
        raise MismatchError(expected, value)
    if found.dtype.kind in "SU" and array.dtype.kind not in "SU":
        raise MismatchError(expected, value)
    copy: Make = array.copy
    return copy


def _dtype_of(args: tuple[Any, ...]) -> Any:
    """Return the dtype that the arguments of `numpy.ndarray[...]` name, if they do."""
    import numpy

    kind: Any = plain(args[-1]) if args else None
    if typing.get_origin(kind) is numpy.dtype:
        kind = plain(typing.get_args(kind)[0])
    if not isinstance(kind, type) or not issubclass(kind, numpy.generic):
        return None
    if issubclass(numpy.float64, kind):
        # An abstract kind, such as `floating`, that float64 is one of.
        return numpy.dtype(numpy.float64) if kind is not numpy.generic else None
    try:
        return numpy.dtype(kind)
    except TypeError:
        return None


def scalar_maker(value: Any, annotation: Any, args: Any, before: Any) -> Make:
    """Check a number, and return what makes a numpy scalar of it.

    Args:
        value: A number, or such a scalar.
        annotation: The type.
        args: Not used, as a scalar's type has none.
        before: Not used.

    Raises:
        MismatchError: It cannot become such a scalar.
    """
    if isinstance(value, annotation):
        return lambda: value
    if not isinstance(value, (bool, int, float, complex, str)):
        raise MismatchError(to_text(annotation), value)
    make = array_maker(value, annotation, (annotation,), None)
    return lambda: make()[()]
