"""The clock of one node of several: when its ticks are due, and when they are over."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from like_keras_core.runtime.host.lateness import CLOSEST
from like_keras_core.runtime.host.pacer import Pacer
from like_keras_core.runtime.host.segment_runner import SegmentRunner


class NodeClock:
    """What a node asks before it runs a tick of a segment; nothing, without a rate."""

    def __init__(self) -> None:
        # None without a rate, before the start, and once a stop has been granted.
        self._pacer: Pacer | None = None

    def start(self, pacer: Pacer) -> None:
        """Begin to count time."""
        self._pacer = pacer
        pacer.start()

    def stop(self) -> None:
        """Let what is left wait for no clock."""
        self._pacer = None

    def is_due(self, tick: int) -> bool:
        """Say whether the time of a tick has come, or is about to."""
        return self._pacer is None or self._pacer.is_due(tick)

    def may_run(self, runner: SegmentRunner) -> bool:
        """Say whether the next tick of a segment waits for no clock."""
        return not runner.is_paced or self.is_due(runner.next)

    def pause_s(self, runners: Iterable[SegmentRunner]) -> float:
        """Return how long until one is due that waits for nothing else [s].

        Args:
            runners: The segments whose next tick may start.
        """
        pacer = self._pacer
        due = [
            pacer.wakes_at(runner.next)
            for runner in runners
            if pacer is not None
            if (runner.is_paced and runner.has_all) or runner.puts_off_later
        ]
        return max(0.0, min(due) - pacer.now()) if pacer is not None and due else inf

    def wait(self, runner: SegmentRunner) -> tuple[bool, bool]:
        """Wait for the next tick of a segment that the clock drives.

        Returns:
            Whether it begins late, and whether it is over already.
        """
        pacer, tick = self._pacer, runner.next
        if pacer is None or not runner.is_paced:
            return False, False
        for pending in runner.pending:
            pending.count_overrun(tick, pacer.wakes_at(tick))
        late_ticks = pacer.late_ticks
        pacer.wait(tick)
        is_late = pacer.late_ticks > late_ticks
        return is_late, runner.skips and pacer.is_over(tick, CLOSEST)
