"""A launch over processes: the control server, signals, limits, and the end.

What starts the processes is the engine's: it hands over a function that does so, and
gets back what the processes need to know.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf

from like_keras_core.errors import ComponentError, EngineError, HostLostError
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.environment import CONTROL, Home
from like_keras_core.runtime.control.keys import TOKEN, remove_keys
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.os_resources.file_limit import file_limit_text
from like_keras_core.runtime.stop import StopSignal, time_limit
from like_keras_core.runtime.stop_signals import signals_held, stop_on_signals
from like_keras_core.runtime.supervision.process_group import ProcessGroup
from like_keras_core.runtime.supervision.supervisor import Supervisor

_HURRY_S = 2.0
"""How long the processes may take to leave after a second signal [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLauncher:
    """A run over several processes, from this one.

    Args:
        plan: What runs.
        engine: The engine's name, for the report.
        stop: Asks the run to end.
        heartbeat_s: How long a process may be silent [s]; 0 is for ever.
        timeout_s: Stop after this time [s].
        progress: Called with the number of ticks done, now and then.
        address: Where the processes find this one; port 0 is any.
    """

    plan: RunPlan
    engine: str
    stop: StopSignal
    heartbeat_s: float = 3.0
    timeout_s: float | None = None
    progress: Callable[[int], object] | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)

    def run(
        self, iterations: int | None, start: Callable[[Home], ProcessGroup]
    ) -> RunReport:
        """Run it, to its end or another one; nothing is left behind.

        Args:
            iterations: How many ticks; None until stopped.
            start: Starts the processes, given where they find this one.

        Raises:
            ComponentError: A component raised; it carries the report.
            EngineError: This machine does not have the address.
            HostLostError: A process ended, or was silent for too long.
            VersionMismatchError: The processes do not fit together.
        """
        # The prefix keeps a YAML reader from taking the token for a number.
        token = os.environ.get(TOKEN) or f"t-{secrets.token_hex(16)}"
        try:
            server = ControlServer(token, self.heartbeat_s, *self.address)
        except OSError as error:
            host, port = self.address
            raise EngineError(
                f"Cannot listen at {host}:{port} for the nodes' processes: {error}. "
                f"{CONTROL} is HOST:PORT on this machine, where they reach it."
            ) from None
        try:
            with (
                stop_on_signals(self.stop),
                time_limit(self.stop, self.timeout_s),
            ):
                processes = start(Home(server.address, token))
                supervisor = self._supervisor(server, processes)
                leave_by = inf
                try:
                    report = self._conduct(supervisor, processes, iterations)
                except KeyboardInterrupt:
                    leave_by = time.monotonic() + _HURRY_S
                    raise
                finally:
                    leave_by = min(leave_by, supervisor.ends_by)
                    with signals_held() as has_come:
                        processes.end(lambda: has_come() or time.monotonic() > leave_by)
                return processes.finish(report)
        finally:
            server.close()
            remove_keys(self.plan.folder)

    def _supervisor(self, server: ControlServer, processes: ProcessGroup) -> Supervisor:
        def lost() -> Mapping[str, str]:
            if server.lacks_files:
                raise EngineError(
                    f"The nodes' processes cannot connect. {file_limit_text()}"
                )
            return processes.lost()

        return Supervisor(
            self.plan,
            server,
            engine=self.engine,
            stop=self.stop,
            lost=lost,
            ended=processes.ended,
            progress=self.progress,
        )

    def _conduct(
        self, supervisor: Supervisor, processes: ProcessGroup, iterations: int | None
    ) -> RunReport:
        environment = dict(processes.environment())
        try:
            report = supervisor.run(iterations)
        except HostLostError as error:
            how = processes.check(error.node) or error.how
            log = list(processes.tail(error.node)) or error.log
            lost = HostLostError(
                error.node, how, error.machine, error.tick, log, error.waited_for
            )
            lost.later = error.later
            if error.report is not None:
                lost.report = replace(error.report, environment=environment)
            raise lost from None
        except ComponentError as error:
            if error.report is not None:
                error.report = replace(error.report, environment=environment)
            raise
        return replace(report, environment=environment)
