"""Takes a real-time priority from a loop that does not get on.

A component that computes without end at such a priority keeps others from running:
those that would notice it, end the run and turn motors off. So a thread of a higher
priority looks on. Once the loop's next tick ends, it has its priority again.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from like_keras_core.runtime.os_resources.realtime_rights import (
    RealtimeRights,
    leave_core,
)

_LOOK_S = 0.25
"""How often to look [s]: the priority is gone after twice that time, at the latest."""

_BUSY = 0.5
"""What share of that time is spent computing by a thread that does not wait."""


class PriorityGuard:
    """Looks after the thread that makes it, until `close`.

    Args:
        rights: The rights of this thread.
    """

    def __init__(self, rights: RealtimeRights) -> None:
        self._rights = rights
        # Counts ticks, so that another thread sees that they end.
        self._beats = 0
        self._is_suspended = False
        self._is_over = threading.Event()
        self._clock = time.pthread_getcpuclockid(threading.get_ident())
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def beat(self) -> None:
        """Know that the loop gets on; in its thread."""
        self._beats += 1
        if self._is_suspended:
            self._is_suspended = False
            self._rights.resume()

    def _watch(self) -> None:
        leave_core()
        self._rights.outrank()
        with suppress(OSError):  # The thread that is looked after has ended.
            while not self._is_over.is_set():
                beats, used_s = self._beats, time.clock_gettime(self._clock)
                began = time.monotonic()
                self._is_over.wait(_LOOK_S)
                share = time.clock_gettime(self._clock) - used_s
                share /= time.monotonic() - began
                is_still = beats == self._beats and not self._is_suspended
                if is_still and share > _BUSY and not self._is_over.is_set():
                    self._is_suspended = True
                    self._rights.suspend()

    def close(self) -> None:
        """Look on no longer; from any thread."""
        self._is_over.set()
        self._thread.join()
