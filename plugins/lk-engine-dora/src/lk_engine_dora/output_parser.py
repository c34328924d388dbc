"""What dora prints of a run: lines of the nodes, and how each of them ended.

Each line goes to the node's file of logs, and what a component printed to the terminal
of the launch. Log records arrive over the control channel, and appear once.
"""

from __future__ import annotations

import json
import re
from collections import deque
from datetime import datetime, timezone
from pathlib import Path

from like_keras_core.engine_kit import NodeConsole, exit_text
from like_keras_core.spec import SystemSpec
from lk_engine_dora.edges import host_id
from lk_engine_dora.external_nodes import foreign_nodes

UNSTARTED = "it could not be started"

_TAIL_LINES = 20
_LOG_BYTES = 50_000_000
"""What dora itself may say in a run; where it goes wrong it may go on for ever."""

_ATTACHED = re.compile(
    r"\d\d:\d\d:\d\d (\w+) +(\S+) on (?:default daemon|daemon `[^`]*`): ?(.*)"
)
_STARTED = re.compile(r"dataflow start(?:ed| triggered): (\S+)")
_FINISHED = "coordinator dataflow finished"
_END = re.compile(
    r"daemon (?:\S+ finished successfully|exited (?:with code (\d+)|because of signal "
    r"(\w+)))"
)
_STOP = re.compile(r"handling node stop with exit status (\w+)(?:\((-?\d+)\))?")
_FAILED = re.compile(r"Node `([^`]+)` failed: (.*)")
_MISSING = re.compile(r".*Could not find source path `(.+)`")
_NO_FILES = re.compile(
    "failed to accept new connection|Too many open files|os error 24"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Output:
    """Takes in what `dora run` prints as JSON, or `dora start --attach` as text.

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
        self.is_finished = False
        """Whether the coordinator has reported that no process is left."""
        self.lacks_files = False
        """Whether dora could not open a file or a connection, for it has too many."""
        self.own: deque[str] = deque(maxlen=_TAIL_LINES)
        self._nodes = {node.name for node in spec.nodes}
        foreign = foreign_nodes(spec)
        self._hosts = {host_id(node, foreign): node for node in self._nodes}
        self._said = NodeConsole(spec, folder)
        self._file = self._said.file("dora.out", _LOG_BYTES)

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a node printed or logged."""
        return self._said.tail(node)

    def take(self, line: str) -> None:
        """Take in a line."""
        try:
            said = json.loads(line) if line.startswith("{") else None
        except ValueError:
            said = None
        if not isinstance(said, dict) or "message" not in said:
            self._take_text(line)
            return
        self.dataflow_id = said.get("dataflow_id") or self.dataflow_id
        name, text = said.get("node_id") or "", str(said["message"])
        node = self._hosts.get(name, name)
        if node in self._nodes and said.get("target") is None:
            self._said.take(node, text, (said.get("timestamp") or "")[11:23])
            return
        self._dora_says(f"{said.get('level')} {name or 'dora'}: {text}")
        if node in self._nodes:
            self._look(node, text, is_ours=name in self._hosts)

    def _take_text(self, line: str) -> None:
        """Take in a line of a run that is elsewhere."""
        match = _ATTACHED.match(line)
        if match is None:
            if started := _STARTED.match(line):
                self.dataflow_id = started[1]
            self._dora_says(line)
            return
        level, name, text = match.groups()
        node = self._hosts.get(name, name)
        if level == "stdout" and node in self._nodes:
            stamp = datetime.now(timezone.utc).isoformat()
            self._said.take(node, text, stamp[11:23])
            return
        self._dora_says(f"{level} {name}: {text}")
        self.is_finished = self.is_finished or text == _FINISHED
        # One that failed since another did is not the one to name.
        is_cause = "This error occurred because node" not in text
        if node in self._nodes and is_cause and (end := _END.match(text)):
            ended = self.ended if name in self._hosts else self.theirs
            ended[node] = _how_text(end)

    def _dora_says(self, line: str) -> None:
        text = _COLOUR.sub("", line).rstrip()
        if _NO_FILES.search(text):
            if self.lacks_files:
                return  # It says so for ever, as fast as it can.
            self.lacks_files = True
        self._file.write(text)
        if text:
            self.own.append(text)
        if match := _FAILED.match(text):
            self.failed[match[1]] = match[2]
        elif match := _MISSING.match(text):
            self.missing = match[1]

    def _look(self, node: str, text: str, *, is_ours: bool) -> None:
        """See whether a node has ended."""
        if match := _STOP.match(text):
            ended = self.ended if is_ours else self.theirs
            ended[node] = _how(match[1], match[2])
        elif text.startswith("node exited before initializing"):
            self.ended.setdefault(node, UNSTARTED)

    def close(self) -> None:
        """Write no more."""
        self._said.close()
        self._file.close()


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
