"""Values as plain data, which a file or a flag can hold: what `maker` reads again."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from like_keras_core.values.mismatch import shown

_UNREADABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Characters that a YAML file cannot have as they are."""


class NotPlainError(Exception):
    """A value that no plain data stands for."""


def to_plain(value: Any) -> Any:
    """Return a value as numbers, strings, booleans, lists and dicts of these.

    An enum is its member's name, a dataclass a dict of its fields, an array lists.

    Raises:
        NotPlainError: It has no such form.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, enum.Enum):
        if value.name is None:
            raise NotPlainError(repr(value))
        return value.name
    if isinstance(value, (PurePath, Fraction)):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [item for item in dataclasses.fields(value) if item.init]
        return {item.name: to_plain(getattr(value, item.name)) for item in fields}
    if hasattr(value, "_fields") and isinstance(value, tuple):
        names = getattr(value, "_fields", ())
        return {x: to_plain(item) for x, item in zip(names, value, strict=True)}
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(to_plain, value), key=repr)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        if value.dtype.kind in "biufSU":
            return to_plain(value.tolist())
    elif numpy is not None and isinstance(value, numpy.generic):
        return to_plain(value.item())
    elif isinstance(value, (int, float, str)):
        return to_plain(
            next(x for x in (int, float, str) if isinstance(value, x))(value)
        )
    raise NotPlainError(type(value).__name__)


def as_plain(value: Any) -> Any:
    """Return a value as plain data; as its repr where it has no such form."""
    try:
        return to_plain(value)
    except (NotPlainError, RecursionError):
        return shown(value)


def _plain_mapping(value: Mapping[Any, Any]) -> dict[Any, Any]:
    for key in value:
        if key is not None and type(key) not in (bool, int, float, str):
            raise NotPlainError(f"a key of {type(key).__name__}")
    return {key: to_plain(item) for key, item in value.items()}


def to_yaml(data: Any) -> str:
    """Return plain data as YAML in one line; JSON, where JSON has it."""
    if isinstance(data, dict):
        items = (f"{to_yaml(key)}: {to_yaml(item)}" for key, item in data.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(data, list):
        return "[" + ", ".join(map(to_yaml, data)) + "]"
    if isinstance(data, float):
        return _float_text(data)
    text = json.dumps(data, ensure_ascii=False)
    return _UNREADABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _float_text(number: float) -> str:
    if number != number:
        return ".nan"
    if number in (float("inf"), float("-inf")):
        return ".inf" if number > 0 else "-.inf"
    digits, e, exponent = repr(number).partition("e")
    # YAML 1.1 takes 1e-05 for a string.
    return digits + (".0" if e and "." not in digits else "") + e + exponent
