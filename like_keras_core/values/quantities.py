"""Numbers that somebody gave: checked, and exact where they are put together."""

from __future__ import annotations

import math
import operator
from fractions import Fraction
from numbers import Rational
from typing import Any


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """Return a whole number of `least` or more, as an int.

    Args:
        name: What the number is, for the error.
        value: What was given.
        least: The smallest number that is allowed.

    Raises:
        ValueError: It is not such a number; the message names it.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ValueError(
            f"{name} must be a whole number, {least} or more; got {value!r}."
        )
    return number


def quantity(
    name: str, value: Any, *, zero: bool = False, most: float = math.inf
) -> float:
    """Return a finite number greater than zero, as a float.

    Args:
        name: What the number is, for the error.
        value: What was given.
        zero: Whether zero is allowed, too.
        most: The greatest that is allowed.

    Raises:
        ValueError: It is not such a number; the message names it.
    """
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not (0 < number < math.inf or (zero and number == 0)):
        least = ", 0 or greater" if zero else " greater than 0"
        raise ValueError(f"{name} must be a number{least}; got {value!r}.")
    if number > most:
        raise ValueError(f"{name} must be {most:,.0f} at most; got {value!r}.")
    return number


def exact(value: Any) -> Fraction:
    """Return a number as its decimal digits say: 0.1 is a tenth."""
    return Fraction(value if isinstance(value, Rational) else repr(float(value)))
