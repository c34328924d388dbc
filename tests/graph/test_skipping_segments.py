"""Tests of segments in a run that skips: only sync inputs wait for another node."""

from __future__ import annotations

from like_keras_core.graph.channels import channels_of_run
from like_keras_core.graph.segments import (
    catching_up,
    segments_of,
    skipping_segments_of,
)
from tests.splits import split

ROBOT = split("cam@A, det@B(cam), track@A(det), ctl@A(track~, cam), log@B(ctl?)").spec()


def test_what_holds_goes_by_its_own_clock() -> None:
    """Also where what it holds is fed by another node."""
    waits = [(item.node, item.order) for item in segments_of(ROBOT)]
    skips = [(item.node, item.order) for item in skipping_segments_of(ROBOT)]

    assert waits == [("A", (0,)), ("B", (1,)), ("A", (2, 3)), ("B", (4,))]
    assert skips == [("A", (0, 3)), ("B", (1,)), ("A", (2,)), ("B", (4,))]


def test_what_may_catch_up_is_named() -> None:
    """The sync inputs of other nodes' ports."""
    assert catching_up(ROBOT) == ("det.in0", "track.in0")


def test_values_that_nobody_waits_for_may_be_replaced() -> None:
    """And none where another run is repeated, which takes just some of them."""

    def latest(**how: bool) -> dict[str, bool]:
        return {item.source: item.latest for item in channels_of_run(held, **how)}

    held = split("a@A, b@B(a~), c@A, d@B(c), e@A, f@B(e?)").spec()

    assert latest() == {"a.output": False, "c.output": False, "e.output": True}
    assert latest(skips=True) == {"a.output": True, "c.output": False, "e.output": True}
    assert not any(latest(repeats=True).values())
