"""Value types that users have taught like_keras to save, send and compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

registered: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {}
"""How values of a class are made into others that can be saved, and made again."""


def register_type(
    cls: type, encode: Callable[[Any], Any], decode: Callable[[Any], Any]
) -> None:
    """Teach like_keras to save values of a class, and to compare them by what is saved.

    Call it in the class's own module, which is imported before a value is decoded, and
    before the first value of the class is sent.

    Args:
        cls: The class; its subclasses are not included.
        encode: Makes of a value another that can be saved (JSON, tuples, arrays, …).
        decode: Makes the value of that again.
    """
    registered[cls] = (encode, decode)
