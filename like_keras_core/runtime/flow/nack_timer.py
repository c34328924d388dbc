"""When a receiver asks for what is missing, and asks again."""

from __future__ import annotations

from math import inf


class NackTimer:
    """The timer of a receiver's negative acknowledgements.

    Args:
        after_s: How long something is missing before it is asked for [s].
        again_s: How long to wait before asking again [s]; doubles each time, and is
            this again as soon as a value is delivered.
        max_s: The longest such wait [s].

    Attributes:
        due_at: When the next NACK is due; inf if, and only if, no gap is known.
        gaps: How often a gap was found.
        count: How many NACKs have left.
    """

    __slots__ = (
        *("_after_s", "_again_s", "_max_s", "_sent_at", "_wait_s"),
        *("count", "due_at", "gaps"),
    )

    def __init__(self, after_s: float, again_s: float, max_s: float) -> None:
        self.due_at = inf
        self.gaps = self.count = 0
        self._after_s = after_s
        self._again_s = again_s
        self._max_s = max_s
        # When the last NACK left. One for a new gap keeps `again_s` from it.
        self._sent_at = -inf
        # How long after the next NACK it is repeated, from `_again_s` to `_max_s`:
        # doubled by each since the last progress.
        self._wait_s = again_s

    def look(self, now: float, has_gap: bool, is_progress: bool) -> None:
        """Begin, keep or stop waiting, after a frame.

        Args:
            now: The time [s].
            has_gap: Whether something is missing.
            is_progress: Whether the frame made a value deliverable.
        """
        if not has_gap:
            self.due_at = inf
            self._wait_s = self._again_s
        elif self.due_at == inf:
            self.gaps += 1
            self.due_at = max(now + self._after_s, self._sent_at + self._again_s)
        elif is_progress:
            self._wait_s = self._again_s
            self.due_at = min(self.due_at, now + self._again_s)

    def sent(self, now: float) -> None:
        """Take note that a NACK has left."""
        self.count += 1
        self._sent_at = now
        self.due_at = now + self._wait_s
        self._wait_s = min(2 * self._wait_s, self._max_s)
