"""What counts of a plan's gaps below the end of a run in one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from like_keras_core.runtime.host.plan import Plan
from like_keras_core.runtime.stop_point import StopPoint


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """How often the components of a plan fired, and what they sent.

    Args:
        plan: What ran; it has run no tick above that of the cut.
        cut: Where the run ended.
        place: Where in a tick the values of each component come.
        unseen: Ports whose value at the tick of the cut had not been looked at, so that
            no gap counter tells of it, and whether there was one.
    """

    plan: Plan
    cut: StopPoint
    place: Mapping[str, int]
    unseen: Mapping[str, bool]

    def fired(self, step: int) -> tuple[int, int]:
        """Return how often a step's component fired, and at how many ticks it did not.

        Args:
            step: Where its firings count.
        """
        absent = self._missed(step, step)
        return self._ticks(step) - absent, absent

    def messages(self, address: str) -> int:
        """Return how often a port sent something."""
        value = self.plan.values.get(address)
        if value is None:
            return 0
        step = value.step if value.counted_by is None else value.counted_by
        missed = self._missed(value.counter, step)
        if address in self.unseen:
            return self.cut.tick - missed + self.unseen[address]
        return self._ticks(step) - missed

    def _ticks(self, step: int) -> int:
        """Return how many ticks count for a step."""
        return self.cut.ticks(self.place[self.plan.steps[step].name])

    def _missed(self, counter: int, step: int) -> int:
        """Return the gap counter of a step, as far as the cut."""
        in_last_tick = self.plan.last[counter] == self.cut.tick
        counts = self._ticks(step) > self.cut.tick
        return self.plan.gaps[counter] - (in_last_tick and not counts)
