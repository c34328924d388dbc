"""Arrays that are images as `foxglove.RawImage` messages.

References:
    https://docs.foxglove.dev/docs/sdk/schemas/raw-image
"""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np

from lk_record_mcap.protobuf import fields_of, text, varint

NAME = "foxglove.RawImage"
SCHEMA = base64.b64decode(
    "Cv8BCh9nb29nbGUvcHJvdG9idWYvdGltZXN0YW1wLnByb3RvEg9nb29nbGUucHJvdG9idWYiOwoJ"
    "VGltZXN0YW1wEhgKB3NlY29uZHMYASABKANSB3NlY29uZHMSFAoFbmFub3MYAiABKAVSBW5hbm9z"
    "QoUBChNjb20uZ29vZ2xlLnByb3RvYnVmQg5UaW1lc3RhbXBQcm90b1ABWjJnb29nbGUuZ29sYW5n"
    "Lm9yZy9wcm90b2J1Zi90eXBlcy9rbm93bi90aW1lc3RhbXBwYvgBAaICA0dQQqoCHkdvb2dsZS5Q"
    "cm90b2J1Zi5XZWxsS25vd25UeXBlc2IGcHJvdG8zCqACChdmb3hnbG92ZS9SYXdJbWFnZS5wcm90"
    "bxIIZm94Z2xvdmUaH2dvb2dsZS9wcm90b2J1Zi90aW1lc3RhbXAucHJvdG8i0QEKCFJhd0ltYWdl"
    "EjgKCXRpbWVzdGFtcBgBIAEoCzIaLmdvb2dsZS5wcm90b2J1Zi5UaW1lc3RhbXBSCXRpbWVzdGFt"
    "cBIZCghmcmFtZV9pZBgHIAEoCVIHZnJhbWVJZBIUCgV3aWR0aBgCIAEoB1IFd2lkdGgSFgoGaGVp"
    "Z2h0GAMgASgHUgZoZWlnaHQSGgoIZW5jb2RpbmcYBCABKAlSCGVuY29kaW5nEhIKBHN0ZXAYBSAB"
    "KAdSBHN0ZXASEgoEZGF0YRgGIAEoDFIEZGF0YWIGcHJvdG8z"
)
"""protobuf's own description of the message and of the timestamp in it."""

_ENCODINGS = {
    ("|u1", 1): "mono8",
    ("|u1", 3): "rgb8",
    ("|u1", 4): "rgba8",
    ("<u2", 1): "mono16",
    ("<f4", 1): "32FC1",
}
_LAYOUTS = {name: layout for layout, name in _ENCODINGS.items()}
_WIDTH, _HEIGHT, _ENCODING, _DATA = 2, 3, 4, 6


def encoding_of(array: Any) -> str | None:
    """Return Foxglove's name for the pixels of an array; None if it is not an image."""
    if array.size == 0 or array.ndim not in (2, 3):
        return None
    channels = 1 if array.ndim == 2 else array.shape[2]
    if array.ndim == 3 and channels == 1:
        return None  # It would come back without its last axis.
    return _ENCODINGS.get((array.dtype.str, channels))


def to_raw_image(array: Any, encoding: str, stamp_ns: int, frame: str) -> bytes:
    """Return an array as a message.

    Args:
        array: Shape `(height, width)` or `(height, width, channels)`.
        encoding: What `encoding_of` says of it.
        stamp_ns: When it was sent, since the epoch [ns].
        frame: Whose it is: the component's address.
    """
    height, width = array.shape[:2]
    pixels = np.ascontiguousarray(array)
    seconds, nanos = divmod(stamp_ns, 1_000_000_000)
    stamp = b"\x08" + varint(seconds) + b"\x10" + varint(nanos)
    return b"".join(
        (
            *(b"\x0a", varint(len(stamp)), stamp),
            *(b"\x15", struct.pack("<I", width)),
            *(b"\x1d", struct.pack("<I", height)),
            *(b"\x22", text(encoding)),
            *(b"\x2d", struct.pack("<I", pixels.nbytes // height)),
            *(b"\x3a", text(frame)),
            *(b"\x32", varint(pixels.nbytes), pixels.data.cast("B")),
        )
    )


def from_raw_image(message: bytes) -> Any:
    """Return the array of a message that `to_raw_image` made, read-only.

    Raises:
        ValueError: It is not such a message.
    """
    fields = fields_of(message)
    name = bytes(fields[_ENCODING]).decode()
    dtype, channels = _LAYOUTS[name]
    shape = (fields[_HEIGHT], fields[_WIDTH]) + ((channels,) if channels > 1 else ())
    return np.frombuffer(fields[_DATA], dtype).reshape(shape)
