"""What counts of a plan's gaps below the end of a run in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from like_keras_core.report import ComponentReport, ConnectionReport
from like_keras_core.runtime.host.plan import Plan
from like_keras_core.runtime.host.sampling import times_of
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.spec import SystemSpec


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


def sent_unseen(plan: Plan, step: int, frame: FrameType) -> dict[str, bool]:
    """Say of values sent in the last tick, and not looked at, whether they were.

    Args:
        plan: What ran.
        step: Where the tick ended.
        frame: The frame of the generated function that ran it.
    """
    found = {}
    local = frame.f_locals
    for value in plan.values.values():
        if value.counted_by is not None and value.step < step <= value.counted_by:
            sent = value.counted_by == step or local[f"v{value.slot}"] is not None
            found[value.address] = sent
    return found


def component_reports(
    spec: SystemSpec,
    counts: PlanCounts | None,
    durations: Sequence[list[float]],
    duration_s: float,
) -> dict[str, ComponentReport]:
    """Return what each component did.

    Args:
        spec: The system.
        counts: What counts; None where nothing ran.
        durations: Of each step, the durations of some firings [s].
        duration_s: How long the run took [s].
    """
    names = [item.name for item in spec.components]
    if counts is None:
        return {name: ComponentReport() for name in names}
    steps = counts.plan.counting_steps()
    return {
        name: times_of(*counts.fired(steps[name]), durations[steps[name]], duration_s)
        for name in names
    }


def connection_reports(
    spec: SystemSpec, counts: PlanCounts | None
) -> dict[str, ConnectionReport]:
    """Return what each connection carried; nothing where nothing ran."""
    return {
        str(item): ConnectionReport(
            messages=0 if counts is None else counts.messages(item.source)
        )
        for item in spec.connections
    }
