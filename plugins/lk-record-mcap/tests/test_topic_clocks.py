"""What was taken of topics with clocks of their own is what a replay takes.

    pytest -m soak --timeout=0 plugins/lk-record-mcap/tests/test_topic_clocks.py

has the drivers stall for 5 s and start again meanwhile.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from topic_robot import RATE_HZ, robot  # type: ignore[import-not-found]

from like_keras_core.report import RunReport
from lk_record_mcap import Recording, replay

DRIVERS = Path(__file__).parents[2] / "lk-engine-ros2-stub/tests/ros_drivers.py"
TOPICS = {
    "imu": ["--jitter", "0.3", "/imu=sensor_msgs/msg/Imu@200,best_effort"],
    "camera": ["--jitter", "0.2", "/camera=sensor_msgs/msg/Image@30,best_effort"],
    "gps": ["/gps=sensor_msgs/msg/NavSatFix@1"],
}

pytestmark = pytest.mark.skipif(find_spec("rclpy") is None, reason="needs rclpy")


class Drivers:
    """Real ROS nodes, a process each."""

    def __init__(self, folder: Path) -> None:
        self.env = os.environ | {"ROS_LOG_DIR": str(folder / "logs")}
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(DRIVERS), *words]
        found = subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE)
        self.running.append(found)
        assert found.stdout is not None
        assert found.stdout.readline() == b"ready\n"
        return found

    def close(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.communicate(timeout=20)


@pytest.fixture
def drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drivers]:
    """Have drivers apart from other ROS nodes; none outlives the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    found = Drivers(tmp_path)
    yield found
    found.close()


def run(path: Path, ticks: int) -> RunReport:
    report: RunReport = robot().launch(
        ticks,
        engine="ros2",
        launcher="rclpy",
        record_to=path,
        timeout_s=ticks / RATE_HZ + 60,
    )

    recording = Recording(path)
    found = replay(recording, robot())
    assert found.is_equal, str(found)
    assert found.components == ("fuse",)
    assert recording.iterations == report.iterations == ticks
    for name in TOPICS:
        came = report.components[name].arrivals["output"]
        assert came.received >= came.taken > 0, str(report)
    return report


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_what_was_taken_is_replayed(drivers: Drivers, tmp_path: Path) -> None:
    """On the native engine, where there are no topics."""
    drivers.start(*(word for words in TOPICS.values() for word in words))

    run(tmp_path / "run.mcap", 300)


@pytest.mark.soak
def test_stalls_and_restarts_are_replayed(drivers: Drivers, tmp_path: Path) -> None:
    """Drivers of 200, 30 and 1 Hz with jitter; the loop goes on at 100 Hz."""
    first = drivers.start("--stall-at", "12", "--stall", "5", *TOPICS["imu"])
    drivers.start(*TOPICS["gps"])
    drivers.start(*TOPICS["camera"])

    def restart() -> None:
        time.sleep(30)
        first.terminate()
        time.sleep(2)
        drivers.start(*TOPICS["imu"])

    thread = threading.Thread(target=restart)
    thread.start()

    report = run(tmp_path / "run.mcap", 4500)

    thread.join()
    silent_s = report.components["imu"].arrivals["output"].silent_s
    assert report.duration_s < 1.1 * 4500 / RATE_HZ
    assert silent_s is not None
    assert silent_s > 4.5
