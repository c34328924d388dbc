"""A launch whose nodes are processes: the line to each, signals, limits, the end.

What starts the processes is the engine's: it hands over a function that does so, and
gets back what the processes need to know.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from like_keras_core.errors import EngineError, HostLostError
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.environment import CONTROL, launched_environment
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.stop import (
    StopSignal,
    interrupts_held,
    stop_on_interrupt,
    stop_on_terminate,
    time_limit,
)
from like_keras_core.runtime.supervision.supervisor import Supervisor
from like_keras_core.spec import SystemSpec


class ProcessGroup(Protocol):
    """The processes of a launch, as an engine has started them."""

    def lost(self) -> Mapping[str, str]:
        """Return how processes of nodes have ended, the first one first."""
        ...

    def check(self, node: str) -> str:
        """See whether what a node has met is the end of what runs the nodes.

        Returns:
            What is known better than what the node has met; empty if nothing is.

        Raises:
            EngineError: It is.
        """
        ...

    def tail(self, node: str) -> Sequence[str]:
        """Return the last lines that a node printed or logged."""
        ...

    def end(self, is_hurried: Callable[[], bool]) -> None:
        """Let everybody shut down, and see to it that nothing is left.

        Args:
            is_hurried: Whether somebody who waits has lost patience.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLauncher:
    """A run over several processes, from this one.

    Args:
        spec: The system.
        engine: The engine's name, for the report.
        options: What every process is told.
        stop: Asks the run to end.
        heartbeat_s: How long a process may be silent [s].
        timeout_s: Stop after this time [s].
        progress: Called with the number of ticks done, now and then.
        versions: Of the distributions that every process must have alike.
        address: Where the processes find this one; port 0 is any.
        is_local: Whether every process is here, whatever machine its node names.
    """

    spec: SystemSpec
    engine: str
    options: RunOptions
    stop: StopSignal
    heartbeat_s: float = 3.0
    timeout_s: float | None = None
    progress: Callable[[int], object] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    address: tuple[str, int] = ("127.0.0.1", 0)
    is_local: bool = False

    def run(
        self, iterations: int | None, start: Callable[[Mapping[str, str]], ProcessGroup]
    ) -> RunReport:
        """Run it, to its end or another one; nothing is left behind.

        Args:
            iterations: How many ticks; None until stopped.
            start: Starts the processes, given what their environment must have.

        Raises:
            ComponentError: A component raised; it carries the report.
            EngineError: This machine does not have the address.
            HostLostError: A process ended, or was silent for too long.
            VersionMismatchError: The processes do not fit together.
        """
        # A text that is surely none to those who take a number for one.
        token = f"t-{secrets.token_hex(16)}"
        try:
            board = ControlServer(token, self.heartbeat_s, *self.address)
        except OSError as error:
            host, port = self.address
            raise EngineError(
                f"Cannot listen at {host}:{port} for the nodes' processes: {error}. "
                f"{CONTROL} is HOST:PORT on this machine, where they reach it."
            ) from None
        try:
            with (
                stop_on_interrupt(self.stop),
                stop_on_terminate(self.stop),
                time_limit(self.stop, self.timeout_s),
            ):
                processes = start(launched_environment(board.address, token))
                try:
                    return self._conduct(board, processes, iterations)
                finally:
                    with interrupts_held() as is_hurried:
                        processes.end(is_hurried)
        finally:
            board.close()

    def _conduct(
        self, board: ControlServer, processes: ProcessGroup, iterations: int | None
    ) -> RunReport:
        conductor = Supervisor(
            self.spec,
            board,
            engine=self.engine,
            stop=self.stop,
            options=self.options,
            lost=processes.lost,
            progress=self.progress,
            versions=self.versions,
        )
        if self.is_local:
            conductor.machines = dict.fromkeys(conductor.machines, "local")
        try:
            return conductor.run(iterations)
        except HostLostError as error:
            how = processes.check(error.node) or error.how
            log = list(processes.tail(error.node)) or error.log
            raise HostLostError(
                error.node, how, error.machine, error.tick, log
            ) from None
