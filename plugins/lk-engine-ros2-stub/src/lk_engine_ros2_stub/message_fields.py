"""Plain Python values as fields of ROS messages, and back.

A field that is a message is a dict or a dataclass with its fields; numbers in a row
are a numpy array when they come, and any sequence when they go.
"""

from __future__ import annotations

import dataclasses
import re
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from lk_engine_ros2_stub.message_classes import message_class

_CODES: Mapping[str, str] = {
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
    "float": "f",
    "double": "d",
}
"""ROS's numbers, by the codes that Python's arrays have for them."""

_TEXTS = ("string", "wstring")
_SEQUENCE = re.compile(r"sequence<(.+?)(?:, (\d+))?>")
_FIXED = re.compile(r"(.+)\[(\d+)\]")
_BOUND = re.compile(r"(w?string)<(\d+)>")


def fill(message: Any, value: Any, where: str) -> Any:
    """Set the fields of a message, and return it.

    Args:
        message: The message.
        value: A dict or a dataclass; fields that it leaves out keep ROS's defaults.
        where: What the value is, for the error.

    Raises:
        TypeError: It is neither, or a field does not fit.
    """
    types = message.get_fields_and_field_types()
    for name, item in _items(value, message, where).items():
        if name not in types:
            raise TypeError(
                f"{where} has {name!r}, which is not a field of "
                f"{type(message).__name__}: {', '.join(types)}."
            )
        setattr(message, name, _to_field(types[name], item, f"{where}.{name}"))
    return message


def _items(value: Any, message: Any, where: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: getattr(value, field.name) for field in fields}
    raise TypeError(
        f"{where} must be a dict or a dataclass with the fields of "
        f"{type(message).__name__}; got {value!r:.80}."
    )


def _to_field(kind: str, value: Any, where: str) -> Any:
    if match := _SEQUENCE.fullmatch(kind):
        found = _to_sequence(match[1], value, where)
        if match[2] and len(found) > int(match[2]):
            raise TypeError(f"{where} has at most {match[2]} items; got {len(found)}.")
        return found
    if match := _FIXED.fullmatch(kind):
        found = _to_sequence(match[1], value, where)
        if len(found) != int(match[2]):
            raise TypeError(f"{where} has {match[2]} items; got {len(found)}.")
        return np.array(found) if match[1] in _CODES else found
    if "/" in kind:
        return fill(message_class(kind)(), value, where)
    if match := _BOUND.fullmatch(kind):
        text = to_scalar(match[1], value, where)
        # ROS counts what it sends: bytes of a string, halves of UTF-16 of a wstring.
        is_wide = match[1] == "wstring"
        size = len(text.encode("utf-16-le")) // 2 if is_wide else len(text.encode())
        if size > int(match[2]):
            raise TypeError(f"{where} has at most {match[2]} characters; got {size}.")
        return text
    return to_scalar(kind, value, where)


def _to_sequence(kind: str, value: Any, where: str) -> Any:
    code = _CODES.get(kind)
    if code is not None:
        try:
            if isinstance(value, np.ndarray):
                dtype = np.dtype(code)
                if not np.can_cast(value.dtype, dtype, "same_kind"):
                    raise TypeError(f"an array of {value.dtype}")
                # An array is taken as it is; anything else is checked item by item.
                return array(code, np.ascontiguousarray(value, dtype).tobytes())
            return array(code, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(f"{where} must hold {kind} numbers: {error}.") from None
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise TypeError(f"{where} must be a list; got {value!r:.80}.")
    if kind == "octet" and isinstance(value, (bytes, bytearray)):
        return [value[n : n + 1] for n in range(len(value))]
    return [_to_field(kind, item, f"{where}[{n}]") for n, item in enumerate(value)]


def to_scalar(kind: str, value: Any, where: str) -> Any:
    """Return a number, boolean or string as a field of that kind.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if kind in _TEXTS and isinstance(value, str):
        return _to_text(value, where)
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind == "octet" and isinstance(value, bytes) and len(value) == 1:
        return value
    code = _CODES.get(kind, "")
    if code and not isinstance(value, (str, bytes)):
        try:
            return array(code, [value])[0]
        except (TypeError, OverflowError):
            pass
    raise TypeError(f"{where} must be a {kind}; got {value!r:.80}.")


def _to_text(value: str, where: str) -> str:
    if "\0" in value:
        raise TypeError(
            f"{where} holds the character NUL, at which ROS ends a string; got "
            f"{value!r:.80}."
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise TypeError(
            f"{where} cannot be sent as UTF-8: {error}. Send it as bytes in a uint8[]."
        ) from None
    return value


def to_python(value: Any) -> Any:
    """Return what a field of a message holds as plain Python and numpy values."""
    if hasattr(value, "get_fields_and_field_types"):
        names = value.get_fields_and_field_types()
        return {name: to_python(getattr(value, name)) for name in names}
    if isinstance(value, array):
        return np.frombuffer(value, dtype=value.typecode).copy()
    if isinstance(value, (list, tuple)):
        return [to_python(item) for item in value]
    return value
