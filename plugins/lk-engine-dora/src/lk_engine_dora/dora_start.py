"""`dora start` as a child of the launching process: a run on the user's own daemons."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from like_keras_core.engine_kit import exit_text
from like_keras_core.errors import EngineError
from like_keras_core.report import RunReport
from like_keras_core.spec import SystemSpec
from lk_engine_dora.coordinator import TOO_MANY, Coordinator
from lk_engine_dora.dataflow import machine_id
from lk_engine_dora.dora_command import LOOK_S, dora_child
from lk_engine_dora.dora_processes import DoraProcesses, is_well
from lk_engine_dora.output_parser import UNSTARTED, StartOutput
from lk_engine_dora.shm_cleanup import remove_free, remove_logs, segments

_DEATH_S = 0.3
"""How long dora may take to say how a process ended whose connection is lost [s]."""

_LEAVE_S = 4.0
"""How long components may take to shut down when the run is over [s]."""

_UNSPAWNED = "failed to spawn node"
_NO_DAEMON = re.compile("no (matching daemon|unnamed daemon)")
_WAIT = "\nIt answers some twenty commands a minute from one machine: wait a minute."

_ASK_S, _RARELY_S = 0.2, 6.0
"""How often the coordinator is asked at first, and at last, which nodes it has [s]."""

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
        output: StartOutput,
        coordinator: Coordinator,
        paths: Mapping[str, str],
    ) -> None:
        super().__init__(spec, path, output)
        self._said = output
        self._paths = paths
        self.coordinator = coordinator
        self._machines = {node.name: machine_id(node) for node in spec.nodes}
        self._name = f"lk-{spec.name}-{secrets.token_hex(4)}"
        self._gone: set[str] = set()
        #: The nodes that the coordinator does not have any more.
        self._ended: set[str] = set()
        #: When it may be asked again [s], and after how long the time after that.
        self._asks_at, self._pause_s = 0.0, _ASK_S
        #: Whether it was asked if the dataflow has ended, and has said so.
        self._is_asked = self._is_finished = False
        #: The command's exit code, if it has ended by itself.
        self._code: int | None = None
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
        is_over = self._child.exit_code() is not None
        if is_over:
            self._child.read_out()
        self._confirm(hurry=is_over)
        ended = {
            node: how for node, how in self.output.ended.items() if node in self._ended
        }
        if not is_over:
            return ended
        for node, why in self.output.failed.items():
            if node in self._machines and why.startswith(_UNSPAWNED):
                ended.setdefault(
                    node, f"{UNSTARTED}: {why}. It runs {self._paths[node]!r}"
                )
        if not ended:
            raise self._error()
        return ended

    def ended(self, node: str) -> str:
        """Return how a node is said to have ended whose connection is lost."""
        return self.output.ended.get(node, "")

    def _confirm(self, *, hurry: bool) -> None:
        """Ask the coordinator, if nodes are said to have ended; not too often."""
        now = time.monotonic()
        if self.output.ended.keys() <= self._ended:
            return
        if not hurry and now < self._asks_at:
            return
        self._asks_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, _RARELY_S)
        running = self.coordinator.running(self._name)
        if running is not None:
            ids = self.output.ids
            self._ended |= {x for x in self.output.ended if ids[x] not in running}

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

    def finish(self, report: RunReport) -> RunReport:
        """See how nodes that are not ours have ended, after the last tick.

        Raises:
            ComponentError: One has failed.
        """
        # dora's own exit code is no rumour.
        return report if self._code == 0 else super().finish(report)

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
            self._code = self._child.exit_code()
        finally:
            self._child.end()
            self.output.close()
            remove_free(segments() - self._segments)
            remove_logs(self.path, self.output.dataflow_id)

    def _is_over(self) -> bool:
        if self._child.exit_code() is not None:
            return True
        if any(not is_well(how) for how in self.output.theirs.values()):
            return False  # Only the command's own end says whether that is true.
        # The command itself looks only once a second.
        if self._said.is_finished and not self._is_asked:
            self._is_asked = True
            self._is_finished = self.coordinator.running(self._name) == set()
        return self._is_finished

    def _wait(self, seconds: float, is_hurried: Callable[[], bool]) -> None:
        """Wait until the dataflow has ended, as far as dora can still say."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not (self._is_over() or is_hurried()):
            left = self._machines.keys() - self.output.ended.keys() - self._gone
            if not left and self._gone:
                return
            time.sleep(LOOK_S)
