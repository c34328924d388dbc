"""A launch: dora's command as a child, and the control channel to every process."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from like_keras_core.errors import ComponentError, EngineError, HostLostError
from like_keras_core.report import RunReport
from like_keras_core.runtime.conductor import Conductor
from like_keras_core.runtime.control import Switchboard
from like_keras_core.runtime.process import (
    CONTROL,
    given_address,
    launched_environment,
)
from like_keras_core.runtime.run_options import RunOptions
from like_keras_core.runtime.stop import (
    StopSignal,
    stop_on_interrupt,
    stop_on_terminate,
    time_limit,
)
from like_keras_core.spec import SystemSpec
from lk_engine_dora.coordinator import Coordinator
from lk_engine_dora.dataflow import Data, to_dataflow
from lk_engine_dora.document import to_text
from lk_engine_dora.environment import escaped
from lk_engine_dora.foreign import foreign_nodes
from lk_engine_dora.launcher import DoraRun
from lk_engine_dora.leftovers import free_memory
from lk_engine_dora.output import Output, exit_text
from lk_engine_dora.places import Places
from lk_engine_dora.pools import raise_pools
from lk_engine_dora.start import DoraStart
from lk_engine_dora.sweeper import SWEEPS
from lk_engine_dora.versions import versions

_WELL = {exit_text(code) for code in (0, -signal.SIGKILL, -signal.SIGTERM)}
LAUNCH = "launch.yaml"
LOGS = "logs"
_HEAD = "# A launch has written this for itself. To run it by hand: dataflow.yaml.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A run on this machine, or on the daemons of a coordinator.

    Args:
        spec: The system.
        system: Where it lies, beside the dataflow.
        options: What every process is told.
        stop: Asks the run to end.
        heartbeat_s: How long a process may be silent [s].
        timeout_s: Stop after this time [s].
        progress: Called with the number of ticks done, now and then.
        coordinator: Where the coordinator of several machines is.
    """

    spec: SystemSpec
    system: Path
    options: RunOptions
    stop: StopSignal
    heartbeat_s: float
    timeout_s: float | None
    progress: Callable[[int], object] | None
    coordinator: Coordinator | None = None

    def dataflow(self) -> Data:
        """Return the dataflow of this launch."""
        dataflow = to_dataflow(
            self.spec,
            Places.here(self.spec, self.system),
            window=self.options.window,
            run_ahead=self.options.run_ahead,
            is_local_run=self.coordinator is None,
        )
        # How much shared memory there is elsewhere is not known here.
        here = [item for item in dataflow["nodes"] if "deploy" not in item]
        raise_pools(self.spec, here, free_memory())
        return dataflow

    def _environment(self, board: Switchboard, token: str) -> dict[str, str]:
        """Return what the processes have beside what the file says."""
        environment = launched_environment(board.address, token)
        if self.coordinator is None:
            # Files that a component names lie where they do on other engines.
            environment["LK_WORKING_DIR"] = os.getcwd()
        else:
            environment[SWEEPS] = "1"
        return environment

    def _start(
        self, path: Path, dataflow: Data, environment: dict[str, str], output: Output
    ) -> DoraRun | DoraStart:
        """Write the dataflow of this launch and start it."""
        if self.coordinator is not None:
            # The daemons have an environment of their own.
            dataflow["env"] |= environment
            for item in dataflow["nodes"]:
                env = item.get("env", {})
                if "deploy" not in item and "LK_NODE" in env:
                    item["env"] = {"LK_WORKING_DIR": escaped(os.getcwd()), **env}
        path.unlink(missing_ok=True)
        mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, mode, 0o600), "w", encoding="utf-8") as file:
            file.write(_HEAD + to_text(self.spec, dataflow))
        paths = {item["id"]: item["path"] for item in dataflow["nodes"]}
        if self.coordinator is not None:
            return DoraStart(path, output, self.coordinator, self.spec, paths)
        return DoraRun(path, output, environment, paths)

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
        token = f"t-{secrets.token_hex(16)}"
        address, port = "127.0.0.1", 0
        if self.coordinator is not None:
            self.coordinator.check(self.spec)
            own = self.coordinator.own_address(self.spec)
            address, port = given_address() or (own, 0)
        try:
            board = Switchboard(token, self.heartbeat_s, address, port)
        except OSError as error:
            raise EngineError(
                f"Cannot listen at {address}:{port} for the nodes' processes: {error}. "
                f"{CONTROL} is HOST:PORT on this machine, where they reach it; without "
                "it the address on the way to the coordinator is taken."
            ) from None
        output = Output(self.spec, path.with_name(LOGS))
        try:
            environment = self._environment(board, token)
            with (
                stop_on_interrupt(self.stop),
                stop_on_terminate(self.stop),
                time_limit(self.stop, self.timeout_s),
            ):
                dora = self._start(path, dataflow, environment, output)
                return self._conduct(board, dora, iterations)
        finally:
            board.close()
            output.close()

    def _conduct(
        self, board: Switchboard, dora: DoraRun | DoraStart, iterations: int | None
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
        if self.coordinator is None:
            conductor.machines = dict.fromkeys(conductor.machines, "local")
        try:
            report = conductor.run(iterations)
        except HostLostError as error:
            how = dora.check(error.node) or error.how
            log = dora.output.tail(error.node) or error.log
            raise HostLostError(
                error.node, how, error.machine, error.tick, log
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
