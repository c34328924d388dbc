"""Checks a system against ROS 2, compiles it to a colcon workspace, and runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from like_keras_core.engine import Engine
from like_keras_core.engine_kit.option_checks import refuse_errors
from like_keras_core.engine_kit.python_path import author_path, unfound_issues
from like_keras_core.errors import EngineError
from like_keras_core.graph.checks import check
from like_keras_core.issue import Issue, errors_in
from like_keras_core.node import is_local
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.stop import StopSignal, in_time
from like_keras_core.runtime.supervision.launcher import ProcessLauncher
from like_keras_core.spec import HasSpec, SystemSpec, as_spec, default_build_dir
from like_keras_core.tap import Tap
from lk_engine_ros2_stub.checks import issues_of
from lk_engine_ros2_stub.colcon_package import files_of
from lk_engine_ros2_stub.ros_names import Naming
from lk_engine_ros2_stub.versions import versions

WRITTEN = "compiled.json"
"""What the last compile wrote: what is not written again goes."""

OWN_OPTIONS = ("launcher", "local")
"""What `launch` takes beside the keywords of every engine."""


class Ros2Engine(Engine):
    """Runs a system as ROS 2 nodes, a process per node, and compiles it for colcon."""

    name = "ros2"
    capabilities = frozenset(
        {
            *("delay", "hold", "latest", "every", "rate", "record"),
            *("multi-process", "multi-machine", "foreign-nodes", "stand-alone"),
        }
    )

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        """List every reason why a system is no ROS 2 package, or may surprise there."""
        issues = _issues(as_spec(system))
        return not errors_in(issues), list(issues)

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path:
        """Write the workspace; return the launch file of the first node's machine.

        Raises:
            CapabilityError: A node asks to be started again after a failure.
            GraphError: There are errors; nothing was written.
        """
        spec = as_spec(system)
        refuse_errors(self.name, spec.name, _issues(spec))
        folder = Path(build_dir or default_build_dir(self.name))
        _write(folder, files_of(spec))
        naming = Naming(spec)
        file = naming.launch_file(next(iter(naming.machines())))
        return folder / "src" / naming.package / "launch" / file

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        *,
        iterations: int | None = None,
        rate_hz: float | None = None,
        record: Sequence[str] | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        timeout_s: float | None = None,
        seed: int = 0,
        window: int | None = None,
        run_ahead: int = 256,
        heartbeat_s: float = 3.0,
        stop: StopSignal | None = None,
        progress: Callable[[int], object] | None = None,
        launcher: str | None = None,
        local: bool = False,
        **options: Any,
    ) -> RunReport:
        """Run a system as ROS 2 nodes until its end.

        Args:
            system: What to run.
            config_path: What `compile` returned; compiled now when omitted.
            iterations: How many ticks; None until stopped.
            rate_hz: Ticks per second; the system's own when omitted.
            record: Addresses of output ports, or `"all"`.
            taps: What to call after emissions.
            check_values: Find components that change what they receive.
            timeout_s: Stop after this time [s].
            seed: Seeds every component's `rng`.
            window: Values in flight on a channel.
            run_ahead: Ticks that a process may be ahead.
            heartbeat_s: How long a process may be silent [s].
            stop: Asks the run to end.
            progress: Called with the number of ticks done, now and then.
            launcher: What starts the processes: `"ros2"` is ROS's command, `"rclpy"`
                needs none; ROS's command when omitted, if it is on PATH.
            local: Run every node here, whatever machine it names.
            **options: Refused.

        Raises:
            ComponentError: A component raised.
            EngineError: The system needs several machines, or ROS is missing.
            EngineOptionError: There is no such option.
            HostLostError: The process of a node ended, or was silent.
            LaunchTimeoutError: `timeout_s` passed.
        """
        from lk_engine_ros2_stub.launch import LAUNCHERS, Launch

        spec = as_spec(system)
        told = RunOptions.of_launch(
            spec,
            rate_hz=rate_hz,
            record=record,
            taps=taps,
            check_values=check_values,
            seed=seed,
            window=window,
            run_ahead=run_ahead,
            engine=self.name,
            own=OWN_OPTIONS,
            **options,
        )
        if launcher not in (None, *LAUNCHERS):
            raise ValueError(
                f"launcher is one of {', '.join(map(repr, LAUNCHERS))}, or None; got "
                f"{launcher!r}."
            )
        if not local:
            _refuse_machines(spec)
        nodes = {node.name for node in spec.nodes}
        unfound = unfound_issues(spec, nodes, author_path(spec))
        refuse_errors(self.name, spec.name, list(unfound))
        conduct = ProcessLauncher(
            spec=spec,
            engine=self.name,
            options=told,
            stop=stop or StopSignal(),
            heartbeat_s=heartbeat_s,
            timeout_s=timeout_s,
            progress=progress,
            versions=versions(),
        )
        path = Path(config_path or self.compile(spec))
        launch = Launch(conduct=conduct, path=path, launcher=launcher)
        return in_time(launch.run(iterations), timeout_s)


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


def _issues(spec: SystemSpec) -> list[Issue]:
    unsound = errors_in(check(spec))
    return unsound or issues_of(spec)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder, and remove what the last compile wrote beside."""
    for path in _written(folder):
        if path not in files:
            (folder / path).unlink(missing_ok=True)
            _prune(folder, PurePosixPath(path).parent)
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="\n")
    listed = json.dumps(sorted(files), indent=2)
    (folder / WRITTEN).write_text(listed + "\n", encoding="utf-8", newline="\n")


def _written(folder: Path) -> list[str]:
    try:
        listed = json.loads((folder / WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(listed, list):
        return []
    return [
        path
        for path in listed
        if isinstance(path, str)
        and path.startswith("src/")
        and ".." not in PurePosixPath(path).parts
    ]


def _prune(folder: Path, below: PurePosixPath) -> None:
    """Remove folders that have become empty."""
    while below.parts:
        try:
            (folder / below).rmdir()
        except OSError:
            return
        below = below.parent
