"""A process that runs one node: its host, its channels, and its control connection.

An engine starts such a process, gives it a `Transport`, and calls `serve`. Everything
else is here: building the components, the phases of their lives, the channels' frames,
the agreement on the end, and what happens when the launcher is gone.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from types import FrameType

from like_keras_core.authoring.attribute_watch import unwatched
from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.connection import ProcessConnection
from like_keras_core.runtime.control.log_forwarding import forwarding_logs, set_level
from like_keras_core.runtime.control.message import ProtocolError, assert_never
from like_keras_core.runtime.control.payloads import failures_of
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.termination import StopParticipant
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.runtime.flow.transport import Transport, endpoint_of
from like_keras_core.runtime.host.hook_calls import Activity
from like_keras_core.runtime.host.interruption import START_GRACE_S, Interrupter
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.host.quiet_ticks import QuietTicks
from like_keras_core.runtime.process import building
from like_keras_core.runtime.process.endpoints import Endpoints
from like_keras_core.runtime.process.inbox import Inbox
from like_keras_core.runtime.process.malloc import keep_freed_memory
from like_keras_core.runtime.process.reporting import send_report, send_statistics
from like_keras_core.runtime.process.serving_thread import ServingThread
from like_keras_core.runtime.process.wait_reports import WaitReports
from like_keras_core.runtime.process.watchdog import (
    Hang,
    Watchdog,
    begins_end,
    message_of,
    state_of,
)
from like_keras_core.runtime.trace import Trace, clock_name
from like_keras_core.spec import component_of
from like_keras_core.tap import Tap
from like_keras_core.values.main_module import set_argv

_LONGEST_WAIT_S = 0.25
_PROGRESS_S = 0.1
_GATHER_S = 400e-6
"""For how long a process with short ticks gathers frames: they travel together [s].
To hand over a frame takes up to half as long, so most of the time is left for ticks."""

_HURRY_S = 0.2
"""How long a hook may still take after a second signal [s]."""


class NodeProcess:
    """Runs one node for a launcher.

    Args:
        plan: The whole run.
        node: The node.
        connection: The control channel to the launcher.
        transport: The ways to the other nodes.
        folders: Where scripts are looked for.
        max_frame: The size of the largest frame that the transport takes [byte]; by
            node, where it depends on who is at the other end.
        taps: What this process calls after emissions, whoever has launched it.
    """

    def __init__(
        self,
        plan: RunPlan,
        node: str,
        connection: ProcessConnection,
        transport: Transport,
        folders: Sequence[Path] = (),
        *,
        max_frame: int | Mapping[str, int] | None = None,
        taps: Sequence[Tap] = (),
    ) -> None:
        self.plan = plan
        self.spec = plan.spec
        self.node = node
        self.connection = connection
        self.transport = transport
        self.folders = folders
        self.max_frame = max_frame
        self.taps = tuple(taps)
        self.inbox, self.options = Inbox(self._take), RunOptions()
        #: Both from `Build` on, unless that fails.
        self.host: NodeHost
        self.participant: StopParticipant
        self.ends = Endpoints(node, transport)
        #: When progress was said last that might have waited [s].
        self._said_at = 0.0
        #: When the last turn's tick ended [s], and whether one that lasted less than
        #: `_GATHER_S` ran in the last turn: then frames are gathered.
        self._turned_at = 0.0
        self._is_brisk = False
        #: What a transport raised while a component was sending; raised after its tick.
        self._unsent: Exception | None = None
        #: Whether frames leave: from `Link` to `Deactivate`.
        self._is_open = False
        #: Until when all readers must have answered [s]; infinite but between `Link`
        #: and `Linked`.
        self._link_by = inf
        #: Whether ticks run: from `Start` to `Deactivate`; and whether they ever did.
        self._running = False
        self._started = False
        #: Whether nothing more is to be served: the run or the launcher has ended.
        self._over = False
        #: Whether components were told to shut down; if not, `_leave` does it.
        self._down = False
        self._is_hurried = False
        #: From `Link` to the end it keeps the ticks of this process quiet.
        self._quiet = QuietTicks(None)
        self._thread = ServingThread()
        self._interrupter = Interrupter(
            lambda frame: bool(self._activity(frame)),
            lambda error: hasattr(self, "host") and self.host.release(error),
        )
        self._watchdog = Watchdog(
            self._thread,
            self._interrupter,
            grace_s=self._grace_s,
            running=lambda: self._activity(self._thread.frame),
            frame=self._frame,
            say=lambda running: connection.send(state_of(running, node)),
            tell=self._tell_hang,
            take_over=self._take_over,
        )

    def serve(self) -> None:
        """Serve control messages until the run ends."""
        keep_freed_memory()
        self.connection.start(self._heard)
        endpoint = endpoint_of(self.transport)
        with (
            unwatched(),
            forwarding_logs(self.connection),
            self._interrupter.installed(),
        ):
            self.connection.send(building.introduction(self.plan, self.node, endpoint))
            self._serve()

    def _serve(self) -> None:
        self._thread.take_over()
        try:
            while not self._over:
                self._turn()
        except BaseException:
            self._thread.turned()
            self.connection.send(p.NodeFailed(traceback.format_exc(limit=-100)))
            raise
        finally:
            self._leave()
            self._quiet.close()
            self._thread.turned()
            self._watchdog.is_over.set()
            self.connection.close()

    @property
    def is_over(self) -> bool:
        """Whether the run is over for this process."""
        return self._over

    def poll(self, timeout_s: float) -> None:
        """Service I/O and control messages, without running a tick.

        For a component that waits in `forward` for something outside of the run.

        Args:
            timeout_s: How long to wait for something to come [s].
        """
        now = time.monotonic()
        self._say_news(now)
        self.ends.send(now, idle=True)
        self.inbox.receive(timeout_s)

    def relay(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        """Send a frame by way of the launcher; for when no other way is left.

        Args:
            node: The node for which it is.
            frame: The parts of the frame.
        """
        self.connection.send(p.RelayFrame(node, b"".join(frame)))

    def stop(self) -> None:
        """Ask the launcher to end the run; from any thread or signal handler."""
        self._put(p.StopAsked())

    def _put(self, message: p.ToProcess | p.StopAsked) -> None:
        # Most watermark updates change nothing here, and a wake-up costs a message.
        is_news = not isinstance(message, p.LowWatermark) or self.host.is_held
        self.inbox.put(message, wakes=is_news)

    def _heard(self, message: p.ToProcess) -> None:
        """Take what the launcher says; see to it that this one ends."""
        self._put(message)
        if isinstance(message, p.StopRequest):
            self.participant.expect_stop()
        elif isinstance(message, p.RunEnded):
            self._is_hurried = message.is_hurried
        if begins_end(message):
            self._watchdog.begin()

    def _grace_s(self) -> float:
        grace_s = _HURRY_S if self._is_hurried else self.options.stop_grace_s
        starts = isinstance(self._thread.order, p.Build | p.Configure | p.Activate)
        return min(grace_s, START_GRACE_S) if starts else grace_s

    def _activity(self, frame: FrameType | None) -> Activity | None:
        return self.host.doing(frame) if hasattr(self, "host") else None

    def _frame(self) -> FrameType | None:
        frame = self._thread.frame
        return self.host.frame_of(frame) if hasattr(self, "host") else frame

    def _tell_hang(self, hang: Hang) -> None:
        """Say what hangs, and before it how far the node had got."""
        if self._running:
            self.connection.send(p.Progress(min(self.host.progress, self.host.cut.end)))
        self.connection.send(message_of(hang, self.node))

    def _take_over(self, hang: Hang) -> None:
        """Serve in the place of a thread that hangs."""
        order, self._running = self._thread.take_over(), False
        self.inbox.leave_transport()
        if hasattr(self, "host"):
            self.host.is_abandoned = True
        if isinstance(order, p.Deactivate | p.Shutdown):
            self._obey(order)
        self._serve()

    def _build(self, keys: Mapping[str, str]) -> tuple[ReportedFailure, ...]:
        """Build the components and the channels; return all that failed."""
        options = self.options
        components, failures = building.build_node(self.plan, self.node, self.folders)
        if failures:
            return failures
        self.host = NodeHost(
            self.spec,
            self.node,
            components,
            released=self.ends.release,
            window=options.window,
            run_ahead=options.run_ahead,
            seed=options.seed,
            record=[x for x in options.record if component_of(x) in components],
            taps=[
                tap
                for tap in (*options.taps, *self.taps)
                if component_of(str(tap.port)) in components
            ],
            check_values=options.check_values,
            skips=options.skips,
            choices=options.repeats,
        )
        self.host.wake = self.inbox.wake
        self.host.observe(options.rate_hz, Trace() if options.trace else None)
        self.participant = StopParticipant(self.host)
        self.ends.open(self.host, self._emitted, keys, self.max_frame)
        self._quiet = building.quiet_ticks(self.plan, self.node, options)
        return ()

    def _turn(self) -> None:
        """Take in what has come, run one tick if one is ready, say what is new."""
        self._thread.turned()
        busy = self._running and self.host.step()
        if self._unsent is not None:
            raise self._unsent
        now = time.monotonic()
        self._is_brisk = busy and now - self._turned_at <= _GATHER_S
        self._turned_at = now
        if self._running:
            self._say_news(now)
        if self._is_open and (not busy or now - self.ends.sent_at > _GATHER_S):
            self.ends.send(now, idle=not busy)
        if self._link_by != inf:
            self._say_linked(now)
        if self._running and self.options.rate_hz:
            self._quiet.idle(0.0 if busy else self._wait(now))
        self.inbox.receive(0.0 if busy else self._wait(now))

    def _emitted(self, now: float, is_large: bool) -> None:
        """Let a value leave before its tick has ended, unless frames are gathered."""
        if self._is_brisk and not is_large and now - self.ends.sent_at <= _GATHER_S:
            return
        try:
            self.ends.send(now, idle=False)
        except Exception as error:  # noqa: BLE001 - raised once the tick has ended
            # The component that sent the value has not failed.
            self._unsent = error

    def _link(self, timeout_s: float) -> None:
        """Ask the other ends of the channels that leave here whether they hear."""
        self.host.realtime = self._quiet.begin()  # All are active, everywhere.
        self._is_open = True
        self._link_by = time.monotonic() + timeout_s
        self.ends.ask()

    def _say_linked(self, now: float) -> None:
        """Say once that every other end has answered, or which have not in time."""
        unheard = self.ends.unheard()
        if not unheard or now > self._link_by:
            self._link_by = inf
            self.connection.send(p.Linked(tuple(unheard)))

    def _say_news(self, now: float) -> None:
        hurry = now - self._said_at > _PROGRESS_S
        if not hurry and not self.participant.has_news:
            return
        if hurry:
            self._said_at = now
        for message in self.participant.messages(hurry=hurry):
            self.connection.send(message)

    def _wait(self, now: float) -> float:
        wait = max(0.0001, self.ends.wakes_at - now)
        if self._running:
            wait = min(wait, self.host.pause_s)
        return min(_LONGEST_WAIT_S, wait)

    def _take(self, item: p.ToProcess | p.StopAsked | bytes | memoryview) -> None:
        if isinstance(item, bytes | memoryview):
            self.ends.take(item)
        elif isinstance(item, p.ToParticipant):
            self.participant.receive(item)
        else:
            self._thread.order = item
            self._obey(item)
            self._thread.order = None

    def _reply(self, message: p.FromNode) -> None:
        self._thread.turned()
        self.connection.send(message)

    def _obey(self, message: p.Order | p.StopAsked) -> None:
        send = self._reply
        match message:
            case p.Build(_, endpoints, keys):
                self.options = building.received_options(message)
                set_level(self.options.log_level)
                set_argv(self.options.argv)
                others = {x: endpoints[x] for x in endpoints if x != self.node}
                self.inbox.start(self.transport, self.ends.take, others)
                send(p.Ready(self._build(keys)))
            case p.Configure():
                send(p.Configured(building.entered(self.host.configure)))
            case p.Activate():
                send(p.Activated(building.entered(self.host.activate)))
            case p.Link(timeout_s):
                self._link(timeout_s)
            case p.Start():
                self._running = self._started = True
                self.host.start(**building.pace(self.plan, self.options))
                waits = WaitReports(self.connection, self.host, self._watchdog.is_over)
                waits.begin(lambda: self._running)
            case p.Deactivate():
                self._running = self._is_open = False
                send(p.Deactivated(failures_of(self.host.deactivate())))
            case p.Shutdown():
                self._down = True
                send(p.ShutDown(failures_of(self.host.shutdown())))
            case p.ReadClock():
                send(p.Clock(time.monotonic_ns(), clock_name()))
            case p.RequestStatistics():
                if self._started:
                    send_statistics(self.connection, self.host, self.ends)
            case p.RequestReport():
                if self._started:
                    send_report(self.connection, self.host, self.ends)
                send(p.Reported())
            case p.Frame(data):
                self.ends.take(data)
            case p.StopAsked():
                send(message)
            case p.RunEnded() | p.ConnectionLost():
                self._over = True
            case p.SystemCopy():
                raise ProtocolError(message.verb, "came though it was not asked for")
            case _:
                assert_never(message)

    def _leave(self) -> None:
        """Shut down what still lives, when the launcher is gone."""
        if hasattr(self, "host") and not self._down:
            self.host.deactivate()
            self.host.shutdown()
