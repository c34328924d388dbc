"""What was compiled is built by colcon and runs by hand, as real ROS 2 nodes."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ros_parts import (  # type: ignore[import-not-found]
    Break,
    Frames,
    Note,
    Tally,
    arguments,
    noted,
)

from like_keras_core import Node, System
from like_keras_core.testing.components import Count, Scale
from like_keras_core.testing.subprocess_env import default_signals
from lk_engine_ros2_stub.shm_cleanup import remove_free, segments

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::like_keras_core.errors.LkWarning"),
]
needs_ros = pytest.mark.skipif(
    importlib.util.find_spec("rclpy") is None,
    reason="needs rclpy: pip install 'lk-engine-ros2-stub[rclpy]'",
)
needs_no_ros = pytest.mark.skipif(
    importlib.util.find_spec("rclpy") is not None, reason="rclpy is installed"
)
HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
PAGE = HERE.parents[2] / "docs" / "ros2-engine.md"


class Nodes:
    """Starts the nodes of a compiled system, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.build = folder / "build"
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.env = os.environ | {
            "ROS_DOMAIN_ID": str(1 + os.getpid() % 100),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "ROS_HOME": str(folder / "ros"),
            # Shared memory of a process that was killed would stay behind.
            "FASTDDS_BUILTIN_TRANSPORTS": "UDPv4",
            "PATH": os.pathsep.join((str(BIN), os.environ["PATH"])),
        }

    def compile(self, system: System) -> Path:
        path = system.compile(engine="ros2", build_dir=self.build)
        assert path is not None
        package = path.parent.parent
        self.env["PYTHONPATH"] = os.pathsep.join(map(str, (HERE, package)))
        return package

    def start(
        self, package: Path, name: str, *words: str, within: str = "", **env: str
    ) -> Any:
        """Start a node with the arguments that launch_ros would pass."""
        module = f"{package.name}.{name}_node"
        code = f"import sys; from {module} import main; sys.exit(main())"
        namespace = within + "/" + package.name.removesuffix("_bringup")
        params = package / "config" / "params.yaml"
        ros = ["--ros-args", "--log-level", "info", "--ros-args"]
        ros += ["-r", f"__node:={name}", "-r", f"__ns:={namespace}"]
        ros += ["--params-file", str(params), *words]
        with default_signals():
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-c", code, *ros],
                env=self.env | env,
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return self.processes[name]

    def ends(self, timeout_s: float = 60) -> dict[str, tuple[int, str]]:
        """Wait for all; return exit code and output of each."""
        found = {}
        for name, process in self.processes.items():
            text, _ = process.communicate(timeout=timeout_s)
            found[name] = (process.returncode, text)
        return found


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Start nodes below `tmp_path`; none outlives the test."""
    made, before = Nodes(tmp_path), segments()
    yield made
    for process in made.processes.values():
        if process.poll() is None:
            process.kill()
            process.communicate()
    remove_free(before)


def natively(make: Callable[..., System], file: Path, count: int) -> str:
    make(str(file)).launch(count, engine="native")
    return file.read_text()


@needs_ros
def test_a_loop_over_three_processes_gives_what_native_gives(nodes: Nodes) -> None:
    """Started by hand, in any order: the same values, and a report."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(noted(str(file)))
    for name in "cba":
        nodes.start(package, name, LK_ITERATIONS="300")
    ends = nodes.ends()

    assert [code for code, _ in ends.values()] == [0, 0, 0], ends
    assert "noted on ros2: 300 ticks" in ends["a"][1]
    assert "INFO" in ends["c"][1]
    assert "noting into" in ends["c"][1]
    assert file.read_text() == natively(noted, nodes.folder / "native.txt", 300)


@needs_ros
def test_machines_meet_at_an_address(nodes: Nodes) -> None:
    """Nodes of several machines need LK_TOKEN; here all of them are this one."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(noted(str(file), "alpha", "beta", "gamma"))
    far = {"LK_CONTROL": "127.0.0.1:32417", "LK_TOKEN": "x" * 20}
    for name in "abc":
        nodes.start(package, name, LK_ITERATIONS="50", **far)
    ends = nodes.ends()

    assert [code for code, _ in ends.values()] == [0, 0, 0], ends
    assert file.read_text().count("\n") == 50


@needs_ros
def test_parameters_change_what_components_are_made_with(nodes: Nodes) -> None:
    """A value of another type is refused, with the parameter's name."""
    package = nodes.compile(arguments_with_note(nodes.folder / "ros.txt"))
    nodes.start(package, "hub", "-p", "count.start:=10", LK_ITERATIONS="2")
    nodes.start(package, "arm", "-p", "arm.config.gains:=[0.0, 3.0]")
    ends = nodes.ends()

    assert [code for code, _ in ends.values()] == [0, 0], ends
    assert (nodes.folder / "ros.txt").read_text() == "210.0\n231.0\n"

    code, text = finished(nodes.start(package, "arm", "-p", "arm.size:=2.5"))
    assert code == 1
    assert "'arm.size' of /arguments/arm was compiled as 7" in text
    assert "Traceback" not in text


def arguments_with_note(file: Path) -> System:
    system = arguments()
    note = Note(str(file), node=system.components[1].node)
    return System([*system.components, note], name="arguments")


def finished(process: Any) -> tuple[int, str]:
    text, _ = process.communicate(timeout=60)
    return process.returncode, text


def wait_for(file: Path) -> None:
    until = time.monotonic() + 60
    while not (file.exists() and file.stat().st_size):
        assert time.monotonic() < until
        time.sleep(0.02)


@needs_ros
@pytest.mark.parametrize("signals", [["SIGINT"], ["SIGINT", "SIGINT"], ["SIGTERM"]])
def test_signals_end_a_run_cleanly(nodes: Nodes, signals: list[str]) -> None:
    """All processes leave with 0, as `ros2 launch` expects of them."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(noted(str(file)))
    for name in "abc":
        nodes.start(package, name)
    wait_for(file)

    for name in signals:
        for process in nodes.processes.values():
            process.send_signal(getattr(signal, name))
    ends = nodes.ends()

    assert [code for code, _ in ends.values()] == [0, 0, 0], ends
    assert "Traceback" not in "".join(text for _, text in ends.values())


@needs_ros
def test_a_node_that_waits_for_others_can_be_stopped(nodes: Nodes) -> None:
    """Ctrl-C counts before the run has begun."""
    package = nodes.compile(noted(str(nodes.folder / "ros.txt")))
    process = nodes.start(package, "a")
    wait_for_token(nodes)

    process.send_signal(signal.SIGINT)
    code, text = finished(process)

    assert "Traceback" not in text
    assert code in (0, 1)


def wait_for_token(nodes: Nodes) -> None:
    until = time.monotonic() + 60
    while not list((nodes.folder / "ros").rglob("token")):
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.5)


@needs_ros
def test_a_component_that_raises_ends_the_run(nodes: Nodes) -> None:
    """The first node says which one, where and why; all processes end."""
    count, fail = Count(node=Node("a")), Break(node=Node("b"))
    package = nodes.compile(System([count, fail], name="failing"))
    for name in "ab":
        nodes.start(package, name)
    ends = nodes.ends(30)

    assert ends["a"][0] == 1
    assert "Component 'break' on node 'b' failed in forward at tick 10" in ends["a"][1]


@needs_ros
def test_a_node_that_is_killed_ends_the_run(nodes: Nodes) -> None:
    """The others do not wait for it."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(noted(str(file)))
    for name in "abc":
        nodes.start(package, name)
    wait_for(file)

    nodes.processes["b"].kill()
    ends = nodes.ends(30)

    assert ends["a"][0] == 1
    assert "The process of node 'b' was lost" in ends["a"][1]


def by_hand(
    code: str, nodes: Nodes, *, timeout_s: float = 80, is_good: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a program in the nodes' environment; a good one exits with 0."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=nodes.env,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=is_good,
    )


@needs_ros
def test_a_node_appears_in_the_graph_under_its_name(nodes: Nodes) -> None:
    """ROS's tools see the nodes, and the ports that have a standard message."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(noted(str(file)))
    for name in "abc":
        nodes.start(package, name)
    wait_for(file)
    code = (
        "import rclpy, time\n"
        "rclpy.init()\n"
        "node = rclpy.create_node('look')\n"
        "until = time.monotonic() + 40\n"
        "want = {('a', '/noted'), ('b', '/noted'), ('c', '/noted')}\n"
        "found = set()\n"
        "while not want <= found and time.monotonic() < until:\n"
        "    time.sleep(0.1)\n"
        "    found = set(node.get_node_names_and_namespaces())\n"
        "print(want <= found)\n"
        "print([n for n, _ in node.get_topic_names_and_types() if 'noted' in n])\n"
    )
    seen = by_hand(code, nodes)
    nodes.processes["a"].send_signal(signal.SIGINT)
    nodes.ends()

    found, topics = seen.stdout.splitlines()
    assert found == "True"
    public = [x for x in topics.strip("[]").split(", ") if "/_lk/" not in x]
    assert "'/noted/count/output'" in public
    assert all(topic.endswith("/output'") for topic in public), topics


@needs_ros
def test_a_node_answers_for_its_parameters(nodes: Nodes) -> None:
    """While it runs, as `ros2 param` asks for them."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(noted(str(file)))
    for name in "abc":
        nodes.start(package, name)
    wait_for(file)
    code = (
        "import rclpy\n"
        "from rclpy.parameter_client import AsyncParameterClient\n"
        "rclpy.init()\n"
        "node = rclpy.create_node('ask')\n"
        "client = AsyncParameterClient(node, '/noted/c')\n"
        "print(client.wait_for_services(40))\n"
        "answer = client.get_parameters(['note.file'])\n"
        "rclpy.spin_until_future_complete(node, answer, timeout_sec=20)\n"
        "print(answer.result().values[0].string_value)\n"
    )
    asked = by_hand(code, nodes)
    nodes.processes["a"].send_signal(signal.SIGINT)
    nodes.ends()

    assert asked.stdout.split() == ["True", str(file)], asked.stderr


@needs_no_ros
def test_without_rclpy_a_node_says_how_to_get_it(nodes: Nodes) -> None:
    """Both ways: a ROS installation, or the wheels."""
    package = nodes.compile(noted(str(nodes.folder / "ros.txt")))
    code, text = finished(nodes.start(package, "a"))

    assert code == 1
    assert "source /opt/ros/DISTRO/setup.bash" in text
    assert "pip install 'lk-engine-ros2-stub[rclpy]'" in text


def test_another_python_without_rclpy_says_how_to_get_it(nodes: Nodes) -> None:
    """Even where this one has it."""
    package = nodes.compile(noted(str(nodes.folder / "ros.txt")))
    code = (
        "import sys; sys.modules['rclpy'] = None\n"
        f"from {package.name}.a_node import main; main()"
    )
    done = by_hand(code, nodes, timeout_s=30, is_good=False)

    assert done.returncode == 1
    assert "rclpy is not installed for this Python" in done.stderr
    assert "pip install 'lk-engine-ros2-stub[rclpy]'" in done.stderr
    assert "Traceback" not in done.stderr


def colcon_build(nodes: Nodes, workspace: Path) -> None:
    """Build a compiled workspace, in an environment that knows no author's folder."""
    pytest.importorskip(
        "colcon_ros", reason="needs colcon: pip install 'lk-engine-ros2-stub[build]'"
    )
    done = subprocess.run(
        ["colcon", "build"],
        cwd=workspace,
        env={key: x for key, x in nodes.env.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def built(nodes: Nodes) -> Path:
    """Compile and build a system of two nodes; return the install folder."""
    nodes.compile(System([Count(node=Node("a")), Scale(node=Node("b"))], name="pair"))
    colcon_build(nodes, nodes.build)
    return nodes.build / "install"


def test_colcon_builds_it(built: Path) -> None:
    """Everything is where `ros2 run` and `ros2 launch` look for it."""
    package = built / "pair_bringup"
    index = "share/ament_index/resource_index/packages/pair_bringup"

    for file in (
        *("lib/pair_bringup/a", "lib/pair_bringup/b", index),
        "share/pair_bringup/launch/pair.launch.py",
        "share/pair_bringup/config/params.yaml",
        "share/pair_bringup/package.xml",
    ):
        assert (package / file).is_file(), file
    assert os.access(package / "lib/pair_bringup/a", os.X_OK)


@needs_ros
def test_what_colcon_built_runs(nodes: Nodes, built: Path) -> None:
    """With setup.bash sourced, and the executables that it leads to."""
    package = built / "pair_bringup"
    code = (
        f"source {built}/setup.bash\n"
        f"{package}/lib/pair_bringup/b --ros-args -r __ns:=/pair &\n"
        f"{package}/lib/pair_bringup/a --ros-args -r __ns:=/pair\n"
        "status=$?; wait $! && exit $status"
    )
    env = nodes.env | {"LK_ITERATIONS": "20", "PYTHONPATH": str(HERE)}
    done = subprocess.run(
        ["bash", "-c", code],
        cwd=nodes.folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "pair on ros2: 20 ticks" in done.stdout


def fences(kind: str) -> list[str]:
    """Return the blocks of one kind on the page about this engine."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@needs_ros
def test_the_page_leads_from_a_file_to_running_nodes(nodes: Nodes) -> None:
    """Its module, its commands, in a shell; `ros2 launch` alone has no wheel."""
    (nodes.folder / "robot.py").write_text(fences("python")[0])
    launch, _, _, build, by_hand, *_ = fences("text")
    assert build.splitlines()[-1].startswith("ros2 launch ")
    lines = [
        "set -e",
        "lk validate robot:robot --engine ros2",
        "lk compile robot:robot --engine ros2",
        launch,
        *build.splitlines()[:-1],
        by_hand,
        "wait $!",
    ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        cwd=nodes.folder,
        env=nodes.env | {"PYTHONPATH": str(nodes.folder)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "robot on ros2: 100 ticks" in done.stdout
    assert "robot on ros2: 1000 ticks" in done.stdout


@needs_ros
@pytest.mark.parametrize("transports", ["UDPv4", "DEFAULT"])
def test_large_values_arrive_whole_and_in_order(nodes: Nodes, transports: str) -> None:
    """A megabyte each, over the network stack and through shared memory."""
    frames, tally = Frames(node=Node("a")), Tally(node=Node("b"))
    note = Note(str(nodes.folder / "ros.txt"), node=Node("c"))
    package = nodes.compile(System([frames, tally, note], name="large"))
    for name in "abc":
        nodes.start(
            package, name, LK_ITERATIONS="60", FASTDDS_BUILTIN_TRANSPORTS=transports
        )
    ends = nodes.ends(60)

    assert [code for code, _ in ends.values()] == [0, 0, 0], ends
    found = (nodes.folder / "ros.txt").read_text().splitlines()
    assert found == [repr(float(n << 20)) for n in range(60)]
