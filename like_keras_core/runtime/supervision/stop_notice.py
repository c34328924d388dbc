"""What somebody is told who has pressed Ctrl-C and waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from like_keras_core.runtime.stop import StopSignal

_TELL_S = 0.7
"""After this time [s] whoever pressed Ctrl-C is told what the run waits for."""

_log = logging.getLogger("like_keras_core")


class StopNotice:
    """Says once what a run waits for that was interrupted and has not ended.

    Args:
        stop: What asks the run to end.
        grace_s: How long a tick or a hook may last then [s].
        waited_for: Returns what the nodes run, a sentence each, as far as is known.
    """

    def __init__(
        self, stop: StopSignal, grace_s: float, waited_for: Callable[[], Sequence[str]]
    ) -> None:
        self._stop = stop
        self._grace_s = grace_s
        self._waited_for = waited_for
        # When the stop was seen [s]; None before, and infinite once it was told.
        self._since: float | None = None

    def look(self) -> None:
        """Tell, if it is time to; to be called all the while."""
        if self._stop.reason != "interrupt":
            return
        now = time.monotonic()
        self._since = self._since or now
        if now > self._since + _TELL_S:
            self._since = float("inf")
            known = " ".join(self._waited_for()) or "Its processes have not answered."
            _log.warning(
                "The run is to end. %s It is waited for, %g s at most, or until a "
                "second Ctrl-C or SIGTERM.",
                known,
                self._grace_s,
            )
