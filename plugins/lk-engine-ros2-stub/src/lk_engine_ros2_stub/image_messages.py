"""Images as messages, `sensor_msgs/msg/Image` and `CompressedImage`, and back."""

from __future__ import annotations

import struct
from array import array
from typing import Any

import numpy as np

from lk_engine_ros2_stub.image_conversion import Image, convert, opencv
from lk_engine_ros2_stub.image_encodings import (
    Encoding,
    default_encoding,
    encoding_of,
)

_DEPTH_HEAD = struct.Struct("<iff")
"""What stands before the PNG of a compressed depth image: a format, and the two numbers
of the quantisation."""


def to_image(
    message: Any, value: Image, encoding: str | None = None, *, where: str
) -> Any:
    """Fill a message with an image, and return it.

    Args:
        message: An empty one.
        value: The array.
        encoding: What the array is; by its type and shape when omitted.
        where: What the value is, for the error.

    Raises:
        TypeError: The array is not an image in that encoding.
    """
    chosen = encoding or default_encoding(value)
    if chosen is None:
        raise TypeError(
            f"{where} must be an image: 8, 16 or 32 bit integers or floats, of shape "
            f"(rows, columns) or (rows, columns, channels); got {value.dtype} of shape "
            f"{value.shape}."
        )
    known = encoding_of(chosen)
    height, width = _size(value, known, where)
    little = np.ascontiguousarray(value, known.dtype.newbyteorder("<"))
    message.height, message.width = height, width
    message.encoding = chosen
    message.is_bigendian = 0
    message.step = known.row_bytes(width)
    message.data = array("B", little.tobytes())
    return message


def from_image(message: Any, wanted: str | None = None) -> Image:
    """Return the array of an image, as it is or as it is wanted.

    Raises:
        TypeError: It does not hold what it says, or is not to be had as wanted.
        EngineError: OpenCV is needed and not installed.
    """
    known = _known(message.encoding)
    image = _pixels(message, known)
    return image if wanted is None else convert(image, known, encoding_of(wanted))


def from_compressed(message: Any, wanted: str) -> Image:
    """Return the array of a compressed image as it is wanted.

    References:
        image_transport_plugins: compressed_image_transport's `format`, and
        compressed_depth_image_transport's codec.cpp, for the depth's inverse
        quantisation.

    Raises:
        TypeError: It cannot be decoded, or is not to be had as wanted.
        EngineError: OpenCV is not installed.
    """
    first, _, kind = message.format.partition(";")
    if "compressedDepth" in kind or "compressedDepth" in first:
        return _from_depth(message, first.strip(), kind, wanted)
    image = _decompressed(message, bytes(message.data))
    family = {1: "mono", 3: "bgr", 4: "bgra"}[1 if image.ndim == 2 else image.shape[2]]
    found = _known(f"{family}{8 * image.dtype.itemsize}")
    if image.ndim == 2:
        # A mosaic or a depth is compressed as if it were brightness.
        found = _as_sent(first.strip(), found)
    return convert(image, found, encoding_of(wanted))


def _size(value: Image, known: Encoding, where: str) -> tuple[int, int]:
    """Return the height and width of an image that an array is.

    Raises:
        TypeError: The array is none in that encoding.
    """
    shape = value.shape
    if len(shape) == 3 and shape[2] == known.channels == 1:
        shape = shape[:2]
    height = known.height(shape[0]) if shape else None
    fits = (
        height is not None
        and len(shape) in (2, 3)
        and value.dtype.newbyteorder("=") == known.dtype
        and (shape == known.shape(height, shape[1]) or shape[2:] == (known.channels,))
    )
    if not fits or height is None:
        rows = {2: "rows", 3: "rows x 3/2", 6: "rows x 3"}[known.lines]
        last = f", {known.channels}" if known.channels > 1 else ""
        raise TypeError(
            f"{where} must be an image in {known.name}: {known.dtype} of shape "
            f"({rows}, columns{last}); got {value.dtype} of shape {value.shape}. "
            "encoding= says what an array is."
        )
    return height, int(shape[1])


def _known(name: str) -> Encoding:
    try:
        return encoding_of(name)
    except ValueError as error:
        raise TypeError(
            f"{error} raw=True gives such an image as a dict of its fields."
        ) from None


def _pixels(message: Any, known: Encoding) -> Image:
    """Return the numbers of an image, without what stands between its rows."""
    data = np.frombuffer(message.data, np.uint8)
    height, width = message.height, message.width
    shape = known.shape(height, width)
    row, rows = known.row_bytes(width), shape[0]
    step = message.step or row
    if known.family == "nv24" and step != row and data.size == rows * row:
        # Some say how long a row of both colours is, some a row of all.
        step = row
    if not rows or not row:
        return np.zeros(shape, known.dtype)
    if step < row or data.size < step * (rows - 1) + row:
        raise TypeError(
            f"an image of {width} x {height} pixels in {known.name} has {rows} rows of "
            f"{row} bytes or more; it says step={step}, and has {data.size} bytes."
        )
    lines = np.lib.stride_tricks.as_strided(data, (rows, row), (step, 1))
    dtype = known.dtype.newbyteorder(">" if message.is_bigendian else "<")
    numbers = np.ascontiguousarray(lines).view(dtype)
    image: Image = numbers.astype(known.dtype, copy=False)
    return image.reshape(shape)


def _decompressed(message: Any, data: bytes) -> Image:
    cv2 = opencv()
    image = None
    if data:
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        except cv2.error:
            image = None
    if image is None:
        raise TypeError(
            f"{len(data)} bytes in the format {message.format!r} are not an image that "
            "OpenCV can decode. raw=True gives the message as a dict of its fields."
        )
    found: Image = image
    return found


def _as_sent(name: str, found: Encoding) -> Encoding:
    """Return the encoding before the compression, where that kept the numbers."""
    try:
        sent = encoding_of(name)
    except ValueError:
        return found
    alike = (sent.code, sent.channels, sent.lines) == (found.code, 1, 2)
    return sent if alike else found


def _from_depth(message: Any, name: str, kind: str, wanted: str) -> Image:
    data = bytes(message.data)
    if "rvl" in kind or len(data) < _DEPTH_HEAD.size:
        raise TypeError(
            f"a depth image in the format {message.format!r} cannot be decoded here: "
            "only PNG can. Have its publisher send png, or take it with raw=True."
        )
    _, first, second = _DEPTH_HEAD.unpack_from(data)
    image = _decompressed(message, data[_DEPTH_HEAD.size :])
    found = encoding_of("16UC1")
    if name == "32FC1":
        image, found = _dequantised(image, first, second), encoding_of("32FC1")
    if image.dtype != found.dtype or image.ndim != 2:
        raise TypeError(
            f"a depth image in the format {message.format!r} holds {image.dtype} of "
            f"shape {image.shape}; expected is {found.dtype}."
        )
    return convert(image, found, encoding_of(wanted))


def _dequantised(image: Image, first: float, second: float) -> Image:
    """Return depths [m] of their inverses as integers; where there is none, NaN."""
    numbers = image.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth: Image = np.float32(first) / (numbers - np.float32(second))
    depth[image == 0] = np.nan
    return depth
