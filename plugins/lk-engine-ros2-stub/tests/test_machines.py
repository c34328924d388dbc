"""What `compile` writes for several machines, started on each as the page says.

The machines are network namespaces on one bridge. `ros2 launch` has no wheel: on each
a stand-in starts the nodes, as its launch file says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from ros_parts import noted  # type: ignore[import-not-found]

from like_keras_core.testing.subprocess_env import default_signals
from lk_engine_ros2_stub.install_prefix import Prefix
from lk_engine_ros2_stub.ros_names import Naming

HERE = Path(__file__).parent
STAND_IN = HERE / "ros2_stand_in.py"
PAGE = HERE.parents[2] / "docs" / "ros2-engine.md"
ADDRESSES = {"desk": "10.78.0.1", "jetson": "10.78.0.2"}

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(find_spec("rclpy") is None, reason="needs rclpy"),
]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=30)


@pytest.fixture
def network() -> Iterator[dict[str, str]]:
    """The namespaces of two machines, by name, with a cable between them."""
    names = {name: f"lk-ros-{os.getpid()}-{name}" for name in ADDRESSES}
    try:
        for name in names.values():
            ip("netns", "add", name)
        ends = [("eth0", "netns", name) for name in names.values()]
        ip("link", "add", *ends[0], "type", "veth", "peer", "name", *ends[1])
        for name, space in names.items():
            ip("-n", space, "addr", "add", f"{ADDRESSES[name]}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", space, "link", "set", device, "up")
            ip("-n", space, "route", "add", "224.0.0.0/4", "dev", "eth0")
        yield names
    finally:
        for space in names.values():
            with suppress(subprocess.CalledProcessError):
                ip("netns", "delete", space)


def test_each_machine_starts_its_launch_file(
    network: dict[str, str], tmp_path: Path
) -> None:
    """Both end with 0, and give the values of one process."""
    # What the page says that all machines need.
    page = PAGE.read_text(encoding="utf-8")
    told = page.partition("## Several machines")[2].partition("\n## ")[0]
    assert "`robot.jetson.launch.py`" in told
    assert all(x in told for x in ("`ROS_DOMAIN_ID`", "`LK_TOKEN`", "`LK_CONTROL="))

    file = tmp_path / "ros.txt"
    system = noted(str(file), "local", "jetson", "jetson")
    path = system.compile(engine="ros2", build_dir=tmp_path / "build")
    assert path is not None
    assert (path.parent / "noted.jetson.launch.py").exists()
    prefix = Prefix.of_launch_file(Naming(system.to_spec()), path)
    prefix.write()

    def launch(machine: str, name: str, token: str) -> subprocess.Popen[str]:
        folders = (str(HERE), str(HERE.parents[2] / "tests"), str(HERE.parents[2]))
        environment = os.environ | {
            "ROS_DOMAIN_ID": "7",
            "ROS_HOME": str(tmp_path / machine),
            # The machines share what no two real ones do: their shared memory.
            "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4",
            "LK_CONTROL": f"{ADDRESSES['desk']}:24000",
            "LK_TOKEN": token,
        }
        environment.pop("ROS_AUTOMATIC_DISCOVERY_RANGE", None)
        environment = prefix.environment(environment, folders)
        words = ["ip", "netns", "exec", network[machine], sys.executable]
        words += [str(STAND_IN), "launch", "noted_bringup", name, "iterations:=60"]
        with default_signals():
            return subprocess.Popen(
                words,
                env=environment,
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )

    started = {
        "jetson": launch("jetson", "noted.jetson.launch.py", "s" * 20),
        "desk": launch("desk", "noted.local.launch.py", "s" * 20),
    }
    try:
        said = {x: process.communicate(timeout=90)[0] for x, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
            process.wait(10)

    assert [x.returncode for x in started.values()] == [0, 0], said
    assert "noted on ros2: 60 ticks" in said["desk"]
    here = tmp_path / "native.txt"
    noted(str(here)).launch(60, engine="native")
    assert file.read_text() == here.read_text()
