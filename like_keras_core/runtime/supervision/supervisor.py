"""The launcher's side of a run over several processes.

It waits until every process has connected, takes them through the phases of their
components' lives, each a barrier over all of them, coordinates the end, and collects
what they report. A process that is lost ends the run, by name.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from like_keras_core.errors import HostLostError, VersionMismatchError
from like_keras_core.report import Progress, RunReport
from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.message import ProtocolError, assert_never
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.server import ControlServer, ServerConnection
from like_keras_core.runtime.control.termination import StopCoordinator
from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.supervision.results import ResultCollector
from like_keras_core.runtime.trace import PINGS, clock_name, offset_of

_LOOK_S = 0.1
_END_S = 0.3
_LINK_REPLY_S = 5.0
"""How much longer than for their links processes may take to speak of them [s]."""

_AT_ONCE = 10
"""So many processes start at a time; of more, each waits for the others' processors."""

Lost = Callable[[], Mapping[str, str]]
"""Says of which nodes the processes have ended, and how."""

R = TypeVar("R", bound=p.Reply)
PhaseR = TypeVar("PhaseR", bound=p.PhaseReply)


class _Stopped(Exception):
    """The run was asked to end before it began."""


class Supervisor:
    """Runs a system whose nodes are processes that connect to a control server.

    Args:
        plan: What runs.
        server: Where they connect.
        engine: The engine's name, for the report.
        stop: Asks the run to end.
        lost: Asked for processes that have ended while waiting for them.
        progress: Called with the number of ticks done, now and then.
        start_s: How long up to ten processes may take to connect [s]; more take longer.
        link_s: How long their first frames to each other may take [s], likewise.
        echoes_logs: Whether what the processes log is logged here once more.

    Attributes:
        introductions: By node, what its process said when it connected.
    """

    def __init__(
        self,
        plan: RunPlan,
        server: ControlServer,
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
        self.server = server
        self.engine = engine
        self.stop = stop
        self.options = plan.options
        self.lost = lost
        self.progress = progress
        slowness = max(1.0, len(plan.machines) / _AT_ONCE)
        self.start_s, self.link_s = start_s * slowness, link_s * slowness
        self.machines = dict(plan.machines)
        self.introductions: dict[str, p.Hello] = {}
        #: By node, the connection on which its `Hello` came; one each, never replaced.
        self._connections: dict[str, ServerConnection] = {}
        #: Every connection, whoever is there; all are closed at the end.
        self._accepted: list[ServerConnection] = []
        #: From the server's thread to the one that runs: only what comes on one of
        #: `_connections`, each one's in its order, `Hello` first; None only wakes.
        self._inbox: SignalSafeQueue[tuple[str, p.FromNode] | None] = SignalSafeQueue()
        self._coordinator: StopCoordinator
        self._results = ResultCollector(plan, engine, echoes_logs=echoes_logs)
        if self._results.traces is not None:
            self.options = replace(self.options, trace=True)
        #: When to ask again which processes have ended [s].
        self._looks_at = 0.0
        #: Whether the run has ended: from then on whoever connects is sent away.
        self._is_over = False
        #: When tick 0 was started [s]; None before: then no tick counts.
        self._began: float | None = None
        self._duration_s = 0.0
        #: What nodes waited for when the run was asked to end; empty before.
        self._waited_for: Sequence[str] = ()

    def run(self, iterations: int | None) -> RunReport:
        """Take the processes through a whole run.

        Args:
            iterations: How many ticks; None until stopped.

        Raises:
            ComponentError: A component raised; it carries the report.
            HostLostError: A process ended, or was silent for too long.
            VersionMismatchError: The processes do not fit together.
        """
        self._coordinator = StopCoordinator(self.machines, iterations)
        self.server.start(self._connected)
        try:
            self._supervise()
        except _Stopped:
            pass
        finally:
            self._end()
        stop_point = self._coordinator.stop_point
        ended_by = stop_point.kind
        if self._began is None:
            ended_by = "error" if self._results.failures else "stop"
        if ended_by == "stop":
            ended_by = self.stop.reason
        waited_for = self._waited_for if ended_by in ("interrupt", "timeout") else ()
        took_s = self._duration_s
        report = self._results.report(stop_point, ended_by, took_s, waited_for)
        if self._results.failures:
            raise self._results.error(report)
        return report

    def _end(self) -> None:
        """Let all processes exit, and accept no more."""
        self._tell(p.RunEnded())
        self.server.close()
        self._is_over = True
        for connection in self._accepted:
            connection.close()

    def _connected(self, connection: ServerConnection) -> None:
        """Learn from its `Hello` which node runs there."""
        self._accepted.append(connection)
        node = ""
        is_refused = False

        def heard(message: p.FromProcess) -> None:
            nonlocal node, is_refused
            if isinstance(message, p.GetSystem):
                # Sent from a thread, so that a slow reader does not block the others.
                copy = [p.SystemCopy(self.plan.spec.to_json().encode())]
                threading.Thread(target=connection.send, args=copy, daemon=True).start()
                return
            if not node and not is_refused:
                node = self._admit(connection, message)
                is_refused = not node
            if node:
                self._inbox.put((node, message))

        connection.start(heard)
        if self._is_over:
            connection.close()

    def _admit(self, connection: ServerConnection, message: p.FromNode) -> str:
        """Return the node that runs there; disconnect one that is not expected."""
        node = message.node if isinstance(message, p.Hello) else ""
        if node not in self.machines or node in self._connections or self._is_over:
            connection.close()
            return ""
        self._connections[node] = connection
        return node

    def _supervise(self) -> None:
        """Configure and activate all, run, and shut down exactly those that came up."""
        late = "it did not connect to the launcher"
        self.introductions = self._all(p.Hello, self.start_s, late)
        self._check()
        endpoints = {node: x.endpoint for node, x in self.introductions.items()}
        self._tell(p.Build(self.options.to_dict(), endpoints))
        if not self._succeed(p.Ready):
            return
        if self._results.traces is not None:
            for node in self.machines:
                self._results.trace(node, self._clock_of(node))
        self._tell(p.Configure())
        is_up = self._succeed(p.Configured)
        if is_up:
            self._tell(p.Activate())
            is_up = self._succeed(p.Activated)
        if is_up and self._link():
            self._run()
        self._tell(p.Deactivate())
        self._succeed(p.Deactivated)
        self._tell(p.Shutdown())
        self._succeed(p.ShutDown)
        if is_up:
            self._tell(p.RequestReport())
            self._all(p.Reported)

    def _link(self) -> bool:
        """Have every node hear from those that it sends to, before the first tick.

        Returns:
            False if the run was asked to end meanwhile.

        Raises:
            HostLostError: There is a node that does not answer another one.
        """
        self._tell(p.Link(self.link_s))
        late = "it did not say whether the others receive what it sends"
        try:
            replies = self._all(p.Linked, self.link_s + _LINK_REPLY_S, late)
        except _Stopped:
            return False
        for node, reply in replies.items():
            for other in reply.unheard:
                raise self._lost(
                    other,
                    f"it has not answered {node!r} over {self.engine} within "
                    f"{self.link_s:g} s, though both are connected to the launcher: "
                    "what one of them sends does not reach the other",
                )
        return True

    def _clock_of(self, node: str) -> int:
        """Return how far a process's clock is ahead of this one's [ns]."""
        readings: list[tuple[int, int, int]] = []
        while len(readings) < PINGS:
            asked = time.monotonic_ns()
            self._connections[node].send(p.ReadClock())
            reply: p.Clock | None = None
            while reply is None:
                item = self._next()
                if item is not None and isinstance(item[1], p.Clock):
                    reply = item[1]
            if reply.clock == clock_name():
                return 0
            readings.append((asked, reply.time_ns, time.monotonic_ns()))
        return offset_of(readings)

    def _check(self) -> None:
        """Refuse processes that have another like_keras, or another system."""
        different = {}
        for node, hello in self.introductions.items():
            for name, version in self.plan.versions.items():
                theirs = hello.versions.get(name, "none")
                if theirs != version:
                    different[node] = f"it has {name} {theirs}, and {version} is here"
            if hello.system != self.plan.digest:
                different[node] = "what it has of the system is not what is here"
        if different:
            raise VersionMismatchError(different)

    def _tell(self, message: p.ToProcess) -> None:
        for connection in list(self._connections.values()):
            connection.send(message)

    def _succeed(self, kind: type[PhaseR]) -> bool:
        """Wait for all; keep their failures, and tell whether there were none."""
        replies = self._all(kind)
        failures = [item for node in self.machines for item in replies[node].failures]
        self._results.failures += failures
        return not failures

    def _all(
        self, kind: type[R], timeout_s: float | None = None, late: str = ""
    ) -> dict[str, R]:
        """Wait until every process has replied; return the replies by node.

        Args:
            kind: The class of the reply.
            timeout_s: How long; then a stop ends the wait too.
            late: Error text for a process that misses the deadline.
        """
        replies: dict[str, R] = {}
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while len(replies) < len(self.machines):
            if deadline is not None and self.stop.is_set:
                raise _Stopped
            item = self._next()
            if item is not None and isinstance(item[1], kind):
                replies[item[0]] = item[1]
            elif deadline is not None and time.monotonic() > deadline:
                silent = next(name for name in self.machines if name not in replies)
                raise self._lost(silent, f"{late} within {timeout_s:g} s")
        return replies

    def _next(self) -> tuple[str, p.Reply] | None:
        """Wait for what a process says, and look after the processes meanwhile.

        Returns:
            Its node and its reply, if it was one; else None, at least now and then.
        """
        try:
            item = self._inbox.get(_LOOK_S)
        except queue.Empty:
            item = None
        now = time.monotonic()
        if now > self._looks_at:
            self._looks_at = now + _LOOK_S
            for lost, how in self.lost().items():
                raise self._lost(lost, how)
        if item is None:
            return None
        node, message = item
        if isinstance(message, p.Reply):
            return node, message
        try:
            self._take(node, message)
        except ProtocolError as error:
            how = f"it sent a message that cannot be taken ({error})"
            raise self._lost(node, how) from None
        return None

    def _take(self, node: str, message: p.Unasked) -> None:
        """Take in what may come at any time."""
        if isinstance(message, p.ToCoordinator):
            self._coordinator.receive(node, message)
            return
        if isinstance(message, p.Result):
            self._results.take(node, message)
            return
        match message:
            case p.RelayFrame(other, data):
                if other not in self._connections:
                    raise ProtocolError(message.verb, f"is for {other!r}, not a node")
                self._connections[other].send(p.Frame(data))
            case p.StopAsked():
                self.stop.set()
            case p.NodeFailed(traceback):
                self._results.add_traceback(node, traceback)
                last = (traceback.splitlines() or [""])[-1]
                raise self._lost(node, f"it failed: {last}")
            case p.ConnectionLost(reason):
                raise self._lost(node, self._how(node) or reason)
            case _:
                assert_never(message)

    def _how(self, node: str) -> str:
        """Wait a moment for what is known of how a process has ended."""
        until = time.monotonic() + _END_S
        while time.monotonic() < until:
            if how := self.lost().get(node):
                return how
            time.sleep(0.01)
        return ""

    def _lost(self, node: str, how: str) -> HostLostError:
        tick = None if self._began is None else self._coordinator.progress_of(node)
        machine = self.machines.get(node, "local")
        log, waited_for = self._results.tail(node), self._results.waited_for(node)
        return HostLostError(node, how, machine, tick, log, waited_for)

    def _run(self) -> None:
        coordinator = self._coordinator
        self._began = time.monotonic()
        self._post()
        self._tell(p.Start())
        with self.stop.calling(lambda: self._inbox.put(None)):
            while not coordinator.is_done:
                self._next()
                if self.stop.is_set and not coordinator.is_stopping:
                    self._waited_for = self._results.waited_for(*self.machines)
                    coordinator.stop()
                self._post()
                if self.progress is not None:
                    ticks = min(coordinator.low_watermark, coordinator.stop_point.tick)
                    self.progress(Progress(ticks, self._so_far))
        self._duration_s = time.monotonic() - self._began

    def _post(self) -> None:
        for node, message in self._coordinator.outbox:
            self._connections[node].send(message)
        self._coordinator.outbox.clear()

    def _so_far(self) -> RunReport | None:
        """Return what has been done, as far as is known, and ask for news of it."""
        if self._results.begin_request():
            self._tell(p.RequestStatistics())
        if self._began is None:
            return None
        done = min(self._coordinator.low_watermark, self._coordinator.stop_point.tick)
        return self._results.so_far(done, time.monotonic() - self._began)
