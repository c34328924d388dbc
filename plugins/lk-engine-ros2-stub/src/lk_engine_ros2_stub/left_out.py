"""Values that no message carries: they are left out, which is said once."""

from __future__ import annotations

import logging


class LeftOut:
    """Counts what was not published; it never ends a run.

    Args:
        log: Where it is said: the log of the component.
        what: What is published, for the log.
    """

    def __init__(self, log: logging.Logger, what: str) -> None:
        self._log = log
        self._what = what
        self._count = 0

    def add(self, tick: int | None, error: TypeError) -> None:
        """Note a value that was not published, and why."""
        self._count += 1
        if self._count == 1:
            self._log.warning("Not published at tick %s: %s", tick, error)

    def close(self) -> None:
        """Say how many there were."""
        if self._count > 1:
            self._log.warning("%s was not published %d times.", self._what, self._count)
