"""A launch on this machine: a process per node, and the line to each of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from like_keras_core.engine_kit.python_path import author_path
from like_keras_core.errors import ComponentError, EngineError
from like_keras_core.report import RunReport
from like_keras_core.runtime.supervision.launcher import ProcessLauncher
from like_keras_core.runtime.supervision.node_console import NodeConsole
from lk_engine_ros2_stub.install_prefix import Prefix
from lk_engine_ros2_stub.ros_environment import (
    DOMAIN,
    check_domain,
    check_rclpy,
    check_rmw,
    ros2_command,
)
from lk_engine_ros2_stub.ros_names import RUN, Naming, new_run
from lk_engine_ros2_stub.ros_processes import (
    Ros2Launch,
    RosProcesses,
    ros2_launch_command,
)

LOGS = "logs"
LAUNCHERS = ("rclpy", "ros2")
"""Who may start the nodes' processes: this engine, or `ros2 launch`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A run on this machine.

    Args:
        conduct: What every engine's launch over processes does.
        path: The launch file.
        launcher: One of `LAUNCHERS`; None is `"ros2"` where its command is on PATH.
    """

    conduct: ProcessLauncher
    path: Path
    launcher: str | None = None

    def run(self, iterations: int | None) -> RunReport:
        """Run it, to its end or another one; nothing is left behind.

        Raises:
            ComponentError: A component raised; it carries the report.
            EngineError: This Python has no ROS, or another one than it should.
            HostLostError: A process ended, or was silent for too long.
        """
        check_rclpy()
        check_rmw()
        domain = check_domain()
        ros2 = self._ros2()
        naming = Naming(self.conduct.spec)
        machines = list(naming.machines())
        prefix = Prefix.of_launch_file(naming, self.path)
        prefix.write()
        environment = {DOMAIN: domain}

        def start(told: Mapping[str, str]) -> RosProcesses:
            output = NodeConsole(self.conduct.spec, prefix.folder.parent / LOGS)
            env = self._environment(prefix, told)
            if ros2 is None:
                processes = RosProcesses(naming, output)
                try:
                    processes.start(prefix, env)
                except BaseException:
                    processes.end()
                    raise
                return processes
            launched = Ros2Launch(naming, output)
            launched.run([ros2_launch_command(ros2, prefix, x) for x in machines], env)
            return launched

        try:
            report = self.conduct.run(iterations, start)
        except ComponentError as error:
            if error.report is not None:
                error.report = replace(error.report, environment=environment)
            raise
        return replace(report, environment=environment)

    def _ros2(self) -> str | None:
        """Return ROS's command, if it shall start the processes."""
        command = ros2_command()
        if self.launcher == "ros2" and command is None:
            raise EngineError(
                "ROS's command 'ros2' is not on PATH. Start this in a shell where "
                "ROS 2 is set up (source /opt/ros/DISTRO/setup.bash), or leave out "
                "launcher='ros2': the processes then start without it."
            )
        return None if self.launcher == "rclpy" else command

    def _environment(self, prefix: Prefix, told: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of the processes."""
        code = author_path(self.conduct.spec)
        env = {**prefix.environment(os.environ, code), **told}
        # A run has hidden topics of its own: another one may be in the same domain.
        env[RUN] = new_run()
        env.setdefault("ROS_LOG_DIR", str(prefix.folder.parent / LOGS / "ros"))
        env.setdefault("PYTHONUNBUFFERED", "1")
        return env
