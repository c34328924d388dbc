"""Values as ROS messages, and back.

| message | value |
|---|---|
| `std_msgs` with a number, a boolean or a string | that |
| `sensor_msgs/msg/Image` | an array of shape (rows, columns) or (rows, columns, n) |
| `sensor_msgs/msg/CompressedImage` with `encoding=` | the same, once it has come |
| any other, and any with `raw=True` | a dict with its fields |
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from like_keras_core.errors import EngineError
from lk_engine_ros2_stub.image_encodings import encoding_of, is_default
from lk_engine_ros2_stub.image_messages import from_compressed, from_image, to_image
from lk_engine_ros2_stub.message_classes import message_class
from lk_engine_ros2_stub.message_fields import fill, to_python, to_scalar
from lk_engine_ros2_stub.message_types import COMPRESSED, IMAGE, SCALARS


class Conversion:
    """Converts between values and messages of one type.

    Args:
        name: The type, such as `"std_msgs/msg/String"`.
        encoding: What the arrays of images are. What arrives is converted to it; what
            leaves is said to be it. When omitted, an array is as it arrives, and leaves
            as what its type and shape are.
        raw: Whether a message arrives as a dict with its fields in any case.
        who: Where messages come from, for the error.
        log: Where it is said, once, that images arrive in an encoding whose arrays mean
            something else where no encoding is said of them.

    Raises:
        EngineError: It is not installed.
    """

    def __init__(
        self,
        name: str,
        *,
        encoding: str | None = None,
        raw: bool = False,
        who: str = "What came",
        log: logging.Logger | None = None,
    ) -> None:
        self.name = name
        self.message: Any = message_class(name)
        self._fields: Mapping[str, str] = self.message.get_fields_and_field_types()
        self._encoding = encoding
        self._is_raw = raw
        self._who = who
        self._log = log

    @property
    def has_header(self) -> bool:
        """Whether the messages say when and where they are from."""
        return self._fields.get("header") == "std_msgs/Header"

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
        try:
            if self.name == IMAGE and isinstance(value, np.ndarray):
                return to_image(message, value, self._encoding, where=where)
            if self.name in SCALARS and not isinstance(value, Mapping):
                message.data = to_scalar(self._fields["data"], value, where)
                return message
            return fill(message, value, where)
        except AssertionError as error:
            # The setters of messages check what they get where they are asked to.
            raise TypeError(f"{where} does not fit {self.name}: {error}") from None

    def to_value(self, message: Any) -> Any:
        """Return a message as a value.

        Raises:
            TypeError: It is an image that cannot be read, or not as it is wanted.
            EngineError: A conversion needs what is not installed.
        """
        if self._is_raw:
            return to_python(message)
        try:
            if self.name == IMAGE:
                image = from_image(message, self._encoding)
                if self._encoding is None and self._log is not None:
                    self._look(message.encoding, self._log)
                return image
            if self.name == COMPRESSED and self._encoding is not None:
                return from_compressed(message, self._encoding)
        except TypeError as error:
            raise TypeError(f"{self._who} cannot be read: {error}") from None
        except EngineError as error:
            raise EngineError(f"{self._who} cannot be read: {error}") from None
        if self.name in SCALARS:
            return message.data
        return to_python(message)

    def _look(self, encoding: str, log: logging.Logger) -> None:
        """Say once that arrays are not in the order that they seem to be in."""
        if encoding == "rgb8" or is_default(encoding_of(encoding)):
            return
        self._log = None
        log.warning(
            "%s is an image in %s, and is given as it is. encoding='rgb8' or 'mono8' "
            "converts it; encoding=%r says that it is to stay so. Whatever publishes "
            "it again must say encoding=%r too.",
            self._who,
            encoding,
            encoding,
            encoding,
        )
