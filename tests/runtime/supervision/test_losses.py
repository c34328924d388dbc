"""What is said of nodes that were lost."""

from __future__ import annotations

from like_keras_core import HostLostError, Node, System
from like_keras_core.report import RunReport
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.runtime.supervision.losses import Losses
from like_keras_core.testing.components import Count, Scale

SPEC = System([Count(node=Node("a")), Scale(node=Node("b"))]).to_spec()
REPORT = RunReport(engine="dora", system="robot", iterations=3, duration_s=0.1)
HUNG = ReportedFailure("scale", "on_shutdown", None, "HungComponent: late", "", "")


def lost(*nodes: str, is_first: bool = True) -> Losses:
    """Return the losses of nodes, in this order."""
    losses = Losses(SPEC)
    for node in nodes:
        losses.add(HostLostError(node, "it was killed by SIGKILL"), is_first)
    return losses


def test_the_first_loss_is_raised_with_what_came_after_it() -> None:
    """The failure of another, the loss of another, and what nobody knows."""
    error = lost("a", "b").error(REPORT, [HUNG])

    assert (error.node, error.report) == ("a", REPORT)
    assert str(error).splitlines()[1:] == [
        "Afterwards 'scale' failed in on_shutdown: HungComponent: late",
        "Afterwards it is not known who was deactivated of 'count'",
        "Afterwards the process of node 'b' was lost: it was killed by SIGKILL",
        "Afterwards it is not known who was deactivated of 'scale'",
    ]


def test_before_tick_0_nobody_was_active() -> None:
    """There is no report then."""
    assert lost("a").error(None, []).later == []


def test_a_loss_after_a_failure_is_not_the_first() -> None:
    """The failure is what is raised."""
    assert lost("a").came_first
    assert not lost("a", is_first=False).came_first
