"""A launch: dora's command as a child, and the control channel to every process."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from like_keras_core.errors import ComponentError
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.environment import given_address
from like_keras_core.runtime.supervision.launcher import ProcessLauncher
from like_keras_core.runtime.supervision.os_sessions import exit_text
from lk_engine_dora.arrow_values import register_arrays
from lk_engine_dora.coordinator import Coordinator
from lk_engine_dora.dataflow import Data, to_dataflow
from lk_engine_dora.dora_run import DoraRun
from lk_engine_dora.dora_start import DoraStart
from lk_engine_dora.env_vars import escaped
from lk_engine_dora.foreign import foreign_nodes
from lk_engine_dora.local_paths import Places
from lk_engine_dora.memory_pools import raise_pools
from lk_engine_dora.orphan_reaper import SWEEPS
from lk_engine_dora.output_parser import Output
from lk_engine_dora.shm_cleanup import free_memory
from lk_engine_dora.yaml_writer import to_text

_WELL = {exit_text(code) for code in (0, -signal.SIGKILL, -signal.SIGTERM)}
LAUNCH = "launch.yaml"
LOGS = "logs"
_HEAD = "# A launch has written this for itself. To run it by hand: dataflow.yaml.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A run on this machine, or on the daemons of a coordinator.

    Args:
        conduct: What every engine's launch over processes does.
        system: Where the system lies, beside the dataflow.
        coordinator: Where the coordinator of several machines is.
    """

    conduct: ProcessLauncher
    system: Path
    coordinator: Coordinator | None = None

    def dataflow(self) -> Data:
        """Return the dataflow of this launch."""
        spec, options = self.conduct.spec, self.conduct.options
        dataflow = to_dataflow(
            spec,
            Places.here(spec, self.system),
            window=options.window,
            run_ahead=options.run_ahead,
            is_local_run=self.coordinator is None,
        )
        # How much shared memory there is elsewhere is not known here.
        here = [item for item in dataflow["nodes"] if "deploy" not in item]
        raise_pools(spec, here, free_memory())
        return dataflow

    def run(self, iterations: int | None) -> RunReport:
        """Run it, to its end or another one; nothing is left behind.

        Raises:
            ComponentError: A component raised; it carries the report.
            EngineError: dora did not start, or ended.
            HostLostError: A process ended, or was silent for too long.
            VersionMismatchError: The processes do not fit together.
        """
        dataflow = self.dataflow()
        conduct = replace(self.conduct, is_local=self.coordinator is None)
        if self.coordinator is not None:
            self.coordinator.check(conduct.spec)
            own = self.coordinator.own_address(conduct.spec)
            conduct = replace(conduct, address=given_address() or (own, 0))
        register_arrays()
        output = Output(conduct.spec, self.system.with_name(LOGS))

        def start(told: Mapping[str, str]) -> DoraRun | DoraStart:
            return self._start(dataflow, told, output)

        try:
            report = conduct.run(iterations, start)
        finally:
            output.close()
        self._check_theirs(output, report)
        return report

    def _start(
        self, dataflow: Data, told: Mapping[str, str], output: Output
    ) -> DoraRun | DoraStart:
        """Write the dataflow of this launch and start it."""
        spec, coordinator = self.conduct.spec, self.coordinator
        if coordinator is not None:
            # The daemons have an environment of their own.
            dataflow["env"] |= {**told, SWEEPS: "1"}
            for item in dataflow["nodes"]:
                env = item.get("env", {})
                if "deploy" not in item and "LK_NODE" in env:
                    item["env"] = {"LK_WORKING_DIR": escaped(os.getcwd()), **env}
        path = self.system.with_name(LAUNCH)
        path.unlink(missing_ok=True)
        mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, mode, 0o600), "w", encoding="utf-8") as file:
            file.write(_HEAD + to_text(spec, dataflow))
        paths = {item["id"]: item["path"] for item in dataflow["nodes"]}
        if coordinator is not None:
            return DoraStart(path, output, coordinator, spec, paths)
        # Files that a component names lie where they do on other engines.
        environment = {**told, "LK_WORKING_DIR": os.getcwd()}
        return DoraRun(path, output, environment, paths)

    def _check_theirs(self, output: Output, report: RunReport) -> None:
        """See how nodes that are not ours have ended, after the last tick.

        Raises:
            ComponentError: One has failed.
        """
        for node, how in output.theirs.items():
            # Those that did not end by themselves were killed.
            if how in _WELL:
                continue
            name = foreign_nodes(self.conduct.spec)[node].name
            text = f"the dora node {node!r} has failed: {how}"
            log = "\n".join(output.tail(node))
            raise ComponentError(name, node, "on_shutdown", None, text, log, report)
