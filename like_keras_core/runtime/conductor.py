"""The launching process's part of a run over several processes.

It waits until every host has called, takes them through the phases of their lives,
each a barrier over all of them, keeps the agreement on the end, and gathers what they
report. A host that is lost ends the run, by name.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from like_keras_core.codecs.msgpack import from_bytes
from like_keras_core.errors import ComponentError, HostLostError
from like_keras_core.report import ComponentReport, ConnectionReport, RunReport
from like_keras_core.runtime.agreement import Leader
from like_keras_core.runtime.control import Line, Message, Switchboard
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.spec import SystemSpec, split_address

_LOOK_S = 0.1


class Conductor:
    """Runs a system whose nodes are processes that call a switchboard.

    Args:
        spec: The system.
        switchboard: Where they call.
        engine: The engine's name, for the report.
        stop: Asks the run to end.
        lost: Says which processes have ended, and how: polled while waiting.
        start_s: How long the hosts may take to call [s].
    """

    def __init__(
        self,
        spec: SystemSpec,
        switchboard: Switchboard,
        *,
        engine: str,
        stop: StopSignal,
        lost: Callable[[], Mapping[str, str]] = dict,
        start_s: float = 60.0,
    ) -> None:
        self.spec = spec
        self.switchboard = switchboard
        self.engine = engine
        self.stop = stop
        self.lost = lost
        self.start_s = start_s
        self.nodes = [node.name for node in spec.nodes]
        self.lines: dict[str, Line] = {}
        self._inbox: queue.SimpleQueue[tuple[str, Message]] = queue.SimpleQueue()
        self._failure: dict[str, Any] | None = None
        self._reports: dict[str, tuple[Any, ...]] = {}
        self._records: dict[str, Any] = {}
        self._duration_s = 0.0

    def run(self, iterations: int | None) -> RunReport:
        """Take the hosts through a whole run.

        Raises:
            ComponentError: A component raised; it carries the report.
            HostLostError: A process ended, or was silent for too long.
        """
        self.switchboard.start(self._called)
        leader = Leader(self.nodes, iterations)
        try:
            self._conduct(leader)
        finally:
            self._tell("over")
            self.switchboard.close()
        report = self._report(leader, self._duration_s)
        if self._failure is not None:
            raise self._error(self._failure, report)
        return report

    def _called(self, line: Line) -> None:
        """Learn which host has called from the first thing that it says."""
        name: list[str] = []
        ready = threading.Event()

        def heard(message: Message) -> None:
            if not ready.is_set():
                if message.verb != "ready" or message.arguments[0] not in self.nodes:
                    line.close()
                    return
                name.append(message.arguments[0])
                self.lines[name[0]] = line
                ready.set()
            self._inbox.put((name[0], message))

        line.start(heard)

    def _conduct(self, leader: Leader) -> None:
        """Take everybody up, run, and take down exactly what went up."""
        if not self._all("ready", time.monotonic() + self.start_s, place=1):
            return
        is_up = self._phase("configure", "configured") and self._phase(
            "activate", "activated"
        )
        if is_up:
            self._run(leader)
        self._phase("deactivate", "deactivated")
        self._phase("shutdown", "shut down")
        self._tell("report")
        self._all("reported")

    def _phase(self, verb: str, answer: str) -> bool:
        """Say a phase to all, wait for all, and tell whether all went well."""
        self._tell(verb)
        return self._all(answer)

    def _tell(self, verb: str, *arguments: Any) -> None:
        for line in self.lines.values():
            line.send(verb, *arguments)

    def _all(self, verb: str, deadline: float | None = None, place: int = 0) -> bool:
        """Wait until every host has said a verb; keep the first failure it tells of."""
        missing = set(self.nodes)
        well = True
        while missing:
            node, message = self._next(deadline, missing)
            if message.verb == verb:
                missing.discard(node)
                said = message.arguments[place] if message.arguments[place:] else None
                if said is not None:
                    well = False
                    self._failure = self._failure or said
            else:
                self._keep(message, node)
        return well

    def _keep(self, message: Message, node: str) -> None:
        if message.verb == "report":
            self._reports[node] = message.arguments
        elif message.verb == "records":
            self._records[message.arguments[0]] = from_bytes(message.data)

    def _next(
        self, deadline: float | None, missing: Sequence[str] | set[str]
    ) -> tuple[str, Message]:
        """Wait for a message, looking after the processes meanwhile."""
        while True:
            for lost, how in self.lost().items():
                raise HostLostError(lost, how)
            if deadline is not None and time.monotonic() > deadline:
                silent = sorted(set(missing) - self.lines.keys()) or sorted(missing)
                text = f"it did not call in {self.start_s:g} s"
                raise HostLostError(silent[0], text)
            try:
                node, message = self._inbox.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            if message.verb == "lost":
                raise HostLostError(node, message.arguments[0])
            return node, message

    def _run(self, leader: Leader) -> None:
        began = time.monotonic()
        self._post(leader)
        self._tell("start")
        with self.stop.calling(lambda: self._inbox.put(("", Message("stop")))):
            while not leader.is_done:
                node, message = self._next(None, ())
                if message.verb == "stop":
                    leader.stop()
                elif node:
                    leader.receive(node, (message.verb, *message.arguments))
                self._post(leader)
        self._duration_s = time.monotonic() - began

    def _post(self, leader: Leader) -> None:
        for node, message in leader.outbox:
            self.lines[node].send(*message)
        leader.outbox.clear()

    def _report(self, leader: Leader, duration_s: float) -> RunReport:
        components: dict[str, ComponentReport] = {}
        messages: dict[str, int] = {}
        crossed: dict[str, int] = {}
        nodes = {item.name: item.node for item in self.spec.components}
        for counts, sent, sizes, failure in self._reports.values():
            for name, (fired, absent) in counts.items():
                components[name] = ComponentReport(fired=fired, absent=absent)
            messages |= sent
            crossed |= sizes
            cut = leader.cut
            if (
                failure is not None
                and self._failure is None
                and (cut.kind, cut.component) == ("error", failure["component"])
                and cut.tick == failure["tick"]
            ):
                self._failure = failure
        ended = leader.cut.kind if self._reports and self._duration_s else "error"
        return RunReport(
            engine=self.engine,
            system=self.spec.name,
            iterations=leader.cut.tick if self._duration_s else 0,
            duration_s=duration_s,
            ended_by=self.stop.reason if ended == "stop" else ended,
            components={
                item.name: components.get(item.name, ComponentReport())
                for item in self.spec.components
            },
            connections={
                str(item): ConnectionReport(
                    messages=messages.get(item.source, 0),
                    bytes=crossed.get(
                        f"{item.source} -> {nodes[split_address(item.target)[0]]}", 0
                    ),
                )
                for item in self.spec.connections
            },
            records={
                address: self._records[address]
                for item in self.spec.components
                for port in item.outputs
                if (address := f"{item.name}.{port.name}") in self._records
            },
        )

    def _error(self, said: dict[str, Any], report: RunReport) -> ComponentError:
        nodes = {item.name: item.node for item in self.spec.components}
        return ComponentError(
            said["component"],
            nodes.get(said["component"], "?"),
            said["phase"],
            said["tick"],
            said["error"],
            said["traceback"],
            report,
            said["place"],
        )
