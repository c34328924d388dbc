"""A process that runs one node: its host, its channels, and the line home.

An engine starts such a process, gives it a `Transport`, and calls `serve`. Everything
else is here: building the components, the phases of their lives, the channels' frames,
the agreement on the end, and what happens when the launching process is gone.
"""

from __future__ import annotations

import os
import platform
import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from like_keras_core.authoring.attribute_watch import unwatched
from like_keras_core.errors import ComponentError, NotSerializableError
from like_keras_core.runtime.control.connection import ControlConnection, Message
from like_keras_core.runtime.control.log_forwarding import sent_home, set_level
from like_keras_core.runtime.control.payloads import batches_of, failure_of, failures_of
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.statistics import node_statistics
from like_keras_core.runtime.control.termination import StopParticipant
from like_keras_core.runtime.failure import Failed
from like_keras_core.runtime.flow.transport import PolledTransport, Transport
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.loader import build
from like_keras_core.runtime.process.endpoints import Endpoints
from like_keras_core.runtime.process.malloc import keep_freed_memory
from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.runtime.trace import Trace, clock_name
from like_keras_core.spec import component_of
from like_keras_core.tap import Tap

_LONGEST_WAIT_S = 0.25
_PROGRESS_S = 0.1
_GATHER_S = 400e-6
"""For how long a process with short ticks gathers frames: they travel together [s].

To hand over a frame takes up to half as long, so most of the time is left for ticks."""

_LEAVE_S = 10.0
"""How long components may take to shut down when the launching process is gone [s]."""

_ORPHANED = 3
"""The exit code of a process that had to end without shutting its components down."""


class NodeProcess:
    """Runs one node for a launching process.

    Args:
        plan: The whole run.
        node: The node.
        line: The control channel home.
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
        line: ControlConnection,
        transport: Transport,
        folders: Sequence[Path] = (),
        *,
        max_frame: int | Mapping[str, int] | None = None,
        taps: Sequence[Tap] = (),
    ) -> None:
        self.plan = plan
        self.spec = plan.spec
        self.node = node
        self.line = line
        self.transport = transport
        self.folders = folders
        self.max_frame = max_frame
        self.taps = tuple(taps)
        self.inbox: SignalSafeQueue[Message | bytes | memoryview] = SignalSafeQueue()
        self._polled = transport if isinstance(transport, PolledTransport) else None
        self.options = RunOptions()
        self.host: NodeHost
        self.follower: StopParticipant
        self.ends = Endpoints(node, transport)
        self._told_at = 0.0
        self._turned_at = 0.0
        self._is_brisk = False
        self._unsent: Exception | None = None
        self._is_open = False
        self._link_by = inf
        self._running = False
        self._started = False
        self._over = False
        self._down = False
        self._left = threading.Event()

    def serve(self) -> None:
        """Do what the launching process says, until it says that it is over."""
        keep_freed_memory()
        self.line.start(self._heard)
        endpoint = self.transport.bind()
        with unwatched(), sent_home(self.line):
            self.line.send("hello", self.node, self._introduction(endpoint))
            try:
                while not self._over:
                    self._turn()
            except Exception:
                self.line.send("broken", traceback.format_exc())
                raise
            finally:
                self._leave()
                self._left.set()
                self.line.close()

    @property
    def is_over(self) -> bool:
        """Whether the run is over for this process."""
        return self._over

    def attend(self, timeout_s: float) -> None:
        """Do what a process has to, but for running ticks, for a moment.

        For a component that waits in `forward` for something outside of the run.

        Args:
            timeout_s: How long to wait for something to come [s].
        """
        now = time.monotonic()
        self._tell(now)
        self.ends.send(now, idle=True)
        self._receive(timeout_s)

    def relay(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        """Send a frame by way of the launching process; for when no other is left."""
        self.line.send("frame", node, data=b"".join(frame))

    def stop(self) -> None:
        """Ask the launching process to end the run; from any thread or handler."""
        self._put(Message("stop"))

    def _put(self, message: Message) -> None:
        self.inbox.put(message)
        if self._polled is None:
            return
        # Most floors are news of no consequence, and to wake a process costs a message.
        if message.verb != "floor" or self.host.is_held:
            self._polled.wake()

    def _introduction(self, endpoint: str) -> dict[str, Any]:
        return {
            "endpoint": endpoint,
            "pid": os.getpid(),
            "host": platform.node(),
            "python": platform.python_version(),
            "system": self.plan.digest,
            "versions": dict(self.plan.versions),
        }

    def _heard(self, message: Message) -> None:
        """Take in what the line says; when it is lost, see to it that this one ends."""
        self._put(message)
        if message.verb == "lost" and not self._left.wait(_LEAVE_S):
            os._exit(_ORPHANED)

    def _start_transport(self, endpoints: Mapping[str, str]) -> None:
        # Within `receive` frames come in the thread that takes them.
        is_polled = self._polled is not None
        arrived = self.ends.take if is_polled else self.inbox.put
        peers = {node: x for node, x in endpoints.items() if node != self.node}
        self.transport.start(arrived, peers)

    def _build(self) -> list[dict[str, Any]]:
        """Make the components and the channels; return all that went wrong."""
        options = self.options
        components = {}
        failures = []
        for item in self.spec.components:
            if item.node != self.node:
                continue
            try:
                components[item.name] = build(item, self.spec, folders=self.folders)
            except ComponentError as error:
                cause = error.__cause__ or error
                failures.append(failure_of(item.name, "__init__", cause))
            except Exception as error:  # noqa: BLE001 - said to the launching process
                failures.append(failure_of(item.name, "__init__", error))
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
        )
        self.host.trace = Trace() if options.trace else None
        self.follower = StopParticipant(self.host)
        self.ends.open(self.host, self._emitted, self.max_frame)
        return []

    def _turn(self) -> None:
        """Take in what has come, run one tick if one is ready, say what is new."""
        busy = self._running and self.host.step()
        if self._unsent is not None:
            raise self._unsent
        now = time.monotonic()
        self._is_brisk = busy and now - self._turned_at <= _GATHER_S
        self._turned_at = now
        if self._running:
            self._tell(now)
        if self._is_open and (not busy or now - self.ends.sent_at > _GATHER_S):
            self.ends.send(now, idle=not busy)
        if self._link_by != inf:
            self._say_linked(now)
        self._receive(0.0 if busy else self._wait(now))

    def _emitted(self, now: float, is_large: bool) -> None:
        """Let a value leave before its tick has ended, unless frames are gathered."""
        if self._is_brisk and not is_large and now - self.ends.sent_at <= _GATHER_S:
            return
        try:
            self.ends.send(now, idle=False)
        except Exception as error:  # noqa: BLE001 - raised once the tick has ended
            # The component that sent the value has not failed.
            self._unsent = error

    def _receive(self, wait: float) -> None:
        inbox = self.inbox
        if self._polled is not None:
            self._polled.receive(wait if inbox.empty() else 0.0)
        elif wait:
            try:
                self._take(inbox.get(wait))
            except queue.Empty:
                return
        while not inbox.empty():
            self._take(inbox.get_nowait())

    def _link(self, timeout_s: float) -> None:
        """Ask the other ends of the channels that leave here whether they hear."""
        self._is_open = True
        self._link_by = time.monotonic() + timeout_s
        self.ends.ask()

    def _say_linked(self, now: float) -> None:
        """Say once that every other end has answered, or which have not in time."""
        unheard = self.ends.unheard()
        if not unheard or now > self._link_by:
            self._link_by = inf
            self.line.send("linked", unheard)

    def _tell(self, now: float) -> None:
        hurry = now - self._told_at > _PROGRESS_S
        if not hurry and not self.follower.has_news:
            return
        if hurry:
            self._told_at = now
        for message in self.follower.messages(hurry=hurry):
            self.line.send(*message)

    def _wait(self, now: float) -> float:
        wait = max(0.0001, self.ends.wakes_at - now)
        if self._running:
            wait = min(wait, self.host.pause_s)
        return min(_LONGEST_WAIT_S, wait)

    def _take(self, item: Message | bytes | memoryview) -> None:
        if isinstance(item, Message):
            self._obey(item)
        else:
            self.ends.take(item)

    def _obey(self, message: Message) -> None:
        verb = message.verb
        if verb in ("cut", "floor", "freeze", "thaw"):
            self.follower.receive((verb, *message.arguments))
        elif verb == "build":
            self.options = RunOptions.from_dict(message.arguments[0])
            set_level(self.options.log_level)
            self._start_transport(message.arguments[1])
            self.line.send("ready", self._build())
        elif verb == "configure":
            self.line.send("configured", self._enter(self.host.configure))
        elif verb == "activate":
            self.line.send("activated", self._enter(self.host.activate))
        elif verb == "link":
            self._link(message.arguments[0])
        elif verb == "start":
            self._running = self._started = True
            self.host.start(self.options.rate_hz)
        elif verb == "deactivate":
            self._running = self._is_open = False
            self.line.send("deactivated", failures_of(self.host.deactivate()))
        elif verb == "shutdown":
            self._down = True
            self.line.send("shut down", failures_of(self.host.shutdown()))
        elif verb == "clock":
            self.line.send("clock", time.monotonic_ns(), clock_name())
        elif verb == "look":
            self._look()
        elif verb == "report":
            self._report()
        elif verb == "frame":
            self.ends.take(message.data)
        elif verb == "stop":
            self.line.send("stop")
        elif verb in ("lost", "over"):
            self._over = True

    def _enter(self, phase: Callable[[], None]) -> list[dict[str, Any]]:
        try:
            phase()
        except Failed as failed:
            return failures_of(failed.failure)
        return []

    def _report(self) -> None:
        if self._started:
            failures = failures_of(self.host.failure)
            cut = self.host.cut
            account = node_statistics(self.host, self.ends.senders.values(), cut)
            self.line.send("report", {**account, "failures": failures})
            for address, values in self.host.recorded().items():
                self._send_records(address, values)
            for kind, name, data in self.host.trace.parts() if self.host.trace else ():
                self.line.send("trace", kind, name, data=data)
        self.line.send("reported")

    def _look(self) -> None:
        """Say what has been done so far."""
        if self._started:
            so_far = StopPoint(min(self.host.progress, self.host.cut.tick), 0)
            account = node_statistics(self.host, self.ends.senders.values(), so_far)
            self.line.send("seen", account)

    def _send_records(self, address: str, values: Sequence[tuple[int, Any]]) -> None:
        try:
            for data in batches_of(values, f"output {address!r}"):
                self.line.send("records", address, data=data)
        except NotSerializableError as error:
            name = component_of(address)
            self.line.send("unrecorded", failure_of(name, "record", error))

    def _leave(self) -> None:
        """Shut down what still lives, when the launching process is gone."""
        if hasattr(self, "host") and not self._down:
            self.host.deactivate()
            self.host.shutdown()
