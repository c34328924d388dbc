"""Numbers as messages of three protobuf fields, which viewers read and plot.

There is no well-known schema for a number, so this is our own; its description travels
in the file, like that of every protobuf schema.

```text
message Scalar { double value = 1; uint64 tick = 2; string type = 3; }
```

`type` is `bool`, `int`, `float`, or a numpy dtype such as `<f4`.
"""

from __future__ import annotations

import base64
import functools
import struct
import sys
from typing import Any

from lk_record_mcap.protobuf import fields_of, text, varint

NAME = "like_keras.Scalar"
SCHEMA = base64.b64decode(
    "CnUKF2xpa2Vfa2VyYXMvU2NhbGFyLnByb3RvEgpsaWtlX2tlcmFzIkYKBlNjYWxhchIUCgV2YWx1"
    "ZRgBIAEoAVIFdmFsdWUSEgoEdGljaxgCIAEoBFIEdGljaxISCgR0eXBlGAMgASgJUgR0eXBlYgZw"
    "cm90bzM="
)
"""protobuf's own description of the message."""

_EXACT = 2**53
_TYPES: dict[type, str] = {bool: "bool", int: "int", float: "float"}
_NAMES: dict[str, type] = {name: kind for kind, name in _TYPES.items()}
_VALUE, _TYPE = 1, 3


@functools.lru_cache(maxsize=64)
def _typed(name: str) -> bytes:
    """Return the field that says the type."""
    return b"\x1a" + text(name)


def to_scalar(tick: int, value: Any) -> bytes | None:
    """Return a number as a message; None if it is none, or too large to be exact."""
    kind = type(value)
    name = _TYPES.get(kind)
    if name is None:
        numpy = sys.modules.get("numpy")
        if (
            numpy is None
            or not isinstance(value, numpy.generic)
            or value.dtype.kind not in "biuf"
            or value.dtype.itemsize > 8
            or kind is not value.dtype.type
        ):
            return None
        name, value = value.dtype.str, value.item()
    if not isinstance(value, float) and not -_EXACT <= value <= _EXACT:
        return None
    return b"\x09%b\x10%b%b" % (struct.pack("<d", value), varint(tick), _typed(name))


def from_scalar(message: bytes) -> Any:
    """Return the number of a message that `to_scalar` made."""
    fields = fields_of(message)
    (value,) = struct.unpack("<d", fields[_VALUE].to_bytes(8, "little"))
    name = bytes(fields[_TYPE]).decode()
    if name in _NAMES:
        return _NAMES[name](value)
    import numpy

    return numpy.dtype(name).type(value)
