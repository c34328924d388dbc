"""`dora start` as a child of the launching process: a run on the user's own daemons."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from like_keras_core.engine_kit import exit_text
from like_keras_core.errors import EngineError
from like_keras_core.spec import SystemSpec
from lk_engine_dora.coordinator import TOO_MANY, Coordinator
from lk_engine_dora.dataflow import machine_id
from lk_engine_dora.dora_command import LOOK_S, dora_child
from lk_engine_dora.dora_processes import DoraProcesses
from lk_engine_dora.output_parser import UNSTARTED, Output
from lk_engine_dora.shm_cleanup import remove_free, remove_logs, segments

_DEATH_S = 0.3
"""How long dora may take to say how a process ended whose connection is lost [s]."""

_LEAVE_S = 4.0
"""How long components may take to shut down when the run is over [s]."""

_UNSPAWNED = "failed to spawn node"
_NO_DAEMON = re.compile("no (matching daemon|unnamed daemon)")
_WAIT = "\nIt answers some twenty commands a minute from one machine: wait a minute."

_FORCE_S = 1.5
"""How long dora may take to end a dataflow by force [s]."""


class DoraStart(DoraProcesses):
    """Runs a dataflow on the daemons of a coordinator.

    Neither the coordinator nor a daemon is ever ended.

    Args:
        spec: The system.
        path: The dataflow.
        output: Takes in what is printed.
        coordinator: Where the coordinator is.
        paths: What each node runs.
    """

    def __init__(
        self,
        spec: SystemSpec,
        path: Path,
        output: Output,
        coordinator: Coordinator,
        paths: Mapping[str, str],
    ) -> None:
        super().__init__(spec, path, output)
        self._paths = paths
        self.coordinator = coordinator
        self._machines = {node.name: machine_id(node) for node in spec.nodes}
        self._name = f"lk-{spec.name}-{secrets.token_hex(4)}"
        self._gone: set[str] = set()
        self._segments = segments()
        words = ["start", path.name, "--attach", "--name", self._name]
        self._child = dora_child(
            [*words, *coordinator.words()], path.parent, output.take, {}
        )

    def lost(self) -> dict[str, str]:
        """Return how processes of nodes have ended, the first one first.

        Raises:
            EngineError: dora itself has ended.
        """
        ended = dict(self.output.ended)
        if self._child.exit_code() is None:
            return ended
        self._child.read_out()
        for node, why in self.output.failed.items():
            if node in self._machines and why.startswith(_UNSPAWNED):
                ended.setdefault(
                    node, f"{UNSTARTED}: {why}. It runs {self._paths[node]!r}"
                )
        if not ended:
            raise self._error()
        return ended

    def check(self, node: str) -> str:
        """See whether what a node has met is the end of its machine, or of dora.

        Returns:
            What is known better than what the node has met; empty if nothing is.

        Raises:
            EngineError: It is the coordinator's end.
        """
        self._gone.add(node)
        until = time.monotonic() + _DEATH_S
        while node not in self.lost() and time.monotonic() < until:
            time.sleep(LOOK_S)
        if node in self.output.ended:
            return ""
        try:
            there = self.coordinator.daemons()
        except EngineError:
            return ""
        machine = self._machines[node]
        if machine in there:
            return ""
        # Its nodes cannot be asked to leave, and are not waited for.
        self._gone.update(x for x, where in self._machines.items() if where == machine)
        name = "this machine" if machine is None else f"machine {machine!r}"
        return f"the dora daemon of {name} is gone"

    def _error(self) -> EngineError:
        """Return why the command has ended by itself."""
        code = self._child.exit_code() or 0
        said = "\n".join(f"  {line}" for line in self.output.own)
        why = self.coordinator.answers()
        if why is not None:
            return EngineError(
                f"The dora coordinator at {self.coordinator} was lost during the run: "
                f"{why}. The end of what dora said:\n{said}"
            )
        if _NO_DAEMON.search(said):
            try:
                self.coordinator.check_daemons(self.spec)
            except EngineError as error:
                return error
        advice = _WAIT if TOO_MANY in said else ""
        return EngineError(
            f"`dora start` ended before the run was over: {exit_text(code)}. The end "
            f"of what it said:\n{said}{advice}"
        )

    def end(self, is_hurried: Callable[[], bool]) -> None:
        """Let everybody shut down, and stop the dataflow where somebody does not.

        Args:
            is_hurried: Whether somebody who waits has lost patience.
        """
        try:
            self._wait(_LEAVE_S, is_hurried)
            if not self._is_over():
                words = ["stop", "--name", self._name, "--force"]
                self.coordinator.command(*words, timeout_s=_FORCE_S)
        finally:
            self._child.end()
            self.output.close()
            remove_free(segments() - self._segments)
            remove_logs(self.path, self.output.dataflow_id)

    def _is_over(self) -> bool:
        # The command itself looks only once a second.
        return self.output.is_finished or self._child.exit_code() is not None

    def _wait(self, seconds: float, is_hurried: Callable[[], bool]) -> None:
        """Wait until the dataflow has ended, as far as dora can still say."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not (self._is_over() or is_hurried()):
            left = self._machines.keys() - self.output.ended.keys() - self._gone
            if not left and self._gone:
                return
            time.sleep(LOOK_S)
