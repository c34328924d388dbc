"""The processes of a launch, as whatever has started them knows of them."""

from __future__ import annotations

import errno
import shlex
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from like_keras_core.errors import EngineError
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.keys import own_environment
from like_keras_core.runtime.os_resources.file_limit import file_limit_text
from like_keras_core.runtime.supervision.child_process import ChildProcess
from like_keras_core.runtime.supervision.node_console import NodeConsole
from like_keras_core.runtime.supervision.os_sessions import end_sessions, exit_text

LEAVE_S = 5.0
"""How long components may take to shut down when the run is over [s]."""


class ProcessGroup(ABC):
    """The processes of some nodes: which of them have ended, and their end."""

    @abstractmethod
    def lost(self) -> Mapping[str, str]:
        """Return how processes of nodes have ended, by node, the first one first.

        Raises:
            EngineError: What runs the nodes has ended.
        """

    def ended(self, node: str) -> str:
        """Return how a process is said to have ended whose connection is lost.

        It is asked only then, so what a node may have printed itself will do.

        Args:
            node: Its node.

        Returns:
            The words of `lost`; empty if nothing is said.
        """
        return ""

    def check(self, node: str) -> str:
        """See whether what a node has met is the end of what runs the nodes.

        Returns:
            What is known better than what the node has met; empty if nothing is.

        Raises:
            EngineError: It is.
        """
        return ""

    def tail(self, node: str) -> Sequence[str]:
        """Return the last lines that a node printed or logged."""
        return ()

    def environment(self) -> Mapping[str, str]:
        """Return what the report says of the surroundings of the run."""
        return {}

    def finish(self, report: RunReport) -> RunReport:
        """See how what is not ours has ended, after a run without an error.

        Raises:
            ComponentError: A node of others has failed; it carries the report.
        """
        return report

    @abstractmethod
    def end(self, is_hurried: Callable[[], bool]) -> None:
        """Let every process shut down, and see to it that nothing is left.

        Args:
            is_hurried: Whether somebody who waits has lost patience.
        """


class NodeProcesses(ProcessGroup):
    """A process of this machine for each node, started by a command.

    Args:
        console: Takes what the nodes print.
    """

    def __init__(self, console: NodeConsole) -> None:
        self.console = console
        self.children: dict[str, ChildProcess] = {}
        self._lock = threading.Lock()

    def start(
        self, node: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        """Start the process of a node.

        Args:
            node: The node.
            command: Its command, in words.
            environment: All of its environment. Of the token of a run it gets no more
                than its own key.

        Raises:
            EngineError: It cannot be started.
        """
        try:
            self.children[node] = ChildProcess(
                command,
                partial(self.said, node),
                environment=own_environment(environment, node)
                | self.console.environment(),
            )
        except OSError as error:
            advice = file_limit_text() + " " if error.errno == errno.EMFILE else ""
            raise EngineError(
                f"The process of node {node!r} cannot be started: {error}. {advice}The "
                f"command was: {shlex.join(command)}"
            ) from None

    def said(self, node: str, line: str) -> None:
        """Take a line that a node printed; from any thread."""
        stamp = f"{datetime.now().astimezone():%H:%M:%S.%f}"[:-3]
        with self._lock:
            self.console.take(node, line, stamp)

    def lost(self) -> Mapping[str, str]:
        """Return how processes of nodes have ended."""
        found = {}
        for name, child in self.children.items():
            code = child.exit_code()
            if code is not None:
                child.read_out()
                found[name] = exit_text(code)
        return found

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a node printed or logged."""
        return self.console.tail(node)

    def end(self, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Let every process shut down, and kill what still lives of its session."""
        leaders = [child.pid for child in self.children.values()]
        try:
            end_sessions(leaders, LEAVE_S, self._terminate, is_hurried)
        finally:
            for child in self.children.values():
                child.close()
            self.console.close()

    def _terminate(self) -> None:
        """Tell those that still wait for others that none will come."""
        for child in self.children.values():
            child.signal(signal.SIGTERM)
