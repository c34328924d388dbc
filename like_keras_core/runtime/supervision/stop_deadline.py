"""How long a run may go on that is to end."""

from __future__ import annotations

import time
from math import inf

from like_keras_core.runtime.control.termination import StopCoordinator

_HANGS_S = 0.3
"""How much longer to wait, so that a process says first what hangs there [s]."""


class StopDeadline:
    """When a run that is to end has taken too long.

    After a stop it has a time for all that is left. After a failure each tick has that
    time: those below the failure count, so that the lowest of several failures is
    found.

    Args:
        coordinator: The run.
        grace_s: The time [s].
    """

    def __init__(self, coordinator: StopCoordinator, grace_s: float) -> None:
        self._coordinator = coordinator
        self._grace_s = grace_s + _HANGS_S
        self._at = inf
        self._is_stopping = False
        #: How far the run was when it was last given time.
        self._done = -1

    @property
    def has_passed(self) -> bool:
        """Whether the run is to be given up; to be asked all the time."""
        coordinator, now = self._coordinator, time.monotonic()
        if coordinator.is_stopping:
            if not self._is_stopping:
                self._is_stopping = True
                self._at = now + self._grace_s
        elif (
            coordinator.stop_point.kind == "error"
            and coordinator.low_watermark > self._done
        ):
            self._done = coordinator.low_watermark
            self._at = now + self._grace_s
        return now > self._at
