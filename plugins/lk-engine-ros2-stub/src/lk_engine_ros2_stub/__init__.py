"""The ROS 2 engine: checks a system, and compiles it to a colcon package."""

from __future__ import annotations

from lk_engine_ros2_stub.engine import Ros2Engine

__all__ = ["Ros2Engine"]
