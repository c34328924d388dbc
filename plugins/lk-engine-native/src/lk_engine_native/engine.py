"""Runs every component of a system in this process, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from like_keras_core.engine import Engine
from like_keras_core.engine_kit import StopSignal, run_in_process
from like_keras_core.report import RunReport
from like_keras_core.spec import HasSpec, SystemSpec, as_spec


class NativeEngine(Engine):
    """Runs a system in this process: sequential and deterministic.

    Nodes mean nothing here: all their components share the process. There is nothing
    to compile.
    """

    name = "native"
    capabilities = frozenset(
        {"delay", "hold", "latest", "every", "takes", "rate", "late", "record"}
    )

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        """Accept every sound system: Python is all that is needed."""
        as_spec(system)
        return True, []

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> None:
        """Write nothing: the schedule is generated at launch."""
        as_spec(system)

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        *,
        stop: StopSignal | None = None,
        **options: Any,
    ) -> RunReport:
        """Run a system here until its end.

        Options that are about several processes are accepted and not used, so that
        one call fits every engine.

        Args:
            system: What to run.
            config_path: Not used.
            stop: Asks the run to end.
            **options: Those of every launch; this engine has none of its own.

        Raises:
            EngineOptionError: There is no such option.
            ComponentError: A component raised.
            LaunchTimeoutError: `timeout_s` passed.
        """
        return run_in_process(system, self.name, stop=stop, **options)
