"""What the process of a node may say of itself, of others, and when."""

from typing import Any

import pytest

from like_keras_core import Node, System
from like_keras_core.report import ComponentReport
from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.message import ProtocolError
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.statistics import NodeStatistics
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.runtime.supervision.message_checks import MessageChecks
from like_keras_core.runtime.supervision.results import ResultCollector
from like_keras_core.testing.components import Count, Scale
from like_keras_core.values.msgpack import to_bytes

OUTPUT = "count.output"


def plan() -> RunPlan:
    """Return a run of a source on node a and its reader on node b."""
    spec = System([Count(node=Node("a")), Scale(node=Node("b"))]).to_spec()
    return RunPlan.of(spec, options=RunOptions(record=[OUTPUT]))


def statistics(**fields: Any) -> NodeStatistics:
    """Return what node a may say that it has done, but for some fields."""
    known: dict[str, Any] = {
        "components": {"count": ComponentReport(fired=3)},
        "messages": {OUTPUT: 3},
        "bytes": {f"{OUTPUT} -> b": 3},
        "in_flight": {f"{OUTPUT} -> b": 1},
        "received": {},
        "late_ticks": 0,
    }
    return NodeStatistics(**known | fields)


def failure(component: str = "count", tick: int | None = 3) -> ReportedFailure:
    """Return a failure of a component."""
    return ReportedFailure(component, "forward", tick, "E: x", "", "")


@pytest.fixture
def checks() -> MessageChecks:
    """Return the checks of a run whose processes were told everything."""
    made = MessageChecks(plan())
    for message in (
        *(p.Build({}, {}, {}), p.ReadClock(), p.Configure(), p.Activate(), p.Link(1.0)),
        *(p.NewStopPoint(StopPoint(9, 0)), p.Start(), p.StopRequest()),
        *(p.RequestStatistics(), p.Deactivate(), p.Shutdown(), p.RequestReport()),
    ):
        made.told(message)
    return made


@pytest.mark.parametrize(
    "message",
    [
        p.Ready(()),
        p.Ready((failure(tick=None),)),
        p.Linked(("b",)),
        p.Progress(3),
        p.StopReply(-1, 0),
        p.StopProposed(StopPoint(3, 0, "error", "count")),
        p.StopProposed(StopPoint(3, 0, "end of stream", "count")),
        p.StopProposed(StopPoint(3, 0, "stop")),
        p.Finished(9, 0),
        p.Statistics(statistics()),
        p.Report(statistics(), (failure(),)),
        p.Records(OUTPUT, False, b""),
        p.RecordsFailed(failure(tick=None)),
        p.Overdue(failure()),
        p.Trace("firings", "count", b""),
        p.Log(30, "x", "y", None, None),
    ],
    ids=str,
)
def test_what_a_node_says_of_itself_is_taken(
    checks: MessageChecks, message: p.FromNode
) -> None:
    """Every kind of message has a form that passes."""
    checks.check("a", message)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (p.Ready((failure("scale"),)), "'scale', which is not one of the components"),
        (p.Deactivated((failure("nobody"),)), "'nobody', which is not one of"),
        (p.Ready((failure(tick=-1),)), "has a tick of a failure that cannot be: -1"),
        (p.Linked(("a",)), "'a', which is not one of the nodes"),
        (p.Linked(("c",)), "'c', which is not one of the nodes"),
        (p.Progress(-1), "has a tick that cannot be: -1"),
        (p.Progress(10**400), "has a tick that cannot be: 1000"),
        (p.StopReply(-2, 0), "has a tick that cannot be: -2"),
        (p.StopProposed(StopPoint(-5, 0, "error", "count")), "has a tick that cannot"),
        (
            p.StopProposed(StopPoint(5, 0, "nonsense", "count")),
            "has a kind that cannot",
        ),
        (p.StopProposed(StopPoint(5, 0, "iterations")), "has a kind that cannot"),
        (p.StopProposed(StopPoint(5, 0, "error", "scale")), "not a component of this"),
        (p.StopProposed(StopPoint(5, 1, "error", "count")), "has a place that cannot"),
        (p.StopProposed(StopPoint(5, 1, "stop")), "has a place that cannot be: 1"),
        (p.Finished(8, 0), "is of (8, 0), which nobody has told it"),
        (p.Statistics(statistics(components={"scale": ComponentReport()})), "'scale'"),
        (p.Statistics(statistics(messages={"x.y": 1})), "'x.y', which is not one of"),
        (p.Statistics(statistics(bytes={"scale.output -> a": 1})), "'scale.output'"),
        (
            p.Statistics(statistics(received={"scale.value": (None, 1)})),
            "'scale.value'",
        ),
        (
            p.Statistics(statistics(messages={OUTPUT: -1})),
            "a number that cannot be: -1",
        ),
        (
            p.Statistics(
                statistics(components={"count": ComponentReport(busy_s=float("nan"))})
            ),
            "a number that cannot be: nan",
        ),
        (p.Report(statistics(), (failure("scale"),)), "'scale'"),
        (p.Records("scale.output", False, b""), "'scale.output', which is not one of"),
        (p.Records("x", False, b""), "'x', which is not one of the outputs"),
        (p.RecordsFailed(failure("scale")), "'scale'"),
        (p.Trace("firings", "x", b""), "'x', which is not one of"),
        (p.Log(1 << 40, "x", "y", None, None), "has a level that cannot be"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_name(
    checks: MessageChecks, message: p.FromNode, problem: str
) -> None:
    """With the message, and what is wrong with it."""
    with pytest.raises(ProtocolError) as caught:
        checks.check("a", message)

    assert f"The message {message.verb!r}" in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "message",
    [
        p.Hello("a", 1, "m", "3", "", "", {}),
        *(
            p.Ready(()),
            p.Configured(()),
            p.Activated(()),
            p.Linked(()),
            p.StopReply(1, 1),
        ),
        *(p.Deactivated(()), p.ShutDown(()), p.Reported()),
        p.Report(statistics(), ()),
    ],
    ids=lambda message: message.verb,
)
def test_what_is_said_once_is_refused_twice(
    checks: MessageChecks, message: p.FromNode
) -> None:
    """Of each node for itself."""
    checks.check("a", message)

    with pytest.raises(ProtocolError, match="came twice"):
        checks.check("a", message)


@pytest.mark.parametrize(
    "message",
    [
        p.Ready(()),
        p.Linked(()),
        p.Progress(0),
        p.Report(statistics(), ()),
        p.Reported(),
    ],
    ids=lambda message: message.verb,
)
def test_what_was_not_asked_for_is_refused(message: p.FromNode) -> None:
    """Until everybody was asked."""
    with pytest.raises(ProtocolError, match="came though it was not asked for"):
        MessageChecks(plan()).check("a", message)


def test_an_end_that_a_node_has_proposed_may_be_finished(
    checks: MessageChecks,
) -> None:
    """Before it hears of it."""
    checks.check("a", p.StopProposed(StopPoint(5, 0, "error", "count")))
    checks.check("a", p.Finished(5, 0))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xff" * 40,
        to_bytes(5, "x"),
        to_bytes([5], "x"),
        to_bytes([(1, 2, 3)], "x"),
        to_bytes([("1", 2)], "x"),
        to_bytes([(True, 2)], "x"),
        to_bytes([(-1, 2)], "x"),
        to_bytes([(3, 0), (3, 0)], "x"),
        to_bytes([(3, 0), (2, 0)], "x"),
    ],
    ids=str,
)
def test_records_of_another_shape_are_refused(data: bytes) -> None:
    """As a message that cannot be taken, never as another error."""
    results = ResultCollector(plan(), "none", echoes_logs=False)

    with pytest.raises(ProtocolError, match="The message 'records'"):
        results.take("a", p.Records(OUTPUT, False, data))


def test_records_come_in_parts() -> None:
    """A batch that is longer than a message may be is put together again."""
    results = ResultCollector(plan(), "none", echoes_logs=False)
    data = to_bytes([(0, "x" * 100), (1, "y")], "x")

    for n in range(0, len(data), 10):
        has_more = n + 10 < len(data)
        results.take("a", p.Records(OUTPUT, has_more, data[n : n + 10]))
    results.take("a", p.Records(OUTPUT, False, to_bytes([(2, "z")], "x")))

    report = results.report(StopPoint(3, 0), "iterations", 1.0, (), is_cut_short=False)
    assert report.records == {OUTPUT: [(0, "x" * 100), (1, "y"), (2, "z")]}


def test_records_that_are_not_recorded_are_refused() -> None:
    """By their address."""
    results = ResultCollector(plan(), "none", echoes_logs=False)

    with pytest.raises(ProtocolError, match=r"'scale.output', which is not recorded"):
        results.take("b", p.Records("scale.output", False, to_bytes([(0, 1)], "x")))
