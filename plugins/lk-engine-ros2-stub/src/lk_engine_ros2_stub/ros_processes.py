"""The processes of a launch: started by us or by `ros2 launch`, watched, and ended."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import IO

from like_keras_core.errors import EngineError
from like_keras_core.runtime.supervision.node_console import NodeConsole
from like_keras_core.runtime.supervision.os_sessions import (
    end_sessions,
    exit_code,
    exit_text,
    kill,
)
from like_keras_core.spec import NodeSpec
from lk_engine_ros2_stub.install_prefix import Prefix
from lk_engine_ros2_stub.ros_names import Naming
from lk_engine_ros2_stub.shm_cleanup import remove_free, segments

_LEAVE_S = 5.0
"""How long components may take to shut down when the run is over [s]."""

_LAST_WORDS_S = 2.0
"""How long the last of what a process printed may take to arrive [s]."""

LOG_LEVEL = "info"


def node_command(prefix: Prefix, node: NodeSpec) -> list[str]:
    """Return the command of a node's process: the one that `launch_ros` would run."""
    naming = prefix.naming
    command = shlex.split(node.options.get("prefix", ""))
    command += [str(prefix.executable(node.name))]
    command += ["--ros-args", "--log-level", LOG_LEVEL, "--ros-args"]
    command += ["-r", f"__node:={naming.node(node.name)}"]
    command += ["-r", f"__ns:={naming.namespace}"]
    return [*command, "--params-file", str(prefix.params)]


def ros2_launch_command(ros2: str, prefix: Prefix, machine: str) -> list[str]:
    """Return the command that starts all nodes of a machine through ROS."""
    file = prefix.naming.launch_file(machine)
    level = f"log_level:={LOG_LEVEL}"
    return [ros2, "launch", "--noninteractive", prefix.naming.package, file, level]


@dataclass
class _Child:
    """A process that we have started, and the thread that reads what it prints."""

    process: subprocess.Popen[bytes]
    reader: threading.Thread = field(init=False)

    def read(self, take: Callable[[str], object]) -> None:
        self.reader = threading.Thread(target=self._read, args=[take], daemon=True)
        self.reader.start()

    def _read(self, take: Callable[[str], object]) -> None:
        stream: IO[bytes] | None = self.process.stdout
        assert stream is not None
        for line in stream:
            take(line.decode(errors="replace").rstrip("\n"))

    @property
    def exit_code(self) -> int | None:
        return exit_code(self.process.pid)

    def close(self) -> None:
        """Take in the last that it printed, and forget it."""
        self.reader.join(_LAST_WORDS_S)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def _child(command: Sequence[str], env: Mapping[str, str]) -> _Child:
    # In a session of its own, a Ctrl-C in the terminal reaches this process only.
    return _Child(
        subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    )


class RosProcesses:
    """The processes of a launch.

    Args:
        naming: The names of the system.
        output: Takes in what the nodes print.
    """

    def __init__(self, naming: Naming, output: NodeConsole) -> None:
        self.naming = naming
        self.output = output
        self._lock = threading.Lock()
        self._children: dict[str, _Child] = {}
        self._segments = segments()

    def start(self, prefix: Prefix, env: Mapping[str, str]) -> None:
        """Start the process of each node.

        Raises:
            EngineError: One cannot be started.
        """
        for node in self.naming.spec.nodes:
            given = {**env, **node.options.get("env", {})}
            command = node_command(prefix, node)
            try:
                child = self._children[node.name] = _child(command, given)
            except OSError as error:
                raise EngineError(
                    f"The process of node {node.name!r} cannot be started: {error}. "
                    f"The command was: {shlex.join(command)}"
                ) from None
            child.read(partial(self._said, node.name))

    def _said(self, node: str, text: str) -> None:
        stamp = f"{datetime.now().astimezone():%H:%M:%S.%f}"[:-3]
        with self._lock:
            self.output.take(node, text, stamp)

    def lost(self) -> Mapping[str, str]:
        """Return how processes of nodes have ended."""
        found = {}
        for name, child in self._children.items():
            code = child.exit_code
            if code is not None:
                child.reader.join(_LAST_WORDS_S)
                found[name] = exit_text(code)
        return found

    def check(self, node: str) -> str:
        """Find nothing: nobody stands between this process and the nodes'."""
        return ""

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a node printed or logged."""
        return self.output.tail(node)

    def end(self, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Let everybody shut down, and see to it that nothing is left.

        Args:
            is_hurried: Whether somebody who waits has lost patience.
        """
        leaders = [child.process.pid for child in self._children.values()]
        try:
            end_sessions(leaders, _LEAVE_S, self._call_away, is_hurried)
        finally:
            for child in self._children.values():
                child.close()
            self.output.close()
            remove_free(self._segments)

    def _call_away(self) -> None:
        """Tell those who still wait for others that nobody comes."""
        for child in self._children.values():
            if child.exit_code is None:
                kill(child.process.pid, signal.SIGTERM)


_LINE = re.compile(r"\[(\w+)-(\d+)\] (.*)")
_DIED = re.compile(
    r"\[(?:ERROR|INFO)\] \[(\w+)-\d+\]: process has "
    r"(?:finished cleanly|died) \[pid \d+(?:, exit code (-?\d+))?"
)


class Ros2Launch(RosProcesses):
    """The processes of a launch that `ros2 launch` has started."""

    def __init__(self, naming: Naming, output: NodeConsole) -> None:
        super().__init__(naming, output)
        self._nodes = {naming.node(node.name): node.name for node in naming.spec.nodes}
        self._ended: dict[str, str] = {}
        self._own: list[str] = []

    def run(self, commands: Sequence[Sequence[str]], env: Mapping[str, str]) -> None:
        """Start `ros2 launch`, once for each of its commands."""
        for number, command in enumerate(commands):
            child = self._children[f"ros2 launch {number}"] = _child(command, env)
            child.read(self.take)

    def take(self, line: str) -> None:
        """Take in a line that `ros2 launch` prints."""
        if match := _LINE.match(line):
            node = self._nodes.get(match[1])
            if node is not None:
                self._said(node, match[3])
                return
        if match := _DIED.match(line):
            node = self._nodes.get(match[1])
            if node is not None:
                self._ended[node] = exit_text(int(match[2] or 0))
        self._own = [*self._own[-19:], line]
        sys.stderr.write(f"{line}\n")

    def lost(self) -> Mapping[str, str]:
        """Return how processes of nodes have ended.

        Raises:
            EngineError: `ros2 launch` itself has ended, and no node's process before.
        """
        self._refuse_end()
        return dict(self._ended)

    def check(self, node: str) -> str:
        """See whether what a node has met is the end of `ros2 launch`.

        Raises:
            EngineError: It is.
        """
        self._refuse_end()
        return ""

    def _refuse_end(self) -> None:
        for child in self._children.values():
            code = child.exit_code
            if code is None:
                continue
            child.reader.join(_LAST_WORDS_S)
            if not self._ended:
                said = "\n".join(f"  {line}" for line in self._own)
                raise EngineError(
                    "`ros2 launch` ended before the run was over: "
                    f"{exit_text(code)}. The end of what it said:\n{said}"
                )
