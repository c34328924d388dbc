"""Checks a system against ROS 2, and compiles it to a colcon workspace."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from like_keras_core.engine import Engine
from like_keras_core.errors import EngineError
from like_keras_core.issue import Issue, errors_in
from like_keras_core.refusals import refuse_errors
from like_keras_core.report import RunReport
from like_keras_core.spec import HasSpec, SystemSpec, as_spec, default_build_dir
from like_keras_core.topology import check
from lk_engine_ros2_stub.checks import issues_of
from lk_engine_ros2_stub.naming import Naming
from lk_engine_ros2_stub.package import files_of

WRITTEN = "compiled.json"
"""What the last compile wrote: what is not written again goes."""


class Ros2Engine(Engine):
    """Compiles a system to a ROS 2 package: a process per node, built by colcon."""

    name = "ros2"
    capabilities = frozenset(
        {
            *("delay", "hold", "latest", "every", "rate"),
            *("multi-process", "multi-machine", "stand-alone"),
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
        **options: Any,
    ) -> RunReport:
        """Refuse: this version starts no process.

        Raises:
            EngineError: Always; it says what to do instead.
        """
        naming = Naming(as_spec(system))
        file = naming.launch_file(next(iter(naming.machines())))
        folder = default_build_dir(self.name)
        if config_path is not None:
            folder = Path(config_path).parents[3]
        raise EngineError(
            "This version of lk-engine-ros2-stub compiles, but does not launch. Build "
            "what it compiled, and start it with ROS:\n"
            f"  cd {folder} && colcon build && source install/setup.bash\n"
            f"  ros2 launch {naming.package} {file}\n"
            'Or run it in this process: launch(engine="native").'
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
