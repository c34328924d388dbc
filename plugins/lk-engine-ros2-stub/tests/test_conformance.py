"""The contract of engines: ROS 2 keeps it, with real rclpy."""

from __future__ import annotations

import pytest

from like_keras_core.testing import EngineConformance


@pytest.mark.slow
@pytest.mark.usefixtures("launches")
class TestRos2(EngineConformance):
    """A process per node, on this machine."""

    engine = "ros2"
