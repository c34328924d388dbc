"""What there is of ROS for this Python, and what to do where it is not enough."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from like_keras_core.errors import EngineError

RMW = "RMW_IMPLEMENTATION"
DOMAIN = "ROS_DOMAIN_ID"
RANGE = "ROS_AUTOMATIC_DISCOVERY_RANGE"

MOST_LOCAL = 32
"""Without multicast rmw_fastrtps looks for so many processes of a machine."""

NO_RCLPY = (
    "{module} is not installed for this Python ({python}). Either start it in a shell "
    "where ROS 2 is set up (source /opt/ros/DISTRO/setup.bash), or, on Linux x86-64 "
    "without ROS: pip install 'lk-engine-ros2-stub[rclpy]'."
)
_NEEDED = ("rclpy", "std_msgs")
_INDEX = Path("share", "ament_index", "resource_index", "rmw_typesupport")
_NO_RMW = "rmw_implementation"
"""Stands in the index beside the implementations, and is none."""


def no_rclpy(module: str) -> str:
    """Return what to say where a module of ROS is missing."""
    return NO_RCLPY.format(module=module, python=sys.executable)


def check_rclpy() -> None:
    """See whether this Python has what a node needs; nothing is imported.

    Raises:
        EngineError: It has not.
    """
    for module in _NEEDED:
        if importlib.util.find_spec(module) is None:
            raise EngineError(no_rclpy(module))


def check_rmw() -> None:
    """See whether the middleware that the environment names is installed.

    Raises:
        EngineError: It is not.
    """
    wanted = os.environ.get(RMW)
    found = middlewares()
    if not wanted or not found or wanted in found:
        return
    package = wanted.replace("_", "-")
    raise EngineError(
        f"{RMW} names {wanted!r}, which is not installed; there is: "
        f"{', '.join(found)}. Unset it, or install ros-DISTRO-{package} into the ROS "
        "that this shell has set up."
    )


def middlewares() -> list[str]:
    """Return the installed implementations of ROS's middleware; none: not known."""
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    folders = [Path(prefix, _INDEX) for prefix in [*prefixes, sys.prefix] if prefix]
    names = {path.name for folder in folders for path in folder.glob("rmw_*")}
    return sorted(names - {_NO_RMW})


def check_domain() -> str:
    """Return the domain that the nodes will be in.

    Raises:
        EngineError: The environment names none.
    """
    given = os.environ.get(DOMAIN) or "0"
    if not given.isdecimal() or int(given) > 232:
        raise EngineError(
            f"{DOMAIN} must be a whole number from 0 to 232, of which 0 to 101 are "
            f"safe; got {given!r}."
        )
    return given


def check_range(nodes: int) -> None:
    """See whether so many nodes of this machine can find each other.

    Args:
        nodes: How many.

    Raises:
        EngineError: The environment limits discovery to fewer.
    """
    if nodes > MOST_LOCAL and os.environ.get(RANGE, "").upper() == "LOCALHOST":
        raise EngineError(
            f"{RANGE}=LOCALHOST: so ROS asks at the first {MOST_LOCAL} places of this "
            f"machine only, and these are {nodes} nodes. Set it to SUBNET, and "
            f"{DOMAIN} to one of your own, or put components together on fewer nodes."
        )


def ros2_command() -> str | None:
    """Return the path of ROS's command; None where it is not on PATH."""
    return shutil.which("ros2")
