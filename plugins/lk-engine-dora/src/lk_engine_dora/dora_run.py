"""`dora run` as a child of the launching process, and what it takes to end it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from like_keras_core.engine_kit import exit_text, file_limit_text
from like_keras_core.errors import EngineError
from like_keras_core.spec import SystemSpec
from lk_engine_dora.dora_command import LOOK_S, dora_child
from lk_engine_dora.dora_processes import DoraProcesses
from lk_engine_dora.output_parser import UNSTARTED, RunOutput
from lk_engine_dora.shm_cleanup import remove_free, remove_logs, segments

_DEATH_S = 0.3
"""How long a process may take to be gone when its connections are [s]."""

_LEAVE_S = 5.0
"""How long components may take to shut down when the run is over [s]."""

_FILES, _FILES_PER_NODE = 32, 10
"""About so many file descriptors `dora run` needs, measured with 4 to 25 nodes."""


class DoraRun(DoraProcesses):
    """Runs a dataflow on this machine.

    Args:
        spec: The system.
        path: The dataflow.
        output: Takes in what is printed.
        environment: What the nodes' processes have beside this one's environment.
        paths: What each node runs.
    """

    def __init__(
        self,
        spec: SystemSpec,
        path: Path,
        output: RunOutput,
        environment: Mapping[str, str],
        paths: Mapping[str, str],
    ) -> None:
        super().__init__(spec, path, output)
        self._printed = output
        self._paths = paths
        self._segments = segments()
        words = ["run", path.name, "--log-format", "json"]
        self._child = dora_child(words, path.parent, output.take, environment)

    def lost(self) -> dict[str, str]:
        """Return how processes of nodes have ended, the first one first.

        Raises:
            EngineError: dora itself has ended, or has no file descriptors left.
        """
        if self._printed.lacks_files:
            raise EngineError(f"dora has no file descriptors left. {self._files()}")
        is_over = self._child.exit_code() is not None
        if is_over or UNSTARTED in self.output.ended.values():
            self._child.read_out()
        ended = {
            node: self._reason(node) if how == UNSTARTED else how
            for node, how in self.output.ended.items()
        }
        if is_over and not ended:
            for node, path in self._paths.items():
                if path == self.output.missing:
                    return {node: f"{UNSTARTED}: there is no {path!r}"}
            raise self._error()
        return ended

    def _reason(self, node: str) -> str:
        # dora says why when all others have ended too, which may take long.
        said = self.output.failed.get(node) or f"it runs {self._paths.get(node)!r}"
        return f"{UNSTARTED}: {said}{self._hint()}"

    def _hint(self) -> str:
        """Say that there may be too few file descriptors, if that may be."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            f"\ndora may lack file descriptors. {self._files()}"
            if limit < self._needed()
            else ""
        )

    def _needed(self) -> int:
        return _FILES + _FILES_PER_NODE * len(self._paths)

    def _files(self) -> str:
        return f"It needs about {self._needed()} of them. {file_limit_text()}"

    def check(self, node: str) -> str:
        """See whether what a node has met is the end of dora itself.

        Returns:
            What is known better than what the node has met; empty if nothing is.

        Raises:
            EngineError: It is.
        """
        until = time.monotonic() + _DEATH_S
        while not self.lost() and time.monotonic() < until:
            time.sleep(LOOK_S)
        return ""

    def _error(self) -> EngineError:
        code = self._child.exit_code() or 0
        said = "\n".join(f"  {line}" for line in self.output.own)
        return EngineError(
            f"`dora run` ended before the run was over: {exit_text(code)}. The end of "
            f"what it said:\n{said}{self._hint()}"
        )

    def end(self, is_hurried: Callable[[], bool]) -> None:
        """Let everybody shut down, and see to it that nothing is left.

        Returns when no process is left, and no memory.

        Args:
            is_hurried: Whether somebody who waits has lost patience.
        """
        try:
            self._child.end(_LEAVE_S, is_hurried)
        finally:
            self.output.close()
            remove_free(segments() - self._segments)
            remove_logs(self.path, self.output.dataflow_id)
