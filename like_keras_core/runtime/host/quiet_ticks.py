"""What a process does so that its ticks begin on time, from tick 0 to the end."""

from __future__ import annotations

import logging

from like_keras_core.runtime.host.priority_guard import PriorityGuard
from like_keras_core.runtime.host.quiet_gc import QuietGc
from like_keras_core.runtime.os_resources.realtime_rights import RealtimeRights

_log = logging.getLogger("like_keras_core")


class QuietTicks:
    """Keeps a process from disturbing its own ticks, and undoes that at the end.

    `close` it, whatever the end.

    Args:
        rate_hz: Ticks per second; None is as fast as possible.
        realtime: Whether to ask the system for real-time rights; not without a rate:
            what never waits would leave nothing to others.
        who: Whose the process is, for people: `"node 'arm'"`.
        number: Its number among those of the run on this machine.

    """

    def __init__(
        self,
        rate_hz: float | None,
        *,
        realtime: bool = False,
        who: str = "",
        number: int = 0,
    ) -> None:
        # A message may end a wait before its time.
        self._longest_s = 0.5 / rate_hz if rate_hz else 0.0
        self._rate_hz = rate_hz
        self._who, self._number = who, number
        self._gc = None if rate_hz is None else QuietGc()
        self._wants_rights = realtime
        self._rights: RealtimeRights | None = None
        self._guard: PriorityGuard | None = None

    def begin(self) -> tuple[str, ...]:
        """Prepare for tick 0, in the thread that waits for ticks.

        Returns:
            What became of real-time rights that were asked for, a sentence each.
        """
        if self._gc is not None:
            self._gc.begin()
        if not self._wants_rights:
            return ()
        level = logging.WARNING
        if self._rate_hz is None:
            said = ["nothing was asked for: the run has no rate; give it rate_hz"]
        else:
            rights = self._rights = RealtimeRights(self._number)
            if rights.priority:
                self._guard = PriorityGuard(rights)
            said = [*rights.got, *rights.refused]
            if not rights.refused:
                level = logging.INFO
        _log.log(level, "Real time, %s: %s.", self._who, "; ".join(said))
        return tuple(f"Real time, {self._who}: {text}." for text in said)

    def idle(self, left_s: float) -> None:
        """Use the time until the next tick [s]; 0 or less where there is none."""
        if self._guard is not None:
            self._guard.beat()
        if self._gc is not None:
            self._gc.idle(min(left_s, self._longest_s))

    def close(self) -> None:
        """Leave the process as it was; from any thread, more than once."""
        if self._guard is not None:
            self._guard.close()
        if self._rights is not None:
            self._rights.give_back()
        if self._gc is not None:
            self._gc.end()
