"""Values as ROS messages, and back.

| message | value |
|---|---|
| `std_msgs` with a number, a boolean or a string | that |
| `sensor_msgs/msg/Image` | an array of shape (rows, columns) or (rows, columns, n) |
| any other | a dict with its fields |
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from lk_engine_ros2_stub.message_fields import fill, message_class, to_python, to_scalar
from lk_engine_ros2_stub.message_types import IMAGE, SCALARS

_CHANNELS: Mapping[int, str] = {1: "mono8", 3: "rgb8", 4: "rgba8"}
_ENCODINGS: Mapping[str, tuple[str, int]] = {
    "mono8": ("u1", 1),
    "8UC1": ("u1", 1),
    "8UC3": ("u1", 3),
    "8UC4": ("u1", 4),
    "rgb8": ("u1", 3),
    "bgr8": ("u1", 3),
    "rgba8": ("u1", 4),
    "bgra8": ("u1", 4),
    "mono16": ("u2", 1),
    "16UC1": ("u2", 1),
    "32FC1": ("f4", 1),
}


class Conversion:
    """Converts between values and messages of one type.

    Args:
        name: The type, such as `"std_msgs/msg/String"`.

    Raises:
        EngineError: It is not installed.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.message: Any = message_class(name)
        self._fields: Mapping[str, str] = self.message.get_fields_and_field_types()

    def to_message(self, value: Any, where: str) -> Any:
        """Return a value as a message.

        Args:
            value: The value.
            where: What it is, for the error.

        Raises:
            TypeError: It does not fit.
        """
        if type(value) is self.message:
            return value
        message = self.message()
        if self.name == IMAGE and isinstance(value, np.ndarray):
            return _to_image(message, value, where)
        if self.name in SCALARS:
            message.data = to_scalar(self._fields["data"], value, where)
            return message
        return fill(message, value, where)

    def to_value(self, message: Any) -> Any:
        """Return a message as a value.

        Raises:
            TypeError: It is an image in an encoding that is not known here.
        """
        if self.name == IMAGE:
            return _from_image(message)
        if self.name in SCALARS:
            return message.data
        return to_python(message)


def _to_image(message: Any, value: np.ndarray[Any, Any], where: str) -> Any:
    shape = value.shape if value.ndim == 3 else (*value.shape, 1)
    if value.dtype != np.uint8 or len(shape) != 3 or shape[2] not in _CHANNELS:
        raise TypeError(
            f"{where} must be an image: uint8, of shape (rows, columns) or (rows, "
            f"columns, 1, 3 or 4); got {value.dtype} of shape {value.shape}."
        )
    message.height, message.width, channels = shape
    message.encoding = _CHANNELS[channels]
    message.step = message.width * channels
    message.data = array("B", value.tobytes())
    return message


def _from_image(message: Any) -> Any:
    if message.encoding not in _ENCODINGS:
        raise TypeError(
            f"An image came in the encoding {message.encoding!r}; known are "
            f"{', '.join(_ENCODINGS)}."
        )
    code, channels = _ENCODINGS[message.encoding]
    dtype = np.dtype(code).newbyteorder(">" if message.is_bigendian else "<")
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    size = message.width * channels * dtype.itemsize
    pixels = np.ascontiguousarray(rows[:, :size]).view(dtype).astype(code)
    shape = (message.height, message.width)
    return pixels.reshape(shape if channels == 1 else (*shape, channels))
