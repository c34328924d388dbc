"""What the processes of nodes print: in a file for each, and in the launch's terminal.

Log records come home by another way, and appear once: a line that begins with the mark
of the launch is part of one, and goes to the file only. The mark is random, so that no
line that a component prints is taken for one.
"""

from __future__ import annotations

import io
import logging
import os
import secrets
import sys
from collections import deque
from functools import partial
from math import inf
from pathlib import Path

from like_keras_core.graph.checks import by_node
from like_keras_core.runtime.control.log_forwarding import TAIL_LINES
from like_keras_core.runtime.os_resources.safe_files import fresh_folder
from like_keras_core.runtime.supervision.output_thread import (
    OutputThread,
    write_to,
)
from like_keras_core.spec import SystemSpec

LOG_MARK = "LK_LOG_MARK"
"""The variable that says how lines of log records are marked in what is printed."""


class LogFile:
    """A file of lines; one that cannot be written is warned of once.

    Args:
        path: The file; what is there is replaced.
        output: Warns.
        limit: How large it may grow [byte]; what comes then is left out.
    """

    def __init__(self, path: Path, output: OutputThread, limit: float = inf) -> None:
        self._path, self._output = path, output
        self._left = limit
        # Without a buffer: what could not be written is not tried once more at the end.
        self._file: io.FileIO = path.open("wb", buffering=0)

    def write(self, line: str) -> None:
        """Write a line, if it can be written and there are not too many."""
        data = f"{line}\n".encode(errors="replace")
        if self._left <= 0:
            return
        self._left -= len(data)
        if self._left <= 0:
            data += b"What came then is left out.\n"
        try:
            self._file.write(data)
        except OSError as error:
            what = f"The log file {str(self._path)!r} cannot be written; lines are lost"
            self._output.warn(what, error.strerror)

    def close(self) -> None:
        """Write no more."""
        self._file.close()


class NodeConsole:
    """Takes in lines that the processes of a system's nodes print.

    Nothing that is shown or written here makes the caller wait, or fail.

    Args:
        spec: The system.
        folder: Where the files go; what is there is removed.

    Attributes:
        mark: What stands before lines of log records.
    """

    def __init__(self, spec: SystemSpec, folder: Path) -> None:
        # The prefix keeps a YAML reader from taking it for a number.
        self._word = f"m-{secrets.token_hex(8)}"
        self.mark = _mark(self._word)
        self._titles = {node.name: node.name for node in spec.nodes}
        for node, components in by_node(spec).items():
            self._titles[node] = _title(node, [item.name for item in components])
        self._tails: dict[str, deque[str]] = {
            node: deque(maxlen=TAIL_LINES) for node in self._titles
        }
        self.folder = folder
        fresh_folder(folder)
        self.output = OutputThread(self._dropped)
        self._files = {node: self.file(f"{node}.log") for node in self._titles}

    def file(self, name: str, limit: float = inf) -> LogFile:
        """Return a file of the folder, which is written from now on.

        Args:
            name: Its name.
            limit: How large it may grow [byte].
        """
        return LogFile(self.folder / name, self.output, limit)

    def _dropped(self, count: int) -> str:
        return (
            f"{count} lines of the nodes were not shown, since nothing took them from "
            f"stdout. All are in {str(self.folder)!r}."
        )

    def environment(self) -> dict[str, str]:
        """Return what the processes must have to mark their log records."""
        return {LOG_MARK: self._word}

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
        is_logged = text.startswith(self.mark)
        text = text.removeprefix(self.mark)
        self._tails[node].append(text)
        self._files[node].write(f"{stamp} {text}")
        if not is_logged:
            self.show(f"[{self._titles[node]}] {text}")

    def show(self, line: str, *, is_error: bool = False) -> None:
        """Show a line in the terminal, soon, or drop it where it cannot be shown.

        Args:
            line: The line.
            is_error: Whether it goes to stderr, and not to stdout.
        """
        self.output.put(partial(self._write, f"{line}\n", is_error), len(line))

    def _write(self, line: str, is_error: bool) -> None:
        try:
            write_to(sys.stderr if is_error else sys.stdout, line)
        except (OSError, ValueError) as error:
            what = f"What nodes print cannot be shown; it is in {str(self.folder)!r}"
            self.output.warn(what, error)

    def close(self) -> None:
        """Write no more."""
        self.output.close()
        for file in self._files.values():
            file.close()


def to_stderr(*, is_marked: bool) -> logging.Handler:
    """Return what prints log records, for the process of a node.

    Args:
        is_marked: Whether the lines are for a launching process, which has the
            records already.
    """
    handler = logging.StreamHandler()
    word = os.environ.get(LOG_MARK)
    mark = _mark(word) if is_marked and word else ""
    form = logging.Formatter("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(_Marked(form, mark))
    return handler


def _mark(word: str) -> str:
    return f"\x1e{word} "


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
