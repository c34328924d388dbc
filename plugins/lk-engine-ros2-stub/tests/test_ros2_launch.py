"""Launches through `ros2 launch`: its command, and what becomes of what it prints.

It has no wheel. A stand-in starts the nodes in its place, as the launch file says.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_systems import diamond, outcome  # type: ignore[import-not-found]
from launching import KILL, When, processes  # type: ignore[import-not-found]
from ros_parts import Dies, Note, machines  # type: ignore[import-not-found]

from like_keras_core import HostLostError, Node, System
from like_keras_core.errors import EngineError
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Scale
from like_keras_core.testing.subprocess_env import default_signals
from lk_engine_ros2_stub.install_prefix import Prefix
from lk_engine_ros2_stub.ros_names import Naming
from lk_engine_ros2_stub.ros_processes import node_command, ros2_launch_command
from lk_engine_ros2_stub.shm_cleanup import remove_free, segments

pytestmark = pytest.mark.timeout(120)
STAND_IN = Path(__file__).with_name("ros2_stand_in.py")


@pytest.fixture
def ros2(launches: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have a command `ros2` on PATH."""
    folder = tmp_path / ".bin"
    folder.mkdir()
    command = folder / "ros2"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STAND_IN}" "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return launches


def test_the_commands_are_those_of_ros() -> None:
    """What `launch_ros` passes to a node, and what one types to launch a package."""
    naming = Naming(machines().to_spec())
    path = Path("/ws/src/Fleet_A_bringup/launch/Fleet_A.local.launch.py")
    prefix = Prefix.of_launch_file(naming, path)
    nodes = {node.name: node for node in naming.spec.nodes}

    shared = ["--ros-args", "--log-level", "info", "--ros-args"]
    params = "/ws/launch/share/fleet_a_bringup/config/params.yaml"
    assert node_command(prefix, nodes["desk"]) == [
        "/ws/launch/lib/fleet_a_bringup/desk",
        *shared,
        *("-r", "__node:=desk", "-r", "__ns:=/Fleet_A", "--params-file", params),
    ]
    assert node_command(prefix, nodes["eye-1"]) == [
        *("gdb", "-ex", "run", "--args", "/ws/launch/lib/fleet_a_bringup/eye_1"),
        *shared,
        *("-r", "__node:=eye_1", "-r", "__ns:=/Fleet_A", "--params-file", params),
    ]
    told = {"params_file": "/my.yaml", "use_sim_time": True}
    assert node_command(prefix, nodes["desk"], told)[-4:] == [
        *("--params-file", "/my.yaml", "-p", "use_sim_time:=true"),
    ]
    assert ros2_launch_command("ros2", prefix, "jetson", told)[-2:] == [
        *("params_file:=/my.yaml", "use_sim_time:=true"),
    ]
    assert ros2_launch_command("/opt/ros/bin/ros2", prefix, "jetson") == [
        *("/opt/ros/bin/ros2", "launch", "--noninteractive", "fleet_a_bringup"),
        *("Fleet_A.jetson.launch.py", "log_level:=info"),
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("ros2")
def test_it_gives_what_one_process_gives(capfd: pytest.CaptureFixture[str]) -> None:
    """It is used where it is on PATH, unless the launch asks for rclpy alone."""
    expected = outcome(diamond(), "native", iterations=30)

    found = outcome(diamond(), "ros2", iterations=30)
    said = capfd.readouterr().err
    outcome(diamond(), "ros2", iterations=30, launcher="rclpy")

    assert same(found, expected)
    assert "[INFO] [a-1]: process started" in said
    assert "process started" not in capfd.readouterr().err


@pytest.mark.slow
def test_a_process_that_it_lost_is_named(ros2: str) -> None:
    """As it says so, or because its line home is gone."""
    told = When(ros2, "b", KILL)
    system = System([Count(node=Node("a")), Scale(node=Node("b"))])

    with pytest.raises(HostLostError, match="node 'b' was lost: "):
        system.launch(engine="ros2", rate_hz=200, progress=told)

    assert told.age_s < 10


@pytest.mark.slow
@pytest.mark.usefixtures("launches")
def test_it_is_missed_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    with pytest.raises(EngineError, match="leave out launcher='ros2'"):
        System([Count()]).launch(1, engine="ros2", launcher="ros2")


@pytest.mark.slow
@pytest.mark.usefixtures("ros2")
def test_its_own_end_is_told(tmp_path: Path) -> None:
    """With what it said last."""
    command = tmp_path / ".bin" / "ros2"
    command.write_text("#!/bin/sh\necho no such package >&2; exit 1\n")

    with pytest.raises(EngineError, match="exit code 1") as caught:
        System([Count()]).launch(1, engine="ros2")

    assert "no such package" in str(caught.value)


def launched(system: System, **env: str) -> subprocess.Popen[str]:
    """Start a compiled system as one types it, with the stand-in for ROS's command."""
    path = system.compile(engine="ros2")
    assert path is not None
    prefix = Prefix.of_launch_file(Naming(system.to_spec()), path)
    prefix.write()
    code = (str(Path(__file__).parent),)
    env = {"ROS_HOME": os.getcwd(), **env}
    with default_signals():
        return subprocess.Popen(
            ["ros2", "launch", prefix.naming.package, path.name],
            env=prefix.environment(os.environ, code) | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.mark.slow
def test_a_node_that_dies_at_its_start_ends_all_with_a_code(ros2: str) -> None:
    """At once, and the others with it."""
    before = segments()
    launch = launched(System([Count(node=Node("a")), Dies(node=Node("b"))]))
    text, _ = launch.communicate(timeout=60)

    assert launch.returncode == 1, text
    assert "b-2 ended with exit code 3, and with it the system" in text
    assert processes(ros2) == {}
    # What the process left that took leave of nobody.
    remove_free(before)


@pytest.mark.slow
def test_nodes_end_when_their_launch_is_killed(ros2: str, tmp_path: Path) -> None:
    """With their components' last hooks, though nobody reads what they print."""
    file = tmp_path / "noted"
    system = System([Count(node=Node("a")), Note(str(file), node=Node("b"))])
    launch = launched(System(system.components, rate_hz=100))
    until = time.monotonic() + 60
    while not (file.exists() and file.stat().st_size):
        assert time.monotonic() < until
        time.sleep(0.05)

    launch.kill()
    launch.wait()
    until = time.monotonic() + 20
    while processes(ros2):
        assert time.monotonic() < until, processes(ros2)
        time.sleep(0.05)
    assert launch.stdout is not None
    launch.stdout.close()
