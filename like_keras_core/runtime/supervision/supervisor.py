"""The launcher's side of a run over several processes.

It waits until every process has connected, takes them through the phases of their
components' lives, each a barrier over all of them, coordinates the end, and collects
what they report. A process that is lost ends the run, by name.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import TypeVar

from like_keras_core.errors import HostLostError
from like_keras_core.report import Progress, RunReport
from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.keys import frame_keys
from like_keras_core.runtime.control.message import ProtocolError, assert_never
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.control.termination import StopCoordinator
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.supervision.loss_reasons import how_it_ended
from like_keras_core.runtime.supervision.losses import NO_LIFE, Losses
from like_keras_core.runtime.supervision.message_checks import MessageChecks
from like_keras_core.runtime.supervision.node_connections import NodeConnections
from like_keras_core.runtime.supervision.progress_guard import ProgressGuard
from like_keras_core.runtime.supervision.results import ResultCollector
from like_keras_core.runtime.supervision.stop_deadline import StopDeadline
from like_keras_core.runtime.supervision.stop_notice import StopNotice
from like_keras_core.runtime.supervision.version_check import check_same
from like_keras_core.runtime.trace import measured_offset

_LOOK_S, _SILENCE_S = 0.1, 3.0
"""How often processes are looked at, and their silence at the end on top [s]."""

_LOST_S = 1.0
"""How long processes may take to exit, where one of them is lost [s]."""

_LINK_REPLY_S = 5.0
"""How much longer than for their links processes may take to speak of them [s]."""

_AT_ONCE = 10
"""So many processes start at a time; of more, each waits for the others' processors."""

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
        ended: Asked how the process of a node has ended whose connection is lost.
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
        lost: Callable[[], Mapping[str, str]] = dict,
        ended: Callable[[str], str] = lambda node: "",
        progress: Callable[[int], object] | None = None,
        start_s: float = 60.0,
        link_s: float = 30.0,
        echoes_logs: bool = True,
    ) -> None:
        self.plan, self.server = plan, server
        self.engine, self.stop = engine, stop
        self.options = plan.options
        self.lost, self.ended = lost, ended
        self._progress = ProgressGuard(progress, stop, plan.options.stop_grace_s)
        slowness = max(1.0, len(plan.machines) / _AT_ONCE)
        self.start_s, self.link_s = start_s * slowness, link_s * slowness
        self.machines = dict(plan.machines)
        self.introductions: dict[str, p.Hello] = {}
        self._checks = MessageChecks(plan)
        self._nodes = NodeConnections(server, self.machines, plan.spec, self._checks)
        self._coordinator: StopCoordinator
        self._results = ResultCollector(plan, engine, echoes_logs=echoes_logs)
        states = partial(self._results.waited_for, *self.machines)
        self._notice = StopNotice(stop, plan.options.stop_grace_s, states)
        if self._results.traces is not None:
            self.options = replace(self.options, trace=True)
        #: When to ask again who has ended [s], and when each node was last heard of.
        self._looks_at = 0.0
        self._heard_at: dict[str, float] = {}
        self._losses = Losses(plan.spec)  # Nothing more comes of these.
        self.is_configured = False  # If so, processes get time to end.
        #: When tick 0 was started [s]; None before: then no tick counts.
        self._began: float | None = None
        self._duration_s = 0.0
        #: Whether it ended before what was agreed on, and what nodes waited for then.
        self._is_cut_short = False
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
        is_exact = not self.options.skips
        self._coordinator = StopCoordinator(self.machines, iterations, is_exact)
        self._nodes.open()
        try:
            with self.stop.calling(self._nodes.wake), self._progress.watching():
                self._supervise()
        except _Stopped:
            pass
        finally:
            self._nodes.close(hurried_by=sys.exc_info()[1])
            self._results.close()
        report = self._report()
        failures = self._results.failures
        if self._losses and (self._losses.came_first or not failures):
            raise self._losses.error(report if self._began else None, failures)
        if failures:
            raise self._results.error(report, self._losses.sentences())
        return report

    @property
    def ends_by(self) -> float:
        """Until when the processes have time to end, by `time.monotonic` [s].

        Where nothing was configured they have none; where one is lost, little.
        """
        if not self.is_configured:
            return 0.0
        return time.monotonic() + _LOST_S if self._losses else inf

    def _report(self) -> RunReport:
        results, stop_point = self._results, self._coordinator.stop_point
        ended_by, took_s = stop_point.kind, self._duration_s
        if self._began is None:
            ended_by = "error" if results.failures else "stop"
            self._waited_for = results.waited_for(*self.machines)
        if ended_by == "stop":
            ended_by = self.stop.reason or "error"
        waited_for = self._waited_for if ended_by in ("interrupt", "timeout") else ()
        is_short = self._is_cut_short
        return results.report(stop_point, ended_by, took_s, waited_for, is_short)

    def _supervise(self) -> None:
        """Configure and activate all, run, and shut down exactly those that came up."""
        late = "it did not connect to the launcher"
        self.introductions = self._all(p.Hello, self.start_s, late)
        check_same(self.plan, self.introductions)
        endpoints = {node: x.endpoint for node, x in self.introductions.items()}
        options, keys = self.options.to_dict(), frame_keys(self.plan.spec)
        for node in self.machines:
            self._nodes.send(node, p.Build(options, endpoints, keys.get(node, {})))
        if not self._succeed(p.Ready):
            return
        if self._results.traces is not None:
            for node in self.machines:
                read = partial(self._read_clock, node)
                self._results.trace(node, measured_offset(read))
        self.is_configured = True
        is_up = False
        try:
            self._nodes.tell(p.Configure())
            if self._succeed(p.Configured):
                self._nodes.tell(p.Activate())
                is_up = self._succeed(p.Activated)
            if is_up:
                self._link()
                self._run()
        except _Stopped:
            pass
        except HostLostError as error:
            self._lose(error)
            self._give_up()
        self._bring_down(with_report=is_up)

    def _bring_down(self, *, with_report: bool) -> None:
        """Deactivate and shut down whoever answers, within a bounded time."""
        if self._began is not None:
            self._duration_s = time.monotonic() - self._began
        self._nodes.tell(p.Deactivate())
        self._settle(p.Deactivated)
        self._nodes.tell(p.Shutdown())
        self._settle(p.ShutDown)
        if with_report:
            self._nodes.tell(p.RequestReport())
            self._settle(p.Reported)

    def _settle(self, kind: type[p.Reply]) -> None:
        """Wait for the replies of all that still say something.

        Each process watches over its components itself. One that is silent for longer
        than it may take cannot even do that.
        """
        patience_s = self.options.stop_grace_s + _SILENCE_S
        there = self.machines.keys() - self._losses.nodes
        waited = dict.fromkeys(there, time.monotonic())
        while waited:
            try:
                item = self._next()
            except HostLostError as error:
                self._lose(error)
                waited.pop(error.node, None)
                continue
            if item is not None:
                node, message = item
                if isinstance(message, p.PhaseReply):
                    self._results.add_failures(message.failures)
                if isinstance(message, kind):
                    waited.pop(node, None)
            for node in [*waited]:
                since = max(waited[node], self._heard_at.get(node, 0.0))
                if time.monotonic() > since + patience_s:
                    self._lose(self._lost(node, NO_LIFE.format(patience_s)))
                    del waited[node]

    def _lose(self, error: HostLostError) -> None:
        """Go on without a node."""
        is_first = self._coordinator.stop_point.kind != "error"
        self._losses.add(error, is_first and not self._results.failures)

    def _give_up(self) -> None:
        """End the run with what all have finished: somebody does not answer."""
        self._is_cut_short = True
        self._coordinator.give_up()
        self._post()

    def _link(self) -> None:
        """Have every node hear from those that it sends to, before the first tick.

        Raises:
            HostLostError: There is a node that does not answer another one.
        """
        self._nodes.tell(p.Link(self.link_s))
        late = "it did not say whether the others receive what it sends"
        replies = self._all(p.Linked, self.link_s + _LINK_REPLY_S, late)
        for node, reply in replies.items():
            for other in reply.unheard:
                raise self._lost(
                    other,
                    f"it has not answered {node!r} over {self.engine} within "
                    f"{self.link_s:g} s, though both are connected to the launcher: "
                    "what one of them sends does not reach the other",
                )

    def _read_clock(self, node: str) -> tuple[int, str]:
        self._nodes.send(node, p.ReadClock())
        while True:
            item = self._next()
            if item is not None and item[0] == node and isinstance(item[1], p.Clock):
                return item[1].time_ns, item[1].clock

    def _succeed(self, kind: type[PhaseR]) -> bool:
        """Wait for all; keep their failures, and tell whether there were none."""
        failures = [x for reply in self._all(kind).values() for x in reply.failures]
        self._results.add_failures(failures)
        return not failures

    def _all(
        self, kind: type[R], timeout_s: float = inf, late: str = ""
    ) -> dict[str, R]:
        """Wait until every process has replied; return the replies by node.

        Args:
            kind: The class of the reply.
            timeout_s: How long [s]. A stop ends the wait, a failure soon does.
            late: Error text for a process that misses the deadline.
        """
        replies: dict[str, R] = {}
        deadline, ends_at = time.monotonic() + timeout_s, inf
        while len(replies) < len(self.machines) and time.monotonic() < ends_at:
            if self.stop.is_set:
                raise _Stopped
            item = self._next()
            if item is not None and isinstance(item[1], kind):
                replies[item[0]] = item[1]
                if getattr(item[1], "failures", ()):
                    ends_at = min(ends_at, time.monotonic() + self.options.stop_grace_s)
            elif time.monotonic() > deadline:
                silent = next(name for name in self.machines if name not in replies)
                raise self._lost(silent, f"{late} within {timeout_s:g} s")
        return {node: replies[node] for node in self.machines if node in replies}

    def _next(self) -> tuple[str, p.Reply] | None:
        """Wait for what a process says, and look after the processes meanwhile.

        Returns:
            Its node and its reply, if it was one; else None, at least now and then.
        """
        self._notice.look()
        if time.monotonic() > self._looks_at:
            for lost, how in self.lost().items():
                if lost not in self._losses:
                    raise self._lost(lost, how)
            self._looks_at = time.monotonic() + _LOOK_S
        item = self._nodes.next(_LOOK_S)
        if item is None or item[0] in self._losses:
            return None
        node, message = item
        self._heard_at[node] = time.monotonic()
        try:
            self._checks.check(node, message)
            if isinstance(message, p.Reply):
                return node, message
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
                if other not in self._nodes:
                    raise ProtocolError(message.verb, f"is for {other!r}, not a node")
                self._nodes.send(other, p.Frame(data))
            case p.StopAsked():
                self.stop.set()
            case p.NodeFailed(traceback):
                self._results.add_traceback(node, traceback)
                last = (traceback.splitlines() or [""])[-1]
                raise self._lost(node, f"it failed: {last}")
            case p.ConnectionLost(reason, is_refused):
                how = "" if is_refused else how_it_ended(node, self.lost, self.ended)
                raise self._lost(node, how or reason)
            case _:
                assert_never(message)

    def _lost(self, node: str, how: str) -> HostLostError:
        tick = None if self._began is None else self._coordinator.progress_of(node)
        machine = self.machines.get(node, "local")
        log, waited_for = self._results.tail(node), self._results.waited_for(node)
        return HostLostError(node, how, machine, tick, log, waited_for)

    def _run(self) -> None:
        coordinator = self._coordinator
        self._began = time.monotonic()
        self._post()
        self._nodes.tell(p.Start())
        deadline = StopDeadline(coordinator, self.options.stop_grace_s)
        while not coordinator.is_done:
            self._next()
            if self.stop.is_set and not coordinator.is_stopping:
                self._waited_for = self._results.waited_for(*self.machines)
                coordinator.stop()
            if deadline.has_passed:
                self._give_up()
                break
            self._post()
            if self._progress.is_wanted:
                ticks = min(coordinator.low_watermark, coordinator.stop_point.tick)
                self._progress(Progress(ticks, self._so_far))

    def _post(self) -> None:
        for node, message in self._coordinator.outbox:
            self._nodes.send(node, message)
        self._coordinator.outbox.clear()

    def _so_far(self) -> RunReport | None:
        """Return what has been done, as far as is known, and ask for news of it."""
        if self._results.begin_request():
            self._nodes.tell(p.RequestStatistics())
        if self._began is None:
            return None
        done = min(self._coordinator.low_watermark, self._coordinator.stop_point.tick)
        return self._results.so_far(done, time.monotonic() - self._began)
