"""What the process of a node may say, and when: everything else is refused, by name.

A process has proved which node it runs. It speaks for that node only, replies to what
it was asked and once, and names what the system has.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from like_keras_core.graph.checks import by_node
from like_keras_core.graph.places import places_of
from like_keras_core.report import TimingReport
from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.message import Message, ProtocolError
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.statistics import NodeStatistics
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.runtime.stop_point import FOREVER
from like_keras_core.spec import component_of

_LEVELS = range(1 << 16)

_ASKED_BY: Mapping[type[Message], type[Message]] = {
    p.Ready: p.Build,
    p.Clock: p.ReadClock,
    p.Configured: p.Configure,
    p.Activated: p.Activate,
    p.Linked: p.Link,
    p.Statistics: p.RequestStatistics,
    p.Progress: p.Start,
    p.Deactivated: p.Deactivate,
    p.ShutDown: p.Shutdown,
    p.Report: p.RequestReport,
    p.Records: p.RequestReport,
    p.RecordsFailed: p.RequestReport,
    p.ChoicesMade: p.RequestReport,
    p.Trace: p.RequestReport,
    p.Reported: p.RequestReport,
}
"""What comes before each message; the others may come at any time."""

_ONCE = (
    *(p.Hello, p.Ready, p.Configured, p.Activated, p.Linked, p.StopReply),
    *(p.Deactivated, p.ShutDown, p.Report, p.Reported),
)


class MessageChecks:
    """Checks what the processes of a run say.

    Args:
        plan: What runs.
    """

    def __init__(self, plan: RunPlan) -> None:
        spec = plan.spec
        self._nodes = frozenset(plan.machines)
        self._components = {
            node: frozenset(item.name for item in items)
            for node, items in by_node(spec).items()
        }
        self._outputs = frozenset(spec.outputs())
        self._inputs = frozenset(spec.inputs())
        #: The place in a tick at which each component may end the run.
        self._places = places_of(spec)
        #: The classes of the messages that all processes were sent.
        self._told: set[type[Message]] = set()
        #: The ends of the run that a node may finish: all that were told or proposed.
        self._ends: set[tuple[int, int]] = set()
        #: What each node has said that it may say once.
        self._said: set[tuple[str, type[Message]]] = set()

    def told(self, message: p.ToProcess) -> None:
        """Know that the processes were sent a message."""
        self._told.add(type(message))
        if isinstance(message, p.NewStopPoint | p.StopGranted):
            self._ends.add(message.stop_point.place)

    def check(self, node: str, message: p.FromNode) -> None:
        """Refuse a message that cannot be meant.

        Args:
            node: The node that has sent it.
            message: The message.

        Raises:
            ProtocolError: It comes too early, twice, or says what it cannot.
        """
        kind = type(message)
        asked_by = _ASKED_BY.get(kind)
        if asked_by is not None and asked_by not in self._told:
            raise ProtocolError(message.verb, "came though it was not asked for")
        if kind in _ONCE:
            if (node, kind) in self._said:
                raise ProtocolError(message.verb, "came twice")
            self._said.add((node, kind))
        problem = self._problem(node, message)
        if problem:
            raise ProtocolError(message.verb, problem)
        if isinstance(message, p.StopProposed):
            self._ends.add(message.stop_point.place)

    def _problem(self, node: str, message: p.FromNode) -> str:
        match message:
            case p.Finished(tick, order):
                end = (tick, order)
                return (
                    ""
                    if end in self._ends
                    else f"is of {end}, which nobody has told it"
                )
            case p.Progress(tick):
                return "" if _is_tick(tick) else _wrong("tick", tick)
            case p.StopReply(unfinished, started):
                wrong = [x for x in (unfinished, started) if not _is_tick(x, -1)]
                return _wrong("tick", wrong[0]) if wrong else ""
            case p.StopProposed():
                return self._stop_problem(node, message)
            case p.Linked(unheard):
                return _foreign("nodes", unheard, self._nodes - {node})
            case p.Log(level):
                return "" if level in _LEVELS else _wrong("level", level)
            case p.Statistics(statistics):
                return self._statistics_problem(node, statistics)
            case p.Report(statistics, failures):
                problem = self._statistics_problem(node, statistics)
                return problem or self._failure_problem(node, failures)
            case p.RecordsFailed(failure) | p.Overdue(failure):
                return self._failure_problem(node, [failure])
            case p.Records(address):
                outputs = self._of_node(node, self._outputs)
                return _foreign("outputs", [address], outputs)
            case p.Trace(_, name, _):
                known = self._components.get(node, frozenset()) | self._outputs
                return _foreign("components or outputs", [name], known)
            case (
                p.Ready(failures)
                | p.Configured(failures)
                | p.Activated(failures)
                | p.Deactivated(failures)
                | p.ShutDown(failures)
            ):
                return self._failure_problem(node, failures)
        return ""

    def _of_node(self, node: str, addresses: Iterable[str]) -> frozenset[str]:
        own = self._components.get(node, frozenset())
        return frozenset(x for x in addresses if component_of(x) in own)

    def _stop_problem(self, node: str, message: p.StopProposed) -> str:
        tick, order, kind, component = message.stop_point
        if not _is_tick(tick):
            return _wrong("tick", tick)
        if kind == "stop":
            return "" if order == 0 and not component else _wrong("place", order)
        if kind not in ("error", "end of stream"):
            return _wrong("kind", kind)
        if component not in self._components.get(node, ()):
            return f"is of {component!r:.80}, which is not a component of this node"
        return "" if order == self._places.get(component) else _wrong("place", order)

    def _failure_problem(self, node: str, failures: Iterable[ReportedFailure]) -> str:
        own = self._components.get(node, frozenset())
        for failure in failures:
            if failure.component not in own:
                return _foreign("components", [failure.component], own)
            if failure.tick is not None and not _is_tick(failure.tick):
                return _wrong("tick of a failure", failure.tick)
        return ""

    def _statistics_problem(self, node: str, found: NodeStatistics) -> str:
        own = self._components.get(node, frozenset())
        sent = [name.partition(" -> ")[0] for name in (*found.bytes, *found.in_flight)]
        outputs = self._of_node(node, self._outputs)
        reports = found.components.values()
        numbers: list[Any] = [found.late_ticks, *found.messages.values()]
        numbers += [*found.bytes.values(), *found.in_flight.values()]
        for item in reports:
            numbers += [item.fired, item.absent, item.busy_s]
            numbers += [item.latency_p50_s, item.latency_p99_s]
            if item.timing is not None:
                numbers += _numbers_of(item.timing)
            for came in item.arrivals.values():
                numbers += [x for x in came.to_dict().values() if x != came.read]
        for latency, taken in found.received.values():
            numbers += [taken, None if latency is None else abs(latency)]
        wrong = [x for x in numbers if x is not None and not 0 <= x < math.inf]
        return (
            _foreign("components", found.components, own)
            or _foreign("outputs", [*found.messages, *sent], outputs)
            or _foreign("inputs", found.received, self._of_node(node, self._inputs))
            or (_wrong("number", wrong[0]) if wrong else "")
        )


def _numbers_of(timing: TimingReport) -> list[Any]:
    values = timing.to_dict()
    return [*values.pop("held_by").values(), *values.values()]


def _is_tick(tick: int, lowest: int = 0) -> bool:
    return lowest <= tick <= FOREVER.tick


def _wrong(what: str, value: object) -> str:
    return f"has a {what} that cannot be: {value!r:.80}"


def _foreign(what: str, names: Iterable[str], known: Collection[str]) -> str:
    """Say which names are not among those that this node may speak of."""
    for name in names:
        if name not in known:
            return f"is of {name!r:.80}, which is not one of the {what} of this node"
    return ""
