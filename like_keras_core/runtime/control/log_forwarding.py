"""Log records of a node's process, sent to the launcher, which logs and keeps them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from like_keras_core.runtime.control.connection import ProcessConnection
from like_keras_core.runtime.control.message import shortened
from like_keras_core.runtime.control.protocol import Log

TAIL_LINES = 20
_COMPONENTS = "like_keras"
"""The logger above those of all components."""

_FORWARDED = "lk_node"
"""The attribute of records that have come from another process: its node."""

_FORMAT = logging.Formatter()


class _ControlHandler(logging.Handler):
    """Sends log records over a control channel."""

    def __init__(self, connection: ProcessConnection) -> None:
        super().__init__()
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record's text; its traceback is part of it."""
        if hasattr(record, _FORWARDED):
            return
        try:
            self._connection.send(_as_message(record))
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)


def _as_message(record: logging.LogRecord) -> Log:
    # Other libraries' records may have attributes of these names with other meanings.
    address, tick = getattr(record, "address", None), getattr(record, "tick", None)
    return Log(
        record.levelno,
        record.name,
        shortened(_FORMAT.format(record)),
        address if isinstance(address, str) else None,
        tick if type(tick) is int else None,
    )


@contextmanager
def forwarding_logs(connection: ProcessConnection) -> Iterator[None]:
    """Send what this process logs to the launcher."""
    handler = _ControlHandler(connection)
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

    def keep(self, record: Log) -> None:
        """Keep what the process logged."""
        self.lines += record.text.splitlines()

    def echo(self, record: Log) -> None:
        """Log here what the process logged."""
        logger = logging.getLogger(record.logger)
        if self.is_echoed and logger.isEnabledFor(record.level):
            extra = {"address": record.address, "tick": record.tick}
            extra[_FORWARDED] = self.node
            logger.log(record.level, "%s", record.text, extra=extra)
