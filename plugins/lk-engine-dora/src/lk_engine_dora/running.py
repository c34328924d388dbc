"""A launch on this machine: `dora run`, and the control channel to every process."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from like_keras_core.errors import ComponentError, HostLostError
from like_keras_core.report import RunReport
from like_keras_core.runtime.conductor import Conductor
from like_keras_core.runtime.control import Switchboard
from like_keras_core.runtime.process import launched_environment
from like_keras_core.runtime.run_options import RunOptions
from like_keras_core.runtime.stop import (
    StopSignal,
    stop_on_interrupt,
    stop_on_terminate,
    time_limit,
)
from like_keras_core.spec import SystemSpec
from lk_engine_dora.dataflow import Data, to_dataflow
from lk_engine_dora.document import to_text
from lk_engine_dora.foreign import foreign_nodes
from lk_engine_dora.launcher import DoraRun
from lk_engine_dora.leftovers import free_memory
from lk_engine_dora.output import Output, exit_text
from lk_engine_dora.places import Places
from lk_engine_dora.pools import raise_pools
from lk_engine_dora.versions import versions

_WELL = {exit_text(code) for code in (0, -signal.SIGKILL, -signal.SIGTERM)}
LAUNCH = "launch.yaml"
LOGS = "logs"
_HEAD = "# A launch has written this for itself. To run it by hand: dataflow.yaml.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A run on this machine.

    Args:
        spec: The system.
        system: Where it lies, beside the dataflow.
        options: What every process is told.
        stop: Asks the run to end.
        heartbeat_s: How long a process may be silent [s].
        timeout_s: Stop after this time [s].
        progress: Called with the number of ticks done, now and then.
    """

    spec: SystemSpec
    system: Path
    options: RunOptions
    stop: StopSignal
    heartbeat_s: float
    timeout_s: float | None
    progress: Callable[[int], object] | None

    def dataflow(self) -> Data:
        """Return the dataflow of this launch."""
        dataflow = to_dataflow(
            self.spec,
            Places.here(self.spec, self.system),
            window=self.options.window,
            run_ahead=self.options.run_ahead,
            is_local_run=True,
        )
        raise_pools(self.spec, dataflow["nodes"], free_memory())
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
        path = self.system.with_name(LAUNCH)
        path.write_text(_HEAD + to_text(self.spec, dataflow), encoding="utf-8")
        paths = {item["id"]: item["path"] for item in dataflow["nodes"]}
        token = f"t-{secrets.token_hex(16)}"
        output = Output(self.spec, path.with_name(LOGS))
        board = Switchboard(token, self.heartbeat_s)
        try:
            environment = launched_environment(board.address, token)
            # Files that a component names lie where they do on other engines.
            environment["LK_WORKING_DIR"] = os.getcwd()
            with (
                stop_on_interrupt(self.stop),
                stop_on_terminate(self.stop),
                time_limit(self.stop, self.timeout_s),
            ):
                dora = DoraRun(path, output, environment, paths)
                return self._conduct(board, dora, iterations)
        finally:
            board.close()
            output.close()

    def _conduct(
        self, board: Switchboard, dora: DoraRun, iterations: int | None
    ) -> RunReport:
        from lk_engine_dora.arrow import register_arrays

        register_arrays()
        conductor = Conductor(
            self.spec,
            board,
            engine="dora",
            stop=self.stop,
            options=self.options,
            lost=dora.lost,
            progress=self.progress,
            versions=versions(),
        )
        try:
            report = conductor.run(iterations)
        except HostLostError as error:
            dora.check()
            log = dora.output.tail(error.node) or error.log
            raise HostLostError(
                error.node, error.how, error.machine, error.tick, log
            ) from None
        finally:
            dora.end()
        self._check_theirs(dora.output, report)
        return report

    def _check_theirs(self, output: Output, report: RunReport) -> None:
        """See how nodes that are not ours have ended, after the last tick.

        Raises:
            ComponentError: One has failed.
        """
        for node, how in output.theirs.items():
            # Those that did not end by themselves were killed.
            if how in _WELL:
                continue
            name = foreign_nodes(self.spec)[node].name
            text = f"the dora node {node!r} has failed: {how}"
            log = "\n".join(output.tail(node))
            raise ComponentError(name, node, "on_shutdown", None, text, log, report)
