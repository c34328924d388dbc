"""The ROS 2 engine: checks a system, compiles it to a colcon package, and runs it."""

from __future__ import annotations

from lk_engine_ros2_stub.engine import Ros2Engine
from lk_engine_ros2_stub.process_node import ros_node
from lk_engine_ros2_stub.ros_topic import RosTopic

__all__ = ["Ros2Engine", "RosTopic", "ros_node"]
