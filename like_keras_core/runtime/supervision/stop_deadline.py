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
        #: How far the run was when it was last given time: a tick, infinite in a stop.
        self._done = -1.0

    @property
    def has_passed(self) -> bool:
        """Whether the run is to be given up; to be asked all the time."""
        coordinator, now, done = self._coordinator, time.monotonic(), -1.0
        if coordinator.is_stopping:
            done = inf
        elif coordinator.stop_point.kind == "error":
            done = coordinator.low_watermark
        if done > self._done:
            self._done, self._at = done, now + self._grace_s
        return now > self._at
