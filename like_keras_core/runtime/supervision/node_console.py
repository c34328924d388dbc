"""What the processes of nodes print: in a file for each, and in the launch's terminal.

Log records come home by another way, and appear once: a line that begins with `LOGGED`
is part of one, and goes to the file only.
"""

from __future__ import annotations

import logging
import shutil
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from like_keras_core.graph.checks import by_node
from like_keras_core.runtime.control.log_forwarding import TAIL_LINES
from like_keras_core.spec import SystemSpec

LOGGED = "\x1e"
"""Stands before lines of log records, in what a launched process prints."""


class NodeConsole:
    """Takes in lines that the processes of a system's nodes print.

    Args:
        spec: The system.
        folder: Where the files go; what is there is removed.
    """

    def __init__(self, spec: SystemSpec, folder: Path) -> None:
        self._titles = {node.name: node.name for node in spec.nodes}
        for node, components in by_node(spec).items():
            self._titles[node] = _title(node, [item.name for item in components])
        self._tails: dict[str, deque[str]] = {
            node: deque(maxlen=TAIL_LINES) for node in self._titles
        }
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._files: dict[str, TextIO] = {}
        for node in self._titles:
            path = folder / f"{node}.log"
            self._files[node] = path.open("w", encoding="utf-8", buffering=1)

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a node printed or logged."""
        return list(self._tails.get(node, ()))

    def take(self, node: str, text: str, stamp: str) -> None:
        """Take in a line of a node.

        Args:
            node: The node.
            text: The line.
            stamp: When it was printed, as it shall stand in the file.
        """
        is_logged = text.startswith(LOGGED)
        text = text.removeprefix(LOGGED)
        self._tails[node].append(text)
        self._files[node].write(f"{stamp} {text}\n")
        if not is_logged:
            # Who reads must go on: a full pipe would halt every process.
            with suppress(OSError, ValueError):
                sys.stdout.write(f"[{self._titles[node]}] {text}\n")
                sys.stdout.flush()

    def close(self) -> None:
        """Write no more."""
        for file in self._files.values():
            file.close()


def to_stderr(*, is_marked: bool) -> logging.Handler:
    """Return what prints log records, for the process of a node.

    Args:
        is_marked: Whether the lines are for a launching process, which has the
            records already.
    """
    handler = logging.StreamHandler()
    mark = LOGGED if is_marked else ""
    form = logging.Formatter("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Marked(form, mark))
    return handler


class _Marked(logging.Formatter):
    """Begins every line of a record with a mark."""

    def __init__(self, form: logging.Formatter, mark: str) -> None:
        super().__init__()
        self._form, self._mark = form, mark

    def format(self, record: logging.LogRecord) -> str:
        text = self._form.format(record)
        return "\n".join(self._mark + line for line in text.splitlines())


def _title(node: str, components: list[str]) -> str:
    """Return what stands before a node's lines: its component where it has just one."""
    if len(components) == 1 and components[0] != node:
        return f"{node}: {components[0]}"
    return node
