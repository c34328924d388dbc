"""Frames as messages that are serialised already, `std_msgs/msg/UInt8MultiArray`.

A reader of such a topic finds an ordinary message. Between our processes no message
is made of it, nor an array of its bytes: each would be a copy more.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_HEAD = struct.Struct("<4s3I")
"""Little endian; then no dimensions, no offset, and how many bytes follow."""

_ENCODING = b"\x00\x01\x00\x00"

SMALL = 4096
"""Up to this size a frame is copied: reading bytes costs less than reading a view of
them [byte]."""


def to_message(frame: Sequence[bytes | bytearray | memoryview]) -> bytes:
    """Return a frame, given in parts, as a serialised message."""
    return b"".join((_HEAD.pack(_ENCODING, 0, 0, sum(map(len, frame))), *frame))


def to_frame(message: bytes) -> bytes | memoryview:
    """Return the frame in a serialised message; where it is, unless it is small.

    What others publish may be anything: where no frame is in it, an empty one.
    """
    if len(message) < _HEAD.size:
        return b""
    *_, size = _HEAD.unpack_from(message)
    end = _HEAD.size + size
    if size <= SMALL:
        return message[_HEAD.size : end]
    return memoryview(message)[_HEAD.size : end]
