"""The launching process's part of a run over several processes.

It waits until every host has called, takes them through the phases of their lives,
each a barrier over all of them, keeps the agreement on the end, and gathers what they
report. A host that is lost ends the run, by name.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from like_keras_core.errors import HostLostError, VersionMismatchError
from like_keras_core.report import Progress, RunReport
from like_keras_core.runtime.control.connection import ControlConnection, Message
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.control.termination import StopCoordinator
from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.supervision.results import ResultCollector
from like_keras_core.runtime.trace import PINGS, clock_name, offset_of

_LOOK_S = 0.1
_END_S = 0.3
_SAY_S = 5.0
"""How much longer than for their links hosts may take to speak of them [s]."""

_AT_ONCE = 10
"""So many processes start at a time; of more, each waits for the others' processors."""

Lost = Callable[[], Mapping[str, str]]
"""Says of which nodes the processes have ended, and how."""


class _Stopped(Exception):
    """The run was asked to end before it began."""


class Supervisor:
    """Runs a system whose nodes are processes that call a switchboard.

    Args:
        plan: What runs.
        switchboard: Where they call.
        engine: The engine's name, for the report.
        stop: Asks the run to end.
        lost: Asked for processes that have ended while waiting for them.
        progress: Called with the number of ticks done, now and then.
        start_s: How long ten hosts or fewer may take to call [s]; more take longer.
        link_s: How long their first frames to each other may take [s], likewise.
        echoes_logs: Whether what the hosts log is logged here once more.

    Attributes:
        introductions: By node, what its host said when it called: `pid`, `host`,
            `python`, `system` and `versions`.
    """

    def __init__(
        self,
        plan: RunPlan,
        switchboard: ControlServer,
        *,
        engine: str,
        stop: StopSignal,
        lost: Lost = dict,
        progress: Callable[[int], object] | None = None,
        start_s: float = 60.0,
        link_s: float = 30.0,
        echoes_logs: bool = True,
    ) -> None:
        self.plan = plan
        self.switchboard = switchboard
        self.engine = engine
        self.stop = stop
        self.options = plan.options
        self.lost = lost
        self.progress = progress
        slowness = max(1.0, len(plan.machines) / _AT_ONCE)
        self.start_s, self.link_s = start_s * slowness, link_s * slowness
        self.machines = dict(plan.machines)
        self.lines: dict[str, ControlConnection] = {}
        self._callers: list[ControlConnection] = []
        self.introductions: dict[str, Mapping[str, Any]] = {}
        self._inbox: SignalSafeQueue[tuple[str, Message]] = SignalSafeQueue()
        self._leader: StopCoordinator
        self._findings = ResultCollector(plan, engine, echoes_logs=echoes_logs)
        if self._findings.traces is not None:
            self.options = replace(self.options, trace=True)
        self._looks_at = 0.0
        self._is_over = False
        self._began: float | None = None
        self._duration_s = 0.0

    def run(self, iterations: int | None) -> RunReport:
        """Take the hosts through a whole run.

        Raises:
            ComponentError: A component raised; it carries the report.
            HostLostError: A process ended, or was silent for too long.
            VersionMismatchError: The processes do not fit together.
        """
        self._leader = StopCoordinator(self.machines, iterations)
        self.switchboard.start(self._called)
        try:
            self._conduct()
        except _Stopped:
            pass
        finally:
            self._hang_up()
        ended_by = self._leader.cut.kind
        if self._began is None:
            ended_by = "error" if self._findings.failures else "stop"
        if ended_by == "stop":
            ended_by = self.stop.reason
        report = self._findings.report(self._leader.cut, ended_by, self._duration_s)
        if self._findings.failures:
            raise self._findings.error(report)
        return report

    def _hang_up(self) -> None:
        """Tell everybody that it is over, and answer no more."""
        self._tell("over")
        self.switchboard.close()
        self._is_over = True
        for line in self._callers:
            line.close()

    def _called(self, line: ControlConnection) -> None:
        """Learn which host has called from the first thing that it says.

        One that has no copy of the system may ask for it before.
        """
        self._callers.append(line)
        name: list[str] = []
        refused = threading.Event()

        def heard(message: Message) -> None:
            if not name and message.verb == "system":
                # Whoever reads slowly holds up nobody else.
                data = {"data": self.plan.spec.to_json().encode()}
                sending = threading.Thread(
                    target=line.send, args=["system"], kwargs=data, daemon=True
                )
                sending.start()
                return
            if not name and not refused.is_set():
                node = message.arguments[0] if message.verb == "hello" else None
                if node not in self.machines or node in self.lines or self._is_over:
                    refused.set()
                    line.close()
                    return
                name.append(node)
                self.lines[node] = line
            if name:
                self._inbox.put((name[0], message))

        line.start(heard)
        if self._is_over:
            line.close()

    def _conduct(self) -> None:
        """Take everybody up, run, and take down exactly what went up."""
        said = self._all("hello", self.start_s, "it did not call")
        self.introductions = {node: said[node][1] for node in said}
        self._check()
        endpoints = {node: said[node][1]["endpoint"] for node in said}
        self._tell("build", self.options.to_dict(), endpoints)
        if not self._well("ready"):
            return
        if self._findings.traces is not None:
            for node in self.machines:
                self._findings.trace(node, self._clock_of(node))
        self._tell("configure")
        is_up = self._well("configured")
        if is_up:
            self._tell("activate")
            is_up = self._well("activated")
        if is_up and self._link():
            self._run()
        self._tell("deactivate")
        self._well("deactivated")
        self._tell("shutdown")
        self._well("shut down")
        if is_up:
            self._tell("report")
            self._all("reported")

    def _link(self) -> bool:
        """Have every host hear from those that it sends to, before the first tick.

        A transport may seem to work and carry nothing between two of them.

        Returns:
            False if the run was asked to end meanwhile.

        Raises:
            HostLostError: There is a host that does not answer another one.
        """
        self._tell("link", self.link_s)
        late = "it did not say whether the others hear it"
        try:
            said = self._all("linked", self.link_s + _SAY_S, late)
        except _Stopped:
            return False
        for node, (unheard,) in said.items():
            for other in unheard:
                raise self._lost(
                    other,
                    f"it has not answered {node!r} over {self.engine} in "
                    f"{self.link_s:g} s, though both have called: what one of them "
                    "sends does not reach the other",
                )
        return True

    def _clock_of(self, node: str) -> int:
        """Return how far a host's clock is ahead of this one's [ns]."""
        readings: list[tuple[int, int, int]] = []
        while len(readings) < PINGS:
            asked = time.monotonic_ns()
            self.lines[node].send("clock")
            who = verb = ""
            while (who, verb) != (node, "clock"):
                who, (verb, arguments, _) = self._next()
            if arguments[1] == clock_name():
                return 0
            readings.append((asked, arguments[0], time.monotonic_ns()))
        return offset_of(readings)

    def _check(self) -> None:
        """Refuse hosts that have another like_keras, or another system."""
        different = {}
        for node, said in self.introductions.items():
            for name, version in self.plan.versions.items():
                found = said["versions"].get(name, "none")
                if found != version:
                    different[node] = f"it has {name} {found}, and {version} is here"
            if said["system"] != self.plan.digest:
                different[node] = "what it has of the system is not what is here"
        if different:
            raise VersionMismatchError(different)

    def _tell(self, verb: str, *arguments: Any) -> None:
        for line in list(self.lines.values()):
            line.send(verb, *arguments)

    def _well(self, verb: str) -> bool:
        """Wait for all; keep their failures, and tell whether there were none."""
        said = self._all(verb)
        failures = [item for node in self.machines for item in said[node][0]]
        self._findings.failures += failures
        return not failures

    def _all(
        self, verb: str, timeout_s: float | None = None, late: str = ""
    ) -> dict[str, tuple[Any, ...]]:
        """Wait until every host has said a verb; return the arguments by node.

        Args:
            verb: The verb.
            timeout_s: How long; then a stop ends the wait too.
            late: What is wrong with one that has not said it then.
        """
        found: dict[str, tuple[Any, ...]] = {}
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while len(found) < len(self.machines):
            if deadline is not None and self.stop.is_set:
                raise _Stopped
            node, message = self._next()
            if message.verb == verb:
                found[node] = message.arguments
            elif deadline is not None and time.monotonic() > deadline:
                silent = next(name for name in self.machines if name not in found)
                raise self._lost(silent, f"{late} in {timeout_s:g} s")
        return found

    def _next(self) -> tuple[str, Message]:
        """Wait for what a host says, and look after their processes meanwhile.

        Returns:
            The host's node and what it said; or nobody and nothing, now and then.
        """
        try:
            node, message = self._inbox.get(_LOOK_S)
        except queue.Empty:
            node, message = "", Message("nothing")
        now = time.monotonic()
        if now > self._looks_at:
            self._looks_at = now + _LOOK_S
            for lost, how in self.lost().items():
                raise self._lost(lost, how)
        if self._keep(node, message):
            return "", Message("nothing")
        return node, message

    def _keep(self, node: str, message: Message) -> bool:
        """Take in what may come at any time; tell whether it was such a thing."""
        verb, arguments = message.verb, message.arguments
        if verb == "frame":
            self.lines[arguments[0]].send("frame", data=message.data)
        elif verb == "stop":
            self.stop.set()
        elif verb == "broken":
            self._findings.broke(node, arguments[0])
            raise self._lost(node, "it failed: " + arguments[0].splitlines()[-1])
        elif verb == "lost":
            raise self._lost(node, self._how(node) or arguments[0])
        else:
            return self._findings.take(node, message)
        return True

    def _how(self, node: str) -> str:
        """Wait a moment for what is known of how a process has ended."""
        until = time.monotonic() + _END_S
        while time.monotonic() < until:
            if how := self.lost().get(node):
                return how
            time.sleep(0.01)
        return ""

    def _lost(self, node: str, how: str) -> HostLostError:
        tick = None if self._began is None else self._leader.progress_of(node)
        machine = self.machines.get(node, "local")
        return HostLostError(node, how, machine, tick, self._findings.tail(node))

    def _run(self) -> None:
        leader = self._leader
        self._began = time.monotonic()
        self._post()
        self._tell("start")
        with self.stop.calling(lambda: self._inbox.put(("", Message("end")))):
            while not leader.is_done:
                node, message = self._next()
                if message.verb == "end":
                    leader.stop()
                elif node:
                    leader.receive(node, (message.verb, *message.arguments))
                self._post()
                if self.progress is not None:
                    ticks = min(leader.floor, leader.cut.tick)
                    self.progress(Progress(ticks, self._look))
        self._duration_s = time.monotonic() - self._began

    def _post(self) -> None:
        for node, message in self._leader.outbox:
            self.lines[node].send(*message)
        self._leader.outbox.clear()

    def _look(self) -> RunReport | None:
        """Return what has been done, as far as is known, and ask for news of it."""
        if self._findings.wants_look():
            self._tell("look")
        if self._began is None:
            return None
        done = min(self._leader.floor, self._leader.cut.tick)
        return self._findings.so_far(done, time.monotonic() - self._began)
