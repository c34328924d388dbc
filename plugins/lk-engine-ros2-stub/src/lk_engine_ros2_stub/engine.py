"""Checks a system against ROS 2, compiles it to a colcon workspace, and runs it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from like_keras_core.engine_kit import (
    Home,
    ProcessEngine,
    ProcessGroup,
    RunPlan,
    refuse_errors,
    unfound_code,
)
from like_keras_core.errors import EngineError, LkWarning
from like_keras_core.issue import Issue
from like_keras_core.node import is_local
from like_keras_core.spec import SystemSpec
from lk_engine_ros2_stub.checks import issues_of
from lk_engine_ros2_stub.colcon_package import PARAMS, files_of
from lk_engine_ros2_stub.node import DISTRIBUTIONS
from lk_engine_ros2_stub.ros_names import Naming
from lk_engine_ros2_stub.workspace import write_files

LAUNCHERS = ("rclpy", "ros2")
"""What may start the nodes' processes: this engine, or `ros2 launch`."""


class Ros2Engine(ProcessEngine):
    """Runs a system as ROS 2 nodes, a process per node, and compiles it for colcon."""

    name = "ros2"
    capabilities = frozenset(
        {
            *("delay", "hold", "latest", "every", "takes", "rate", "late", "record"),
            *("multi-process", "multi-machine", "foreign-nodes", "stand-alone"),
        }
    )
    options: ClassVar[Mapping[str, str]] = {
        "launcher": "What starts the processes: 'ros2' is ROS's command, 'rclpy' needs "
        "none. When omitted, ROS's command if it is on PATH.",
        "params_file": "A YAML file of parameters, in the place of the compiled one.",
        "use_sim_time": "Whether ticks follow the time on /clock.",
        "local": "Run every node here, whatever machine it names.",
    }

    distributions = DISTRIBUTIONS
    modules = ("rclpy", "std_msgs")

    def issues(self, spec: SystemSpec, folder: Path) -> list[Issue]:
        """List every reason why a system is not a ROS 2 package, or may surprise."""
        return issues_of(spec)

    def write(self, spec: SystemSpec, folder: Path) -> Path:
        """Write the workspace; return the launch file of the first node's machine."""
        naming = Naming(spec)
        params = f"src/{naming.package}/{PARAMS}"
        for path in write_files(folder, files_of(spec), [params]):
            warnings.warn(
                f"{str(path.with_suffix(''))!r} was edited and stays as it is. What "
                f"the system is made with now is beside it, in {path.name!r}: take "
                "over what you want, or delete the edited file and compile again.",
                LkWarning,
                stacklevel=2,
            )
        file = naming.launch_file(next(iter(naming.machines())))
        return folder / "src" / naming.package / "launch" / file

    def build_folder(self, artefact: Path) -> Path:
        """Return the workspace that a launch file is in."""
        return Path(os.path.abspath(artefact)).parents[3]

    def prepare(self, plan: RunPlan) -> RunPlan:
        """Check that all of it can run on this machine, with the ROS that is here.

        Raises:
            EngineError: The system needs several machines, or ROS is missing.
            ValueError: An option is none of those that it can be, or there is no such
                file of parameters.
        """
        from lk_engine_ros2_stub.ros_environment import check_rclpy, check_rmw

        launcher = plan.engine_options.get("launcher")
        if launcher not in (None, *LAUNCHERS):
            raise ValueError(
                f"launcher is one of {', '.join(map(repr, LAUNCHERS))}, or None; got "
                f"{launcher!r}."
            )
        if not plan.engine_options.get("local", False):
            _refuse_machines(plan.spec)
        own = dict(plan.engine_options)
        if own.get("params_file") is not None:
            own["params_file"] = _params_file(own["params_file"])
        if not isinstance(own.get("use_sim_time", False), bool):
            raise ValueError(
                f"use_sim_time is True or False; got {own['use_sim_time']!r}."
            )
        refuse_errors(self.name, plan.spec.name, unfound_code(plan.spec))
        check_rclpy()
        check_rmw()
        machines = dict.fromkeys(plan.machines, "local")
        return replace(plan, machines=machines, engine_options=own)

    def start(self, plan: RunPlan, nodes: Sequence[str], home: Home) -> ProcessGroup:
        """Start the nodes' processes, or ROS's command, which does."""
        from lk_engine_ros2_stub.ros_processes import start_processes

        return start_processes(plan, nodes, home)


def _params_file(given: object) -> str:
    """Return the absolute path of a file of parameters.

    Raises:
        ValueError: It is not there.
    """
    if isinstance(given, str | os.PathLike) and os.path.isfile(given):
        return os.path.abspath(os.fspath(given))
    raise ValueError(
        f"params_file is the path of a YAML file of parameters; there is no {given!r}."
    )


def _refuse_machines(spec: SystemSpec) -> None:
    """Refuse what ROS starts on no other machine: it must not run here in silence."""
    far = [node for node in spec.nodes if not is_local(node.machine)]
    if not far:
        return
    placed = ", ".join(f"{node.name!r} on {node.machine!r}" for node in far)
    raise EngineError(
        f"This system has {placed}, and ROS 2 starts nothing on another machine. "
        "Compile it, and start each machine's launch file there; or run all of it "
        "here with launch(local=True)."
    )
