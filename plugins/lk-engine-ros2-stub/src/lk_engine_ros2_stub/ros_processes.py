"""The processes of a launch: started by us or by `ros2 launch`, watched, and ended."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from like_keras_core.engine_kit import (
    ChildProcess,
    Home,
    NodeConsole,
    NodeProcesses,
    RunPlan,
    author_path,
    exit_text,
    is_alive,
    without_secrets,
)
from like_keras_core.errors import EngineError
from like_keras_core.spec import NodeSpec
from lk_engine_ros2_stub.install_prefix import Prefix
from lk_engine_ros2_stub.ros_environment import (
    DOMAIN,
    check_domain,
    check_range,
    ros2_command,
)
from lk_engine_ros2_stub.ros_names import Naming
from lk_engine_ros2_stub.run_identity import RunIdentity
from lk_engine_ros2_stub.shm_cleanup import remove_free, segments

LOG_LEVEL = "info"
LOGS = "logs"
PARAMS_FILE, USE_SIM_TIME = "params_file", "use_sim_time"
"""The engine's options that the processes are told."""


def start_processes(plan: RunPlan, nodes: Sequence[str], home: Home) -> RosProcesses:
    """Start the processes of some nodes, or ROS's command, which does.

    Args:
        plan: The run.
        nodes: The nodes. ROS's command starts all of them.
        home: Where the processes find the launcher.

    Raises:
        EngineError: One cannot be started, or ROS is set up wrongly; or there is such
            a run already.
    """
    domain = check_domain()
    check_range(len(plan.spec.nodes))
    identity = RunIdentity.of(plan.spec, Naming(plan.spec).namespace)
    with ExitStack() as held:
        held.enter_context(identity.held())
        processes = _started(plan, nodes, home, domain)
        processes.held = held.pop_all()
    return processes


def _started(
    plan: RunPlan, nodes: Sequence[str], home: Home, domain: str
) -> RosProcesses:
    assert plan.artefact is not None
    ros2 = _ros2(plan.engine_options.get("launcher"))
    naming = Naming(plan.spec)
    prefix = Prefix.of_launch_file(naming, plan.artefact)
    prefix.write()
    logs = prefix.folder.parent / LOGS
    environ = without_secrets(os.environ)
    env = prefix.environment(environ, author_path(plan.spec))
    env.setdefault("ROS_LOG_DIR", str(logs / "ros"))
    env.setdefault("PYTHONUNBUFFERED", "1")
    console = NodeConsole(plan.spec, logs)
    env |= console.environment()
    if ros2 is not None:
        # One environment is for all nodes: each finds its own key.
        env |= home.shared_environment(nodes, plan.folder)
        launched = Ros2Launch(naming, console, domain)
        machines = naming.machines()
        own = plan.engine_options
        launched.run([ros2_launch_command(ros2, prefix, x, own) for x in machines], env)
        return launched
    processes = RosProcesses(console, domain)
    try:
        for node in nodes:
            item = plan.spec.node(node)
            given = {**env, **item.options.get("env", {}), **home.environment(node)}
            command = node_command(prefix, item, plan.engine_options)
            processes.start(node, command, given)
    except BaseException:
        processes.end()
        raise
    return processes


def _ros2(launcher: str | None) -> str | None:
    """Return ROS's command, if it shall start the processes."""
    command = ros2_command()
    if launcher == "ros2" and command is None:
        raise EngineError(
            "ROS's command 'ros2' is not on PATH. Start this in a shell where ROS 2 is "
            "set up (source /opt/ros/DISTRO/setup.bash), or leave out launcher='ros2': "
            "the processes then start without it."
        )
    return None if launcher == "rclpy" else command


def node_command(
    prefix: Prefix, node: NodeSpec, options: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the command of a node's process: the one that `launch_ros` would run.

    Args:
        prefix: The installed package.
        node: The node.
        options: The engine's options of the launch.
    """
    naming, options = prefix.naming, options or {}
    command = shlex.split(node.options.get("prefix", ""))
    command += [str(prefix.executable(node.name))]
    command += ["--ros-args", "--log-level", LOG_LEVEL, "--ros-args"]
    command += ["-r", f"__node:={naming.node(node.name)}"]
    command += ["-r", f"__ns:={naming.namespace}"]
    command += ["--params-file", str(options.get(PARAMS_FILE) or prefix.params)]
    if options.get(USE_SIM_TIME):
        command += ["-p", "use_sim_time:=true"]
    for old, new in node.options.get("remappings", ()):
        command += ["-r", f"{old}:={new}"]
    return command


def ros2_launch_command(
    ros2: str, prefix: Prefix, machine: str, options: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the command that starts all nodes of a machine through ROS.

    Args:
        ros2: ROS's command.
        prefix: The installed package.
        machine: The machine.
        options: The engine's options of the launch.
    """
    options = options or {}
    file = prefix.naming.launch_file(machine)
    words = [f"log_level:={LOG_LEVEL}"]
    if options.get(PARAMS_FILE):
        words.append(f"params_file:={options[PARAMS_FILE]}")
    if options.get(USE_SIM_TIME):
        words.append("use_sim_time:=true")
    return [ros2, "launch", "--noninteractive", prefix.naming.package, file, *words]


class RosProcesses(NodeProcesses):
    """The processes of a launch, each started by us.

    Args:
        console: Takes what the nodes print.
        domain: The ROS domain that they are in.
    """

    def __init__(self, console: NodeConsole, domain: str) -> None:
        super().__init__(console)
        self._domain = domain
        self._segments = segments()
        #: What this launch holds to its end: its identity.
        self.held = ExitStack()

    def environment(self) -> dict[str, str]:
        """Return the domain of the run."""
        return {DOMAIN: self._domain}

    def end(self, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Let every process shut down, and see to it that nothing is left."""
        try:
            super().end(is_hurried)
        finally:
            remove_free(self._segments)
            self.held.close()


_LINE = re.compile(r"\[(\w+)-(\d+)\] (.*)")
_DIED = re.compile(
    r"\[(?:ERROR|INFO)\] \[(\w+)-\d+\]: process has "
    r"(?:finished cleanly|died) \[pid (\d+)(?:, exit code (-?\d+))?"
)


class Ros2Launch(RosProcesses):
    """The processes of a launch that `ros2 launch` has started."""

    def __init__(self, naming: Naming, console: NodeConsole, domain: str) -> None:
        super().__init__(console, domain)
        self._nodes = {naming.node(node.name): node.name for node in naming.spec.nodes}
        self._ended: dict[str, str] = {}
        self._own: list[str] = []

    def run(self, commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> None:
        """Start `ros2 launch`, once for each of its commands."""
        for number, command in enumerate(commands):
            self.children[f"ros2 launch {number}"] = ChildProcess(
                command, self.take, environment=env
            )

    def take(self, line: str) -> None:
        """Take in a line that `ros2 launch` prints."""
        if match := _LINE.match(line):
            node = self._nodes.get(match[1])
            if node is not None:
                self.said(node, match[3])
                return
        if match := _DIED.match(line):
            node = self._nodes.get(match[1])
            # `ros2 launch` says so of a process that it has waited for.
            if node is not None and not is_alive(int(match[2])):
                self._ended[node] = exit_text(int(match[3] or 0))
        self._own = [*self._own[-19:], line]
        self.console.show(line, is_error=True)

    def lost(self) -> Mapping[str, str]:
        """Return how processes of nodes have ended.

        Raises:
            EngineError: `ros2 launch` itself has ended, and no node's process before.
        """
        self._refuse_end()
        return dict(self._ended)

    def check(self, node: str) -> str:
        """See whether what a node has met is the end of `ros2 launch`.

        Raises:
            EngineError: It is.
        """
        self._refuse_end()
        return ""

    def _refuse_end(self) -> None:
        for child in self.children.values():
            code = child.exit_code()
            if code is None:
                continue
            child.read_out()
            if not self._ended:
                said = "\n".join(f"  {line}" for line in self._own)
                raise EngineError(
                    "`ros2 launch` ended before the run was over: "
                    f"{exit_text(code)}. The end of what it said:\n{said}"
                )
