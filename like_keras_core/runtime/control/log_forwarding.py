"""What a process of a run logs appears where the run was launched, and is kept."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from like_keras_core.runtime.control.connection import ControlConnection

TAIL_LINES = 20
_COMPONENTS = "like_keras"
"""The logger above those of all components."""

_FORWARDED = "lk_node"
"""The attribute of records that have come from another process: its node."""

_FORMAT = logging.Formatter()


class _LineHandler(logging.Handler):
    """Sends log records over a control channel."""

    def __init__(self, line: ControlConnection) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record's text; its traceback is part of it."""
        if hasattr(record, _FORWARDED):
            return
        try:
            text = _FORMAT.format(record)
            extra = {
                "address": getattr(record, "address", None),
                "tick": getattr(record, "tick", None),
            }
            self._line.send("log", record.levelno, record.name, text, extra)
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)


@contextmanager
def sent_home(line: ControlConnection) -> Iterator[None]:
    """Send what this process logs to the launching process."""
    handler = _LineHandler(line)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


def set_level(level: int) -> None:
    """Let the components of this process log from a level on."""
    logging.getLogger(_COMPONENTS).setLevel(level)


def level() -> int:
    """Return the level from which components log in this process."""
    return logging.getLogger(_COMPONENTS).getEffectiveLevel()


class Tail:
    """The last lines that the process of a node logged.

    Args:
        node: The node.
        is_echoed: Whether to log them here once more.
    """

    def __init__(self, node: str, *, is_echoed: bool) -> None:
        self.node = node
        self.is_echoed = is_echoed
        self.lines: deque[str] = deque(maxlen=TAIL_LINES)

    def log(self, level: int, name: str, text: str, extra: Mapping[str, Any]) -> None:
        """Take in what the process logged.

        Args:
            level: The record's level.
            name: Its logger's name.
            text: Its text.
            extra: Its attributes `address` and `tick`.
        """
        self.lines += text.splitlines()
        logger = logging.getLogger(name)
        if self.is_echoed and logger.isEnabledFor(level):
            logger.log(level, "%s", text, extra={**extra, _FORWARDED: self.node})
