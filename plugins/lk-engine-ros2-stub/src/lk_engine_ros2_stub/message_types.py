"""Which ROS message a port's values become.

The rule, in this order: `ros_type=` on the port; one with an `encoding=` is a
`sensor_msgs/msg/Image`; a scalar or string has its `std_msgs` message; an array
annotated `NDArray[np.uint8]` is a `sensor_msgs/msg/Image`; everything else travels
encoded, as `std_msgs/msg/UInt8MultiArray`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from like_keras_core.spec import PortSpec

ENCODED = "std_msgs/msg/UInt8MultiArray"
"""Carries the core's own encoding: what has no standard message is one of these."""

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"

_STANDARD: Mapping[str, str] = {
    "bool": "std_msgs/msg/Bool",
    "int": "std_msgs/msg/Int64",
    "float": "std_msgs/msg/Float64",
    "str": "std_msgs/msg/String",
    "numpy.bool": "std_msgs/msg/Bool",
    "numpy.bool_": "std_msgs/msg/Bool",
    **{f"numpy.int{n}": f"std_msgs/msg/Int{n}" for n in (8, 16, 32, 64)},
    **{f"numpy.uint{n}": f"std_msgs/msg/UInt{n}" for n in (8, 16, 32, 64)},
    **{f"numpy.float{n}": f"std_msgs/msg/Float{n}" for n in (32, 64)},
}

SCALARS: Mapping[str, type] = {
    **{f"std_msgs/msg/Int{n}": int for n in (8, 16, 32, 64)},
    **{f"std_msgs/msg/UInt{n}": int for n in (8, 16, 32, 64)},
    **{f"std_msgs/msg/Float{n}": float for n in (32, 64)},
    "std_msgs/msg/Bool": bool,
    "std_msgs/msg/String": str,
}
"""The messages whose one field is the value."""

_ARRAY = re.compile(r"(?:[\w.]*\.)?(?:NDArray|ndarray)\b.*")
_IMAGE_TYPE = re.compile(
    r"(?:[\w.]*\.)?(?:NDArray\[numpy\.uint8\]"
    r"|ndarray\[(?:numpy\.dtype\[)?numpy\.uint8\]?\])"
)
"""numpy 2.5 made `NDArray` an alias that keeps its name."""

_INTO: Mapping[str, str] = {
    **dict.fromkeys([f"Int{n}" for n in (8, 16, 32, 64)], "an integer"),
    **dict.fromkeys([f"UInt{n}" for n in (8, 16, 32, 64)], "an integer"),
    **dict.fromkeys(["Float32", "Float64"], "a number"),
    "Bool": "a boolean",
    "String": "a string",
}
_KINDS: Mapping[str, tuple[str, ...]] = {
    "bool": ("a boolean",),
    "int": ("an integer", "a number"),
    "float": ("a number",),
    "str": ("a string",),
}
"""Which plain types are sure to be what; of others nothing is sure."""


def standard_message(annotation: str) -> str | None:
    """Return the standard message of a type given as text; None where it has none."""
    plain = plain_type(annotation)
    if _IMAGE_TYPE.fullmatch(plain):
        return IMAGE
    return _STANDARD.get(plain)


def message_of(port: PortSpec) -> str:
    """Return the type of the messages that carry a port's values to other ROS nodes."""
    chosen = port.options.get("ros_type")
    if chosen is not None:
        return str(chosen)
    if "encoding" in port.options:
        return IMAGE
    return standard_message(port.type) or ENCODED


def is_public(port: PortSpec) -> bool:
    """Say whether other ROS nodes can read a port without knowing like_keras."""
    if "ros_type" in port.options or "encoding" in port.options:
        return True
    return standard_message(port.type) is not None


def python_type(message: str) -> type | None:
    """Return what a message is as a value, where that is a plain type."""
    return SCALARS.get(message)


def misfit(annotation: str, message: str) -> str | None:
    """Say why values of a type cannot be a message's; None where they can, or may."""
    plain = plain_type(annotation)
    package, _, name = message.rpartition("/")
    if package == "std_msgs/msg" and name in _INTO:
        kind = _INTO[name]
        if plain in _KINDS:
            known = _KINDS[plain]
            return None if kind in known else f"{message} holds {kind}"
        if _STANDARD.get(plain) in (None, message) and not _is_array(plain):
            return None
        return f"{message} holds {kind}"
    if message == IMAGE and plain in _KINDS:
        return f"{message} holds an array"
    if plain in _KINDS:
        return f"{message} has fields, so a dict or dataclass of that shape is expected"
    return None


def plain_type(annotation: str) -> str:
    """Return a type given as text, without `None`, which is not a message."""
    return annotation.removesuffix(" | None").removeprefix("None | ")


def package_of(message: str) -> str:
    """Return the package that defines a message."""
    return message.partition("/")[0]


def packages_of(messages: Iterable[str]) -> list[str]:
    """Return the packages that define messages, each once, by name."""
    return sorted({package_of(message) for message in messages})


def _is_array(plain: str) -> bool:
    return _ARRAY.fullmatch(plain) is not None
