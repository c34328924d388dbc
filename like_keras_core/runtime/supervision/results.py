"""The reports, records and logs of a run's processes, and the report of the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from like_keras_core.errors import ComponentError, LkError
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.log_forwarding import Tail
from like_keras_core.runtime.control.message import ProtocolError, assert_never
from like_keras_core.runtime.control.protocol import (
    ChoicesMade,
    Log,
    Overdue,
    Records,
    RecordsFailed,
    Report,
    Result,
    Statistics,
    WaitsFor,
)
from like_keras_core.runtime.control.protocol import Trace as TracePart
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.statistics import MergedStatistics, NodeStatistics
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.runtime.host.node_choices import NodeChoices, merged
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.runtime.supervision.output_thread import OutputThread
from like_keras_core.runtime.trace import Trace, gathered
from like_keras_core.values.msgpack import from_bytes


class ResultCollector:
    """Collects the processes' reports, logs and failures into the report of the run.

    Args:
        plan: What runs.
        engine: The engine's name, for the report.
        echoes_logs: Whether what the processes log is logged here once more.

    Attributes:
        failures: What components have raised, in the order of its arrival.
        traces: What is measured for a trace, if one is wanted.
    """

    def __init__(self, plan: RunPlan, engine: str, *, echoes_logs: bool) -> None:
        self.spec = plan.spec
        self.engine = engine
        self.failures: list[ReportedFailure] = []
        self.traces = gathered()
        #: The components that had not returned in time, with their tick.
        self._hung: set[tuple[str, int | None]] = set()
        self._plan, self._machines = plan, plan.machines
        #: Whether the others go on where a component fails, so that each failure
        #: counts, wherever the run ends.
        self._goes_on = plan.options.skips or bool(plan.options.repeats)
        self._tails = {x: Tail(x, is_echoed=echoes_logs) for x in self._machines}
        self._echo = OutputThread("{} log records of the nodes were not shown.".format)
        #: What the nodes that ran have reported at the end, at most one each.
        self._reports: list[Report] = []
        #: The newest statistics of each node, while the run goes on.
        self._so_far: dict[str, NodeStatistics] = {}
        #: The nodes that have not answered the last request for statistics.
        self._unanswered: set[str] = set()
        #: By address, the values so far of each port to record: ticks and values.
        self._records: dict[str, list[Any]] = {x: [] for x in plan.options.record}
        #: By address, the parts of a batch of records of which more are to come.
        self._parts: dict[str, list[bytes]] = {}
        #: The same of the choices of each node, and those that are complete.
        self._choice_parts: dict[str, list[bytes]] = {}
        self._choices: list[NodeChoices] = []
        #: By node, what it runs or waits for, of those that stand still.
        self._states: dict[str, Sequence[str]] = {}

    def take(self, node: str, message: Result) -> None:
        """Take in what a node's process says.

        Raises:
            ProtocolError: It sends what it was not asked for.
        """
        match message:
            case Log():
                tail = self._tails[node]
                tail.keep(message)
                # What shows it may have to wait for a terminal.
                self._echo.put(partial(tail.echo, message), len(message.text))
            case Records(address, has_more, data):
                self._take_records(address, data, has_more=has_more)
            case ChoicesMade(has_more, data):
                self._take_choices(node, data, has_more=has_more)
            case RecordsFailed(failure):
                self.failures.append(failure)
            case Report():
                self._reports.append(message)
            case Statistics(statistics):
                self._so_far[node] = statistics
                self._unanswered.discard(node)
            case TracePart(kind, name, data):
                self._take_trace(node, kind, name, data)
            case Overdue(failure):
                self._hung.add((failure.component, failure.tick))
                self.add_failures([failure])
            case WaitsFor(states):
                self._states[node] = states
            case _:
                assert_never(message)

    def _take_records(self, address: str, data: bytes, *, has_more: bool) -> None:
        if address not in self._records:
            problem = f"is of {address!r:.80}, which is not recorded"
            raise ProtocolError(Records.verb, problem)
        parts = self._parts.setdefault(address, [])
        parts.append(data)
        if has_more:
            return
        try:
            values = from_bytes(b"".join(self._parts.pop(address)))
        except (LkError, ValueError, TypeError) as error:
            raise ProtocolError(Records.verb, f"cannot be read: {error}") from None
        kept = self._records[address]
        last = kept[-1][0] if kept else -1
        if not isinstance(values, list):
            raise ProtocolError(Records.verb, "is not a list of ticks and values")
        for value in values:
            if not _is_record(value) or not last < value[0]:
                problem = f"has what is not a later tick and its value: {value!r:.80}"
                raise ProtocolError(Records.verb, problem)
            last = value[0]
        kept += values

    def _take_choices(self, node: str, data: bytes, *, has_more: bool) -> None:
        parts = self._choice_parts.setdefault(node, [])
        parts.append(data)
        if has_more:
            return
        try:
            found = NodeChoices.from_json(b"".join(self._choice_parts.pop(node)))
        except (ValueError, RecursionError) as error:
            raise ProtocolError(ChoicesMade.verb, f"cannot be read: {error}") from None
        self._choices.append(found)

    def _take_trace(self, node: str, kind: str, name: str, data: bytes) -> None:
        if self.traces is None or node not in self.traces.processes:
            raise ProtocolError(TracePart.verb, "came though no trace was asked for")
        try:
            self.traces.processes[node].take(kind, name, data)
        except ValueError as error:
            raise ProtocolError(TracePart.verb, f"cannot be read: {error}") from None

    def trace(self, node: str, offset_ns: int) -> None:
        """Expect a trace of a node whose clock is so far ahead of this one [ns]."""
        assert self.traces is not None
        self.traces.processes[node] = Trace()
        self.traces.offsets[node] = offset_ns

    def add_failures(
        self, failures: Iterable[ReportedFailure], *, first: bool = False
    ) -> None:
        """Keep failures, but those that are known: a hang is told before it has ended.

        Args:
            failures: The failures.
            first: Whether they come before all others.
        """
        for failure in failures:
            place = (failure.component, failure.phase, failure.tick)
            places = [(x.component, x.phase, x.tick) for x in self.failures]
            if first and place in places:
                self.failures.insert(0, self.failures.pop(places.index(place)))
            elif place not in places:
                self.failures.insert(0 if first else len(places), failure)

    def close(self) -> None:
        """Show the last that was logged."""
        self._echo.close()

    def add_traceback(self, node: str, traceback: str) -> None:
        """Append the traceback of a process to the end of its log."""
        self._tails[node].lines += traceback.splitlines()

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a node's process has logged."""
        return list(self._tails[node].lines) if node in self._tails else []

    def waited_for(self, *nodes: str) -> list[str]:
        """Return what nodes that stand still run or wait for."""
        return [state for node in nodes for state in self._states.get(node, ())]

    def begin_request(self) -> bool:
        """Begin to ask all for statistics, if all have answered the last request."""
        if self._unanswered:
            return False
        self._unanswered = set(self._machines)
        return True

    def so_far(self, tick: int, duration_s: float) -> RunReport | None:
        """Return a report of a run that goes on; None before all nodes have answered.

        Args:
            tick: The first tick that is not finished everywhere.
            duration_s: How long it has run [s].
        """
        if len(self._so_far) < len(self._machines):
            return None
        merged = MergedStatistics(self._plan, self._so_far.values())
        return RunReport(
            engine=self.engine,
            system=self.spec.name,
            iterations=tick,
            duration_s=duration_s,
            late_ticks=merged.late_ticks,
            ended_by="running",
            components=merged.components(),
            connections=merged.connections(is_running=True),
        )

    def report(
        self,
        stop_point: StopPoint,
        ended_by: str,
        duration_s: float,
        waited_for: Sequence[str],
        is_cut_short: bool,
    ) -> RunReport:
        """Return the report of a run that has ended.

        Args:
            stop_point: Where.
            ended_by: Why.
            duration_s: How long it ran [s].
            waited_for: What nodes waited for when it was asked to end.
            is_cut_short: Whether it ended before the place that was agreed on: then
                what failed beyond counts, too.
        """
        for report in self._reports:
            for failure in report.failures:
                place = (stop_point.kind, stop_point.component, stop_point.tick)
                is_end = place == ("error", failure.component, failure.tick)
                # What hangs came later than what ended the run.
                if is_end or is_cut_short or self._hung or self._goes_on:
                    is_first = (failure.component, failure.tick) not in self._hung
                    self.add_failures([failure], first=is_first)
        nodes = [report.statistics for report in self._reports]
        given = self._plan.options.repeats
        whole = MergedStatistics(self._plan, nodes)
        if ended_by in ("stop", "iterations") and self.failures and self._goes_on:
            ended_by = "error"
        return RunReport(
            engine=self.engine,
            system=self.spec.name,
            iterations=stop_point.tick if self._reports else 0,
            duration_s=duration_s,
            late_ticks=whole.late_ticks,
            ended_by=ended_by,
            components=whole.components(),
            connections=whole.connections(),
            records={
                address: self._records[address]
                for address in self.spec.outputs()
                if address in self._records
            },
            choices=given.below(stop_point.end) if given else merged(self._choices),
            waited_for=tuple(waited_for),
        )

    def error(self, report: RunReport, losses: Iterable[str]) -> ComponentError:
        """Return the first failure as an error that carries the others.

        Args:
            report: The report of the run.
            losses: What is said of nodes that were lost.
        """
        first, *rest = self.failures
        later = [
            item.error
            if item.phase == "tap"
            else f"{item.component!r} failed in {item.phase}: {item.error}"
            for item in rest
        ]
        later += losses
        node = self._plan.node_of(first.component)
        return ComponentError(
            first.component,
            node,
            first.phase,
            first.tick,
            first.error,
            first.traceback,
            report,
            first.place,
            later,
            self._machines.get(node, "local"),
        )


def _is_record(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and type(value[0]) is int
