"""What sees to it that a node's process ends, whatever its components do.

From the first sign of the end it watches the thread that serves. Where that stands
still for longer than a stop may last, the component that it is in is named, with its
stack, and interrupted. Where that does not help, another thread takes its place, and
deactivates and shuts down all others.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType

from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.failure import HungComponent, ReportedFailure
from like_keras_core.runtime.host.hook_calls import Activity
from like_keras_core.runtime.host.interruption import STARTING, Interrupter
from like_keras_core.runtime.process.serving_thread import ServingThread
from like_keras_core.runtime.tracebacks import place_in, stack_of

_LOOK_S = 0.05
_SAY_S = 1.0
_INTERRUPT_S = 1.0
"""How long it may take a component to end once it was interrupted [s]."""

_HUNG = 3
"""The exit code of a process with a thread that nothing could end."""

_OWN_S = 1.0
"""How much longer than components our own code may take [s]: a transport that sends."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Code that has not returned in time.

    Args:
        running: The component's code; None if it is not a component's.
        grace_s: How long it had [s].
        stack: The stack of its thread, in the user's code.
        place: The innermost line of it.
    """

    running: Activity | None
    grace_s: float
    stack: str
    place: str

    @property
    def problem(self) -> str:
        """What is wrong with it."""
        since = "" if self.running is None else self.running.since
        return (
            f"it {since}did not return within stop_grace_s={self.grace_s:g} once the "
            "run was to end"
        )

    @property
    def error(self) -> HungComponent:
        """What is raised in it."""
        return HungComponent(f"{self.problem}. It was here:\n{self.stack}")


def begins_end(message: p.ToProcess) -> bool:
    """Say whether a run is to end when a message comes: from then on it is watched.

    Args:
        message: What the launcher says.
    """
    if isinstance(message, p.NewStopPoint):
        return message.stop_point.kind == "error"
    ends = p.Deactivate | p.Shutdown | p.RunEnded | p.ConnectionLost
    return isinstance(message, p.StopRequest | ends)


def message_of(hang: Hang, node: str) -> p.Overdue | p.WaitsFor | p.NodeFailed:
    """Return what is said of a hang; nothing is wrong if it had no time to return.

    Args:
        hang: What hangs.
        node: Where.
    """
    running = hang.running
    if running is None:
        return p.NodeFailed(f"{hang.stack}\nHungComponent: {hang.problem}")
    if running.phase in STARTING:
        return state_of(running, node)
    name, phase, tick = running.name, running.phase, running.tick
    error = f"HungComponent: {hang.error}"
    if running.is_tap:
        phase, error = "tap", f"The tap {phase!r}: {error}"
    return p.Overdue(ReportedFailure(name, phase, tick, error, error, hang.place))


def state_of(running: Activity | None, node: str) -> p.WaitsFor:
    """Return what is said of a node that ends, while it takes its time.

    Args:
        running: The component's code that it runs.
        node: The node.
    """
    said = () if running is None else (f"On node {node!r}, it ends: {running}.",)
    return p.WaitsFor(said)


class Watchdog:
    """Watches the thread that serves a node, from the first sign of the end on.

    Args:
        thread: The thread that serves.
        interrupter: Interrupts it, if it is the main thread.
        grace_s: Returns how long the thread may stand still [s].
        running: Returns which component's code it runs, or waits for; None if none.
        frame: Returns the stack of that code.
        say: Called now and then, with the component's code that runs.
        tell: Called with what hangs.
        take_over: Called in a new thread, which serves from then on, with what hangs.

    Attributes:
        is_over: To be set when the process has done all that it has to.
    """

    def __init__(
        self,
        thread: ServingThread,
        interrupter: Interrupter,
        *,
        grace_s: Callable[[], float],
        running: Callable[[], Activity | None],
        frame: Callable[[], FrameType | None],
        say: Callable[[Activity | None], object],
        tell: Callable[[Hang], object],
        take_over: Callable[[Hang], object],
    ) -> None:
        self._serving = thread
        self._interrupter = interrupter
        self._grace_s = grace_s
        self._running = running
        self._frame = frame
        self._say = say
        self._tell = tell
        self._take_over = take_over
        self._thread: threading.Thread | None = None
        self.is_over = threading.Event()
        #: When it was said last that the watchdog itself is there [s].
        self._said_at = 0.0

    def begin(self) -> None:
        """Begin to watch, unless that has begun; from one thread."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._watch, name="watchdog", daemon=True
            )
            self._thread.start()

    def _watch(self) -> None:
        while (hang := self._await_hang()) is not None:
            mark = self._mark()
            self._tell(hang)
            if (
                hang.running is not None
                and self._interrupter.interrupt(hang.error)
                and self._gets_on(mark, _INTERRUPT_S)
            ):
                continue
            with suppress(OSError, ValueError, RuntimeError):
                faulthandler.dump_traceback(sys.stderr)
            serve = threading.Thread(target=self._replace, args=[hang], daemon=True)
            serve.start()
            self._gets_on(mark, _INTERRUPT_S)

    def _replace(self, hang: Hang) -> None:
        """Serve in the place of a thread that hangs, and end the process then."""
        try:
            self._take_over(hang)
        finally:
            os._exit(_HUNG)

    def _await_hang(self) -> Hang | None:
        """Return what stands still for too long; None once everything has ended."""
        mark, waited_s = self._mark(), 0.0
        looked_at = time.monotonic()
        while not self.is_over.wait(_LOOK_S):
            now = time.monotonic()
            # What this thread saw pass: a process that was halted is not at fault.
            waited_s += min(now - looked_at, 4 * _LOOK_S)
            looked_at = now
            if (newest := self._mark()) != mark:
                mark, waited_s = newest, 0.0
                continue
            running, grace_s = self._running(), self._grace_s()
            if now > self._said_at + _SAY_S:
                self._said_at = now
                self._say(running)
            if waited_s > (grace_s if running is not None else grace_s + _OWN_S):
                frame = self._frame()
                return Hang(running, grace_s, stack_of(frame), place_in(frame))
        return None

    def _mark(self) -> object:
        """Return something that is another one whenever a hook or a tick has ended."""
        running = self._running()
        if running is not None and running.began is not None:
            return running
        if running is None or running.phase == "forward":
            return self._serving.mark
        return self._serving.mark, running

    def _gets_on(self, mark: object, timeout_s: float) -> bool:
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            if self.is_over.wait(_LOOK_S) or self._mark() != mark:
                return True
        return False
