"""The engine as a plug-in: its methods, its options, and what its import does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from like_keras_core.errors import EngineOptionError
from like_keras_core.plugins.engine_adapter import contract_problems
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.report import RunReport
from like_keras_core.testing.subprocess_env import environment_of, origin_of
from like_keras_core.testing.suite import Suite
from like_keras_core.testing.suites.basic import chain

NO_OPTION = "surely_no_option_of_any_engine"


class ContractSuite(Suite):
    """What the core relies on."""

    def test_its_methods_can_be_called_as_the_core_does(self) -> None:
        """Arguments may be added, with defaults; not renamed or removed."""
        assert contract_problems(get_engine(self.name)) == []

    def test_an_unknown_option_is_refused(self) -> None:
        """By name, before anything runs."""
        with pytest.raises(EngineOptionError, match=NO_OPTION):
            self.launch(chain(), 1, **{NO_OPTION: 1})

    def test_the_report_is_complete(self) -> None:
        """Every component and connection of the system, and the engine's name."""
        system = chain()

        report = self.launch(system, 5)

        spec = system.to_spec()
        assert isinstance(report, RunReport)
        assert (report.engine, report.system) == (self.name, spec.name)
        assert list(report.components) == [x.name for x in spec.components]
        assert set(report.connections) == {str(x) for x in spec.connections}
        assert report.duration_s >= 0
        assert self.name in str(report)
        json.dumps(report.to_dict())

    def test_its_import_has_no_side_effects(self, tmp_path: Path) -> None:
        """No output, no file, no thread, no process, no handler, no changed variable.

        `lk engines info --load` imports it, and so does every tool.
        """
        origin = origin_of(type(get_engine(self.name)))
        folder = tmp_path / "empty"
        folder.mkdir()

        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "like_keras_core.testing.import_side_effects",
                origin,
            ],
            cwd=folder,
            env=environment_of(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == []
        assert done.stderr == ""
        assert list(folder.iterdir()) == []
