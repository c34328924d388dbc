"""What the segments of a node have done below the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from like_keras_core.report import ComponentReport
from like_keras_core.runtime.host.sampling import times_of
from like_keras_core.runtime.host.segment_runner import SegmentRunner
from like_keras_core.runtime.host.tentative_counts import TentativeCounts
from like_keras_core.runtime.stop_point import StopPoint


def node_counts(
    runners: Iterable[SegmentRunner],
    ledger: TentativeCounts,
    cut: StopPoint,
    place: Mapping[str, int],
    duration_s: float,
) -> tuple[dict[str, ComponentReport], dict[str, int]]:
    """Return what each component did, and each port's messages, below a cut.

    Args:
        runners: The segments.
        ledger: The gaps of their plans.
        cut: Not above how far the node is.
        place: Where in a tick the values of each component come.
        duration_s: How long the node has run [s].
    """
    below = ledger.below(cut.tick)
    upto = below + Counter(ledger.at(cut.tick))
    components: dict[str, ComponentReport] = {}
    messages: dict[str, int] = {}
    for runner in runners:
        for name, i in runner.plan.counting_steps().items():
            ticks = cut.ticks(place[name])
            gaps = upto if ticks > cut.tick else below
            absent = gaps[runner.base + i]
            components[name] = times_of(
                ticks - absent, absent, runner.durations[i], duration_s
            )
            for value in runner.plan.steps[i].outputs:
                if value is not None:
                    gone = gaps[runner.base + value.counter]
                    messages[value.address] = ticks - gone
    return components, messages
