"""What the processes of a run say of it, and the report that it makes."""

from __future__ import annotations

from typing import Any

from like_keras_core.errors import ComponentError
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.connection import Message
from like_keras_core.runtime.control.log_forwarding import Tail
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.statistics import MergedStatistics, NodeStatistics
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.runtime.trace import Trace, gathered
from like_keras_core.values.msgpack import from_bytes


class ResultCollector:
    """Gathers what comes home, and says what it means.

    Args:
        plan: What runs.
        engine: The engine's name, for the report.
        echoes_logs: Whether what the hosts log is logged here once more.

    Attributes:
        failures: What components have raised, as data, in the order of its arrival.
        traces: What is measured for a trace, if somebody wants one.
    """

    def __init__(self, plan: RunPlan, engine: str, *, echoes_logs: bool) -> None:
        self.spec = plan.spec
        self.engine = engine
        self.failures: list[dict[str, Any]] = []
        self.traces = gathered()
        self._plan, self._machines = plan, plan.machines
        self._tails = {x: Tail(x, is_echoed=echoes_logs) for x in self._machines}
        self._accounts: list[dict[str, Any]] = []
        self._so_far: dict[str, NodeStatistics] = {}
        self._unseen: set[str] = set()
        self._records: dict[str, list[Any]] = {x: [] for x in plan.options.record}

    def take(self, node: str, message: Message) -> bool:
        """Take in what a host says; tell whether it was for here."""
        verb, arguments = message.verb, message.arguments
        if verb == "log":
            self._tails[node].log(*arguments)
        elif verb == "records":
            self._records[arguments[0]] += from_bytes(message.data)
        elif verb == "unrecorded":
            self.failures.append(arguments[0])
        elif verb == "report":
            self._accounts.append(arguments[0])
        elif verb == "seen":
            self._so_far[node] = arguments[0]
            self._unseen.discard(node)
        elif verb == "trace" and self.traces is not None:
            kind, name = arguments
            self.traces.processes[node].take(kind, name, message.data)
        else:
            return False
        return True

    def trace(self, node: str, offset_ns: int) -> None:
        """Know that a host will be traced, and how far its clock is ahead [ns]."""
        assert self.traces is not None
        self.traces.processes[node] = Trace()
        self.traces.offsets[node] = offset_ns

    def broke(self, node: str, traceback: str) -> None:
        """Know of what a host has failed."""
        self._tails[node].lines += traceback.splitlines()

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a host has logged."""
        return list(self._tails[node].lines) if node in self._tails else []

    def wants_look(self) -> bool:
        """Say whether all have answered the last look; then another one begins."""
        if self._unseen:
            return False
        self._unseen = set(self._machines)
        return True

    def so_far(self, tick: int, duration_s: float) -> RunReport | None:
        """Return a report of a run that goes on; None before every host was heard.

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

    def report(self, cut: StopPoint, ended_by: str, duration_s: float) -> RunReport:
        """Return the report of a run that has ended.

        Args:
            cut: Where.
            ended_by: Why.
            duration_s: How long it ran [s].
        """
        for account in self._accounts:
            for failure in account["failures"]:
                place = (cut.kind, cut.component, cut.tick)
                if place == ("error", failure["component"], failure["tick"]):
                    self.failures.insert(0, failure)
        merged = MergedStatistics(self._plan, self._accounts)
        return RunReport(
            engine=self.engine,
            system=self.spec.name,
            iterations=cut.tick if self._accounts else 0,
            duration_s=duration_s,
            late_ticks=merged.late_ticks,
            ended_by=ended_by,
            components=merged.components(),
            connections=merged.connections(),
            records={
                address: self._records[address]
                for address in self.spec.outputs()
                if address in self._records
            },
        )

    def error(self, report: RunReport) -> ComponentError:
        """Return the first failure as an error that carries the others."""
        said, *rest = self.failures
        later = [
            f"{item['component']!r} failed in {item['phase']}: {item['error']}"
            for item in rest
        ]
        node = self._plan.node_of(said["component"])
        return ComponentError(
            said["component"],
            node,
            said["phase"],
            said["tick"],
            said["error"],
            said["traceback"],
            report,
            said["place"],
            later,
            self._machines.get(node, "local"),
        )
