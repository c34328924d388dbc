"""Where the processes of runs find the components, and what launches leave behind."""

import importlib.util
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine may take longer over one example than hypothesis allows.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parents[3] / "tests"),
    str(Path(__file__).parents[3]),
]

DOMAIN = 1 + os.getpid() % 100
"""The ROS domain of this run of the tests."""


@pytest.fixture
def launches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Launch below `tmp_path`, apart from other ROS nodes, and leave nothing.

    Returns:
        What the environment of each process of a launch holds.
    """
    from launching import orphaned, processes  # type: ignore[import-not-found]

    if importlib.util.find_spec("rclpy") is None:
        pytest.skip("needs rclpy: pip install 'lk-engine-ros2-stub[rclpy]'")
    mark = f"LK_TEST={secrets.token_hex(8)}x"
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv(*mark.split("="))
    monkeypatch.setenv("ROS_DOMAIN_ID", str(DOMAIN))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    for name in ("RMW_IMPLEMENTATION", "ROS_HOME", "ROS_LOG_DIR"):
        monkeypatch.delenv(name, raising=False)
    before = set(os.listdir("/dev/shm"))
    files = len(os.listdir("/proc/self/fd"))
    yield mark
    assert processes(mark) == {}
    assert orphaned(before) == set()
    assert list(home.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) <= files + 2
