"""The base of engines that run each node in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from like_keras_core.engine import Engine, as_issue
from like_keras_core.engine_kit.option_checks import node_option_issues, refuse_errors
from like_keras_core.engine_kit.python_path import author_path
from like_keras_core.errors import EngineError, GraphError
from like_keras_core.graph.checks import check
from like_keras_core.issue import Issue, errors_in
from like_keras_core.launch_options import LaunchOptions
from like_keras_core.node import is_local
from like_keras_core.plugins.metadata import versions_of
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.environment import Home
from like_keras_core.runtime.control.keys import without_secrets
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.flow.transport import Transport
from like_keras_core.runtime.os_resources.build_folder import writing_into
from like_keras_core.runtime.os_resources.folder_lock import folder_lock
from like_keras_core.runtime.os_resources.safe_files import real_folder, write_text
from like_keras_core.runtime.process.started import started_environment
from like_keras_core.runtime.stop import StopSignal, in_time
from like_keras_core.runtime.supervision.launcher import ProcessLauncher
from like_keras_core.runtime.supervision.node_console import NodeConsole
from like_keras_core.runtime.supervision.process_group import (
    NodeProcesses,
    ProcessGroup,
)
from like_keras_core.spec import HasSpec, SystemSpec, as_spec, default_build_dir
from like_keras_core.values.class_refs import entry_point_of

SYSTEM = "system.json"
"""The system, as `compile` writes it into the build folder."""

_PROCESS = "like_keras_core.runtime.process"
_WITHOUT_FOLDER = (
    "import sys; del sys.path[0]; import runpy; "
    f"runpy.run_module({_PROCESS!r}, run_name='__main__', alter_sys=True)"
)
"""What `-P -m` does, which Python 3.10 does not have."""

LOGS = "logs"
"""The folder of the nodes' logs, in the build folder."""


class ProcessEngine(Engine):
    """An engine that runs each node in a process of its own.

    A subclass says how frames travel: `transport`. That is enough where every node runs
    on this machine and its process is a Python of this environment. What its runtime
    has of its own it says by overriding `issues`, `write`, `prepare` and `start`. All
    else is here: options, the control channel, supervision, logs, Ctrl-C and SIGTERM,
    `timeout_s`, and the end of every process.
    """

    transport: ClassVar[type[Transport] | None] = None
    """The class that carries frames, made without arguments in each process. Another
    process must find it by its module. If it has `max_frame`, that is the size of the
    largest frame that it takes [byte]. None where `start` does without it."""

    options: ClassVar[Mapping[str, str]] = {}
    """The options of `launch` that are this engine's own: a name, and what it does."""

    node_options: ClassVar[Sequence[str]] = ()
    """The options of a `Node` that this engine follows; `issues` refuses the others."""

    distributions: ClassVar[Sequence[str]] = ()
    """The distributions that every process must have in the same version, as the plan
    of each says."""

    modules: ClassVar[Sequence[str]] = ()
    """The modules of others that every process imports: a file of the author's that has
    the name of one is refused."""

    _checked: tuple[SystemSpec, Path, list[Issue]] | None = None
    """The issues of the system that was asked for last: they are looked for once."""

    def issues(self, spec: SystemSpec, folder: Path) -> Iterable[Issue | str]:
        """List what this engine has against a sound system; a string is an error.

        Unless it is overridden: options of nodes that are not among `node_options`.

        Args:
            spec: The system.
            folder: The build folder.
        """
        return [
            issue
            for node in spec.nodes
            for issue in node_option_issues(self.name, node, self.node_options, ())
        ]

    def write(self, spec: SystemSpec, folder: Path) -> Path:
        """Write what the runtime needs; the system itself, unless it is overridden.

        Args:
            spec: The system, without errors.
            folder: The build folder; it may not exist yet. Write nowhere else.

        Returns:
            The main file.
        """
        path = real_folder(folder) / SYSTEM
        write_text(path, spec.to_json() + "\n")
        return path

    def build_folder(self, artefact: Path) -> Path:
        """Return the build folder of what `write` returned.

        Args:
            artefact: The main file. Its own folder, unless this is overridden.
        """
        return artefact.parent

    def prepare(self, plan: RunPlan) -> RunPlan:
        """Check what a launch needs, and settle where each node runs.

        Args:
            plan: The run as it was asked for.

        Returns:
            The run as it will be.

        Raises:
            EngineError: A node is to run on another machine, which takes an override.
        """
        far = [node for node, where in plan.machines.items() if not is_local(where)]
        if far:
            placed = ", ".join(f"{x!r} on {plan.machines[x]!r}" for x in far)
            raise EngineError(
                f"This system has {placed}, and engine {self.name!r} starts processes "
                "on this machine only. Place these nodes on machine 'local'."
            )
        return plan

    def listens_on(self, plan: RunPlan) -> tuple[str, int]:
        """Return the address on which the nodes' processes reach this one.

        Args:
            plan: The run, prepared.

        Returns:
            Host and port; port 0 takes a free one.
        """
        return "127.0.0.1", 0

    def start(self, plan: RunPlan, nodes: Sequence[str], home: Home) -> ProcessGroup:
        """Start the processes of some nodes, and do not wait for them.

        Args:
            plan: The run, prepared.
            nodes: The nodes; the others are started by somebody else.
            home: Where the processes find this one, as `home.environment(node)` says.

        Returns:
            What is known of the processes.

        Raises:
            EngineError: They cannot be started.
        """
        if self.transport is None:
            raise EngineError(f"Engine {self.name!r} names no transport.")
        transport = entry_point_of(self.transport, "the transport")
        processes = NodeProcesses(NodeConsole(plan.spec, plan.folder / LOGS))
        code = os.pathsep.join(author_path(plan.spec))
        environment = {
            **without_secrets(os.environ),
            "PYTHONPATH": code,
            "PYTHONUNBUFFERED": "1",
        }
        # The folder that the launch is in is on the path where it is on this one's.
        start = ["-P", "-m", _PROCESS]
        if sys.version_info < (3, 11):
            start = ["-c", _WITHOUT_FOLDER]
        command = [sys.executable, *start]
        try:
            for node in nodes:
                own = started_environment(node, self.name, transport)
                own = {**home.environment(node), **own}
                processes.start(node, command, {**environment, **own})
        except BaseException:
            processes.end()
            raise
        return processes

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        """List every reason why a system cannot run here, or may surprise."""
        issues = self._issues(as_spec(system), default_build_dir(self.name))
        return not errors_in(issues), list(issues)

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path:
        """Write what the runtime needs, and return the main file.

        Raises:
            CapabilityError: A node asks to be started again after a failure.
            EngineError: A launch works in the folder.
            GraphError: There are errors; nothing was written.
        """
        spec = as_spec(system)
        folder = Path(build_dir or default_build_dir(self.name))
        refuse_errors(self.name, spec.name, self._issues(spec, folder))
        with folder_lock(real_folder(folder), "lk compile"):
            return self.write(spec, folder)

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        *,
        stop: StopSignal | None = None,
        **options: Any,
    ) -> RunReport:
        """Run a system to its end, and leave no process behind.

        Args:
            system: What to run.
            config_path: What `compile` returned; compiled now when omitted.
            stop: Asks the run to end.
            **options: Those of every launch, and this engine's own.

        Raises:
            ComponentError: A component raised; it carries the report.
            EngineError: The processes cannot be started, or what runs them ended; or
                another launch works in the build folder.
            EngineOptionError: There is no such option.
            GraphError: The system is unsound.
            HostLostError: The process of a node ended, or was silent.
            LaunchTimeoutError: `timeout_s` passed; it carries the report.
        """
        spec = as_spec(system)
        if unsound := errors_in(check(spec)):
            raise GraphError(unsound, spec.name)
        own = {name: options.pop(name) for name in self.options if name in options}
        asked = LaunchOptions.of(self.name, self.options, **options)
        asked = asked.in_ticks(spec.rate_hz)
        told = RunOptions.of(spec, asked, sys.argv)
        path = Path(config_path or self.compile(spec))
        plan = self.prepare(
            RunPlan.of(
                spec,
                options=told,
                engine_options=own,
                versions=versions_of(self.distributions),
                folder=path.parent,
                artefact=path,
            )
        )
        launcher = ProcessLauncher(
            plan=plan,
            engine=self.name,
            stop=stop or StopSignal(),
            heartbeat_s=asked.heartbeat_s,
            timeout_s=asked.timeout_s,
            progress=asked.progress,
            address=self.listens_on(plan),
        )
        nodes = [node.name for node in spec.nodes]

        def start(home: Home) -> ProcessGroup:
            with writing_into(plan.folder):
                return self.start(plan, nodes, home)

        folder = self.build_folder(path)
        with ExitStack() as stack:
            with writing_into(folder):
                stack.enter_context(folder_lock(folder, "a launch"))
            report = launcher.run(asked.iterations, start)
        return in_time(report, asked.timeout_s)

    def _issues(self, spec: SystemSpec, folder: Path) -> list[Issue]:
        """Return every issue of a system; of one that is unsound, the core's alone."""
        known = self._checked
        if known is None or known[0] is not spec or known[1] != folder:
            issues = errors_in(check(spec))
            if not issues:
                issues = [as_issue(x, self.name) for x in self.issues(spec, folder)]
            self._checked = known = (spec, folder, issues)
        return known[2]
