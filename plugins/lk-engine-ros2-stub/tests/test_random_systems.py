"""Random systems as ROS nodes: they give what one process gives."""

import pytest
from hypothesis import given

from lk_engine_ros2_stub import Ros2Engine
from tests.random_runs import check_equal, settled
from tests.splits import Split, splits


@pytest.mark.slow
@pytest.mark.usefixtures("launches")
@pytest.mark.timeout(600)
@settled(30)
@given(system=splits())
def test_thirty_systems(system: Split) -> None:
    """Records, counts, messages, errors and the end."""
    check_equal(Ros2Engine(), system)
