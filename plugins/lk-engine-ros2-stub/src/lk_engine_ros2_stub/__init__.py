"""The ROS 2 engine: checks a system, compiles it to a colcon package, and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lk_engine_ros2_stub.engine import Ros2Engine
from lk_engine_ros2_stub.process_node import ros_node
from lk_engine_ros2_stub.ros_topic import RosTopic

if TYPE_CHECKING:
    from lk_engine_ros2_stub.transform_buffer import TransformBuffer, TransformError
    from lk_engine_ros2_stub.transform_topics import transform_sink, transform_source
    from lk_engine_ros2_stub.transforms import Transform, transform_message

_HOMES = {
    "Transform": "transforms",
    "TransformBuffer": "transform_buffer",
    "TransformError": "transform_buffer",
    "transform_message": "transforms",
    "transform_sink": "transform_topics",
    "transform_source": "transform_topics",
}
"""What needs numpy is fetched when it is first asked for."""

__all__ = [
    "Ros2Engine",
    "RosTopic",
    "Transform",
    "TransformBuffer",
    "TransformError",
    "ros_node",
    "transform_message",
    "transform_sink",
    "transform_source",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
