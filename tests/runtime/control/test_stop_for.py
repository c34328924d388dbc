"""Tests of ends that are a reason to stop, where a run skips what is late."""

from __future__ import annotations

from like_keras_core.runtime.control.protocol import (
    StopGranted,
    StopProposed,
    StopReply,
    StopRequest,
)
from like_keras_core.runtime.control.termination import StopCoordinator
from like_keras_core.runtime.stop_point import StopPoint


def test_a_failure_stops_the_run_where_all_have_got() -> None:
    """Not at its own place: what was sent up to there counts."""
    coordinator = StopCoordinator(["a", "b"], None, is_exact=False)
    coordinator.outbox.clear()
    failed = StopPoint(3, 1, "error", "detector")

    coordinator.receive("b", StopProposed(failed))
    asked = [message for _, message in coordinator.outbox]
    coordinator.outbox.clear()
    coordinator.receive("a", StopReply(500, 500))
    coordinator.receive("b", StopReply(4, 4))

    assert asked == [StopRequest(), StopRequest()]
    end = StopPoint(5, 0, "error", "detector")
    assert coordinator.stop_point == end
    assert ("a", StopGranted(end)) in coordinator.outbox


def test_the_first_of_several_is_the_reason() -> None:
    """By tick and place, whichever was heard of first."""
    coordinator = StopCoordinator(["a", "b"], 100, is_exact=False)
    coordinator.receive("a", StopProposed(StopPoint(7, 0, "end of stream", "camera")))
    coordinator.receive("b", StopProposed(StopPoint(3, 1, "error", "detector")))
    coordinator.receive("a", StopReply(8, 8))
    coordinator.receive("b", StopReply(9, 9))

    assert coordinator.stop_point == StopPoint(9, 0, "error", "detector")


def test_where_values_are_exact_a_failure_cuts_the_run() -> None:
    """At its place, whoever is further."""
    coordinator = StopCoordinator(["a", "b"], None)

    coordinator.receive("b", StopProposed(StopPoint(3, 1, "error", "detector")))

    assert coordinator.stop_point == StopPoint(3, 1, "error", "detector")
    assert not coordinator.is_stopping
