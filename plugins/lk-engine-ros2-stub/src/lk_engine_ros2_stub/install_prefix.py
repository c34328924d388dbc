"""An install folder for a launch: what `colcon build` would make, without building."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from like_keras_core.engine_kit import fresh_folder
from lk_engine_ros2_stub.ros_names import Naming

_SCRIPT = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys

from {package}.{module} import main

sys.exit(main())
"""
"""A shell finds the interpreter: what stands behind `#!` may not be long, nor have a
space in it."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The place where `ros2 launch` finds a compiled package, and we do.

    Args:
        naming: The names of the system.
        package: The folder of the compiled package, in the workspace.
        folder: The install folder.
    """

    naming: Naming
    package: Path
    folder: Path

    @classmethod
    def of_launch_file(cls, naming: Naming, path: Path) -> Prefix:
        """Return the prefix beside the workspace that has a launch file."""
        package = Path(os.path.abspath(path)).parents[1]
        return cls(naming, package, package.parents[1] / "launch")

    @property
    def params(self) -> Path:
        """The parameters of all nodes."""
        return self._share / "config" / "params.yaml"

    @property
    def _share(self) -> Path:
        return self.folder / "share" / self.naming.package

    def executable(self, node: str) -> Path:
        """Return what runs a node."""
        return self.folder / "lib" / self.naming.package / self.naming.node(node)

    def write(self) -> None:
        """Lay the package out again."""
        fresh_folder(self.folder)
        # It lies in the workspace, and has the package a second time.
        (self.folder / "COLCON_IGNORE").touch()
        for name in ("config", "launch"):
            shutil.copytree(self.package / name, self._share / name)
        shutil.copy(self.package / "package.xml", self._share)
        index = self.folder / "share" / "ament_index" / "resource_index" / "packages"
        index.mkdir(parents=True)
        (index / self.naming.package).touch()
        for node in self.naming.spec.nodes:
            path = self.executable(node.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = _SCRIPT.format(
                python=sys.executable,
                package=self.naming.package,
                module=self.naming.module(node.name),
            )
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)

    def environment(
        self, environ: Mapping[str, str], code: tuple[str, ...]
    ) -> dict[str, str]:
        """Return an environment in which the package is found.

        Args:
            environ: The environment that it begins with.
            code: The author's folders of code.
        """
        prefixes = [str(self.folder), environ.get("AMENT_PREFIX_PATH", "")]
        return {
            **environ,
            "AMENT_PREFIX_PATH": os.pathsep.join(filter(None, prefixes)),
            "PYTHONPATH": os.pathsep.join((str(self.package), *code)),
        }
