"""protobuf's wire format, as far as messages of a few flat fields need it.

They are written here rather than by a library: the bytes of a frame are then copied
once, and nothing is installed for it.

References:
    https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from typing import Any

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields_of(message: bytes) -> dict[int, Any]:
    """Return the fields of a protobuf message by number, the last of each."""
    view, at, found = memoryview(message), 0, dict[int, Any]()
    while at < len(view):
        key, at = _read_varint(view, at)
        kind = key & 7
        value: Any
        if kind == _VARINT:
            value, at = _read_varint(view, at)
        elif kind == _FIXED32:
            (value,), at = struct.unpack_from("<I", view, at), at + 4
        elif kind == _FIXED64:
            (value,), at = struct.unpack_from("<Q", view, at), at + 8
        elif kind == _BYTES:
            length, at = _read_varint(view, at)
            value, at = view[at : at + length], at + length
        else:
            raise ValueError(f"expected a protobuf message, found field type {kind}")
        found[key >> 3] = value
    return found


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def varint(value: int) -> bytes:
    """Return a whole number, zero or above, seven bits a byte."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def text(value: str) -> bytes:
    """Return a string behind its length."""
    data = value.encode()
    return varint(len(data)) + data
