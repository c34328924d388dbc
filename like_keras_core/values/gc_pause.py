"""Automatic garbage collection, paused for as long as anybody wants it to be.

Blocks of several threads overlap: collection is automatic again after the last one, if
it was before the first.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class AutomaticCollection:
    """Whether this process collects garbage unasked, and who does not want it to."""

    def __init__(self) -> None:
        # Reentrant: a handler of a signal may lower a system, too.
        self._lock = threading.RLock()
        # How many want it paused, and whether it was automatic before the first.
        self._pauses = 0
        self._was_enabled = False

    def pause(self) -> None:
        """Let nothing be collected unasked until `resume` is called."""
        with self._lock:
            if not self._pauses:
                self._was_enabled = gc.isenabled()
            self._pauses += 1
            gc.disable()

    def resume(self) -> None:
        """End what one call of `pause` has begun."""
        with self._lock:
            self._pauses -= 1
            if not self._pauses and self._was_enabled:
                gc.enable()

    @property
    def is_wanted(self) -> bool:
        """Whether the program collects automatically, but for pauses from here."""
        with self._lock:
            is_enabled = self._was_enabled if self._pauses else gc.isenabled()
            return is_enabled and gc.get_threshold()[0] > 0


AUTOMATIC_COLLECTION = AutomaticCollection()
"""That of this process."""


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keep the collector from looking at what is being built again and again.

    Without this the time to lower and schedule a system grows faster than its size.
    """
    AUTOMATIC_COLLECTION.pause()
    try:
        yield
    finally:
        AUTOMATIC_COLLECTION.resume()
