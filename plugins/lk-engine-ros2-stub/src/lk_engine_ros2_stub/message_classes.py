"""The classes of messages, by their names."""

from __future__ import annotations

import importlib
from typing import Any

from like_keras_core.errors import EngineError, nearest

_WHEELS = frozenset(
    f"{name}_msgs"
    for name in (
        "action",
        "actionlib",
        "diagnostic",
        "geometry",
        "lifecycle",
        "nav",
        "rosgraph",
        "sensor",
        "shape",
        "std",
        "stereo",
        "test",
        "trajectory",
        "unique_identifier",
        "visualization",
    )
) | {"builtin_interfaces", "rcl_interfaces", "std_srvs"}
"""Packages of messages that are known to be on PyPI, as `ros-` and their names. Of any
other one no name is said: whoever registers a guessed name is installed by it."""

_IN_ROS = _WHEELS | {"tf2_msgs"}
"""Packages that every installation of ROS can have by one name."""


def message_class(name: str) -> Any:
    """Return the class of a message by its name, as `sensor_msgs/msg/Image`.

    Raises:
        EngineError: It is not installed.
    """
    package, kind = name.partition("/")[0], name.rpartition("/")[2]
    try:
        module = importlib.import_module(f"{package}.msg")
    except ModuleNotFoundError as error:
        if error.name not in (package, f"{package}.msg"):
            raise EngineError(
                f"The package {package!r} of the message {name} is there and cannot be "
                f"imported: {error}. Build it again for this Python."
            ) from error
        raise EngineError(missing_text(name)) from None
    found = getattr(module, kind, None)
    if found is None:
        known = [x for x in dir(module) if x[:1].isupper() and not x.endswith("_")]
        near = nearest(kind, known)
        cure = f" Did you mean {package}/msg/{near}?" if near else ""
        raise EngineError(
            f"The package {package!r} is installed and has no message {kind!r}.{cure}"
        )
    return found


def missing_text(name: str) -> str:
    """Say how to get a message that is not installed."""
    package = name.partition("/")[0]
    dashed = package.replace("_", "-")
    if package not in _IN_ROS:
        return (
            f"The message {name} is not installed. Build the package {package!r} that "
            "defines it, and set up its workspace in this shell before the nodes start "
            "(source install/setup.bash)."
        )
    text = (
        f"The message {name} is not installed. Install ros-DISTRO-{dashed} into the "
        "ROS that this shell has set up"
    )
    if package in _WHEELS:
        return f"{text}, or, without ROS: pip install ros-{dashed}"
    return f"{text}. There is no wheel of {package}."
