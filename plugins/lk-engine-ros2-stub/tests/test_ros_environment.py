"""What the environment of ROS must allow before anything starts."""

import pytest

from like_keras_core.errors import EngineError
from lk_engine_ros2_stub.ros_environment import MOST_LOCAL, RANGE, check_range


def test_more_nodes_than_ros_looks_for_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only where nothing but this machine is asked; with the ways out."""
    monkeypatch.setenv(RANGE, "localhost")
    check_range(MOST_LOCAL)
    with pytest.raises(
        EngineError, match=r"=LOCALHOST: .* 33 nodes\. Set it to SUBNET"
    ):
        check_range(MOST_LOCAL + 1)

    monkeypatch.delenv(RANGE)
    check_range(MOST_LOCAL + 1)
