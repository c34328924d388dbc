"""What dora prints of a run: lines of the nodes, and how each of them ended.

Each line goes to the node's file of logs, and what a component printed to the terminal
of the launch. Log records arrive over the control channel, and appear once.

A node may print whatever it likes, also what dora itself would. dora takes a line for a
log record if it is one as JSON, and passes on its level, target, time and message, line
breaks included; only the node and the dataflow are dora's own word. So nothing in a
message is believed that is not seen to be true: see `RunOutput` and `StartOutput`.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from like_keras_core.engine_kit import NodeConsole, exit_text, is_alive
from like_keras_core.spec import SystemSpec
from lk_engine_dora.edges import host_id
from lk_engine_dora.external_nodes import foreign_nodes

UNSTARTED = "it could not be started"

_TAIL_LINES = 20
_LOG_BYTES = 50_000_000
"""What dora itself may say in a run; where it goes wrong it may go on for ever."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ATTACHED = re.compile(
    r"\d\d:\d\d:\d\d (\w+) +(\S+) on (?:default daemon|daemon `[^`]*`): ?(.*)"
    r"|\d\d:\d\d:\d\d (\w+) +([^\s:]+): ?(.*)"
)
_STARTED = re.compile(rf"dataflow start(?:ed| triggered): ({_UUID.pattern})")
_FINISHED = "coordinator dataflow finished"
_TIME = re.compile(r"[\dT-]{11}(\d\d:\d\d:\d\d\.\d{3})")

_STOP = re.compile(
    r"daemon handling node stop with exit status (\w+)(?:\((-?\d+)\))? \(restart: .*\)"
)
_END = re.compile(
    r"daemon (?:\S+ finished successfully|exited (?:with code (\d+)|because of signal "
    r"(\w+))(.*))"
)
_EXIT = re.compile(
    r"\S+ +ERROR node_failure: \S+ node exited with error: (\w+)\((-?\d+)\) "
    rf"node_id=(\S+) dataflow_id=({_UUID.pattern})"
)
_PID = re.compile(r"spawner spawned node with pid (\d+)")
_BEGINS = re.compile(
    r"daemon::spawner spawning node|spawner spawning `.*`|daemon node is ready"
)
_AFTERWARDS = re.compile(
    r"daemon marking `\S+` as cascading error caused by `\S+`"
    r"|daemon::pending (node exited before initializing dora connection)"
)
_DISCARDS = re.compile(
    r"dora_node_api::\S+ Discarding event for input `[\w./-]+` due to queue size limit"
)
_SUMMARY = "[ERROR]"
"""What stands before dora's own account of a run that failed, after the last node. It
quotes what nodes printed."""

_FAILED = re.compile(r"Node `([^`]+)` failed: (.*)")
_MISSING = re.compile(r".*Could not find source path `(.+)`")
_NO_FILES = re.compile(
    "failed to accept new connection|Too many open files|os error 24"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Output(ABC):
    """Takes in what a command of dora prints of a run.

    Args:
        spec: The system.
        folder: Where the logs go; what is there is removed.
    """

    def __init__(self, spec: SystemSpec, folder: Path) -> None:
        self.ended: dict[str, str] = {}
        self.theirs: dict[str, str] = {}
        """How nodes that are not ours have ended."""
        self.failed: dict[str, str] = {}
        self.missing = ""
        self.dataflow_id = ""
        """dora's name for the run, a UUID; empty if it is not known."""
        self.own: deque[str] = deque(maxlen=_TAIL_LINES)
        self._nodes = {node.name for node in spec.nodes}
        foreign = foreign_nodes(spec)
        self.ids = {node: host_id(node, foreign) for node in self._nodes}
        """What dora calls the process of each node."""
        self._hosts = {name: node for node, name in self.ids.items()}
        self.console = NodeConsole(spec, folder)
        self._file = self.console.file("dora.out", _LOG_BYTES)

    @abstractmethod
    def take(self, line: str) -> None:
        """Take in a line."""

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a node printed or logged."""
        return self.console.tail(node)

    def _node_of(self, name: str) -> str | None:
        """Return the node that dora calls so, if there is one."""
        node = self._hosts.get(name, name)
        return node if node in self._nodes else None

    def _prints(self, node: str, text: str, stamp: str = "", mark: str = "") -> None:
        """Take what a node has printed, each line of it."""
        time = _TIME.match(stamp) or _TIME.match(datetime.now(timezone.utc).isoformat())
        assert time is not None
        for line in text.split("\n"):
            self.console.take(node, mark + line, time[1])

    def _says(self, line: str) -> None:
        """Keep what dora says itself."""
        for text in _COLOUR.sub("", line).rstrip().split("\n"):
            self._file.write(text)
            if text:
                self.own.append(text)

    def _concludes(self, line: str) -> None:
        """Look for reasons in dora's own words; the first of each node counts."""
        if match := _FAILED.match(line):
            self.failed.setdefault(match[1], match[2])
        elif match := _MISSING.match(line):
            self.missing = self.missing or match[1]

    def _end(self, name: str, how: str) -> None:
        node = self._hosts.get(name, name)
        (self.ended if name in self._hosts else self.theirs)[node] = how

    def close(self) -> None:
        """Write no more."""
        self.console.close()
        self._file.close()


class RunOutput(Output):
    """What `dora run` prints: a JSON object of each record, and lines of its own.

    No node can print such a line, or the node's name in a record. An end counts once
    the process is gone that dora has named as the node's; how it ended, dora says in a
    line. Every other record of a node is what the node has printed.

    Args:
        spec: The system.
        folder: Where the logs go; what is there is removed.
        is_alive: Tells whether there is a process of that number.

    Attributes:
        lacks_files: Whether dora could not open a file or a connection, for it has too
            many.
    """

    def __init__(
        self,
        spec: SystemSpec,
        folder: Path,
        is_alive: Callable[[int], bool] = is_alive,
    ) -> None:
        super().__init__(spec, folder)
        self._is_alive = is_alive
        #: The process of each of dora's nodes, as dora has said before it could print.
        self._pids: dict[str, int] = {}
        #: How dora's nodes have failed, by dora's own lines.
        self._exits: dict[str, str] = {}
        #: What was said of the begin of each of dora's nodes; dora says it once.
        self._begun: set[tuple[str, str]] = set()
        self._is_summary = False
        self.lacks_files = False

    def take(self, line: str) -> None:
        """Take in a line."""
        try:
            record = json.loads(line) if line.startswith("{") else None
        except ValueError:
            record = None
        if isinstance(record, dict) and "message" in record:
            self._take_record(record)
            return
        text = _COLOUR.sub("", line)
        self._is_summary = self._is_summary or text.strip() == _SUMMARY
        match = None if self._is_summary else _EXIT.match(text)
        if match and match[4] == self.dataflow_id:
            self._exits[match[3]] = _how(match[1], match[2])
        if not self._is_summary and _NO_FILES.search(text):
            if self.lacks_files:
                return  # It says so for ever, as fast as it can.
            self.lacks_files = True
        self._says(line)
        self._concludes(text)

    def _take_record(self, record: dict[str, Any]) -> None:
        found = str(record.get("dataflow_id"))
        if not self.dataflow_id and _UUID.fullmatch(found):
            self.dataflow_id = found
        name, text = record.get("node_id") or "", str(record["message"])
        target, level = record.get("target"), record.get("level")
        stamp = str(record.get("timestamp"))
        node = self._node_of(name)
        if node is not None and target is None:
            self._prints(node, text, stamp)
        elif node is None or self._is_own(name, f"{target} {text}"):
            self._says(f"{level} {name or 'dora'}: {text}")
        else:
            self._prints(node, f"{level} {target}: {text}", stamp)

    def _is_own(self, name: str, text: str) -> bool:
        """Tell whether a record of a node is dora's own, and take what it says."""
        if _DISCARDS.fullmatch(text):
            return True
        pid = _PID.fullmatch(text)
        if pid or _BEGINS.fullmatch(text):
            key = (name, "pid" if pid else text)
            is_first = key not in self._begun
            self._begun.add(key)
            if pid and is_first:
                self._pids[name] = int(pid[1])
            return is_first
        stop, after = _STOP.fullmatch(text), _AFTERWARDS.fullmatch(text)
        if not (stop or after or _END.fullmatch(text)) or not self._is_gone(name):
            return False
        if stop:
            self._end(name, self._exits.get(name) or _how(stop[1], stop[2]))
        elif after and after[1] and name in self._hosts:
            self.ended.setdefault(self._hosts[name], UNSTARTED)
        return True

    def _is_gone(self, name: str) -> bool:
        pid = self._pids.get(name)
        return pid is None or not self._is_alive(pid)


class StartOutput(Output):
    """What `dora start --attach` prints: a line of each record, and lines of its own.

    A line break in what a node prints begins a line like any other, so every line may
    be a node's once one has started. Only the dataflow's name comes before. What is
    said of ends is a rumour: whoever acts on it asks the coordinator.

    Attributes:
        is_finished: Whether it says that no process is left; a rumour too.
    """

    def __init__(self, spec: SystemSpec, folder: Path) -> None:
        super().__init__(spec, folder)
        self.is_finished = False
        #: Whether a node may have started.
        self._is_begun = False
        #: The node whose record the next line may be a part of.
        self._open: str | None = None

    def take(self, line: str) -> None:
        """Take in a line."""
        match = _ATTACHED.match(line)
        if match is None:
            started = None if self._is_begun else _STARTED.fullmatch(line)
            if started and not self.dataflow_id:
                self.dataflow_id = started[1]
            if self._open is not None and line:
                self._prints(self._open, line)
            self._says(line)
            self._concludes(line)
            return
        self._is_begun = True
        level, name, text = [item for item in match.groups() if item is not None]
        self._open = node = self._node_of(name)
        if node is None:
            self._says(f"{level} {name}: {text}")
            self.is_finished = self.is_finished or text == _FINISHED
        elif level == "stdout":
            self._prints(node, text)
        elif self._is_own(name, text):
            self._says(f"{level} {name}: {text}")
            self._prints(node, f"{level} {text}", mark=self.console.mark)
        else:
            self._prints(node, f"{level} {text}")

    def _is_own(self, name: str, text: str) -> bool:
        """Tell whether a record of a node looks like dora's, and take what it says.

        It is kept beside what the node has printed, but not shown.
        """
        if end := _END.fullmatch(text):
            # One that failed since another did is not the one to name.
            if "This error occurred because node" not in (end[3] or ""):
                self._end(name, _how_text(end))
            return True
        patterns = (_BEGINS, _AFTERWARDS, _DISCARDS)
        return any(pattern.fullmatch(text) for pattern in patterns)


def _how(status: str, number: str | None) -> str:
    if status == "Success":
        return exit_text(0)
    if status == "ExitCode" and number is not None:
        return exit_text(int(number))
    if status == "Signal" and number is not None:
        return exit_text(-int(number))
    return f"it ended: {status}"


def _how_text(end: re.Match[str]) -> str:
    if end[2]:
        return f"it was killed by {end[2]}"
    return exit_text(int(end[1] or 0))
