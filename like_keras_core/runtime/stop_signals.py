"""Signals that end a run: Ctrl-C, SIGTERM, and the SIGHUP of a terminal that is gone.

A signal is taken over where nothing else handles it, and given back afterwards. One
that was ignored when the program began, as `nohup` has it, stays ignored, and a handler
of the program's own stays the program's.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from like_keras_core.runtime.failure import HungComponent
from like_keras_core.runtime.stop import StopSignal

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)
"""The signals that end a run."""

_ECHO_S = 0.5
"""Within this time [s] a second SIGTERM is the first one's echo: `timeout` and others
send it to a process and to its group."""

_log = logging.getLogger(__name__)

# The signal that ended the newest launch, or ends `lk`: one item at most.
_asked_by: list[int] = []

Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class Taken:
    """The signals that a launch has taken over.

    Args:
        stop: What the first one sets.
        hurry: Called at a further one, with its number and the frame that it came in.
        belongs: Asked first, with the frame: whether it was sent for another purpose.
    """

    def __init__(
        self,
        stop: StopSignal,
        hurry: Callable[[int, FrameType | None], object],
        belongs: Callable[[FrameType | None], bool],
    ) -> None:
        self._stop = stop
        self._hurry = hurry
        self._belongs = belongs
        # When the first one came, by time.monotonic [s].
        self._came_at: float | None = None
        # Whether the next one is known already: it was `missed`.
        self._is_known = False
        #: What handled each before; those that are missing were not taken.
        self.before: dict[int, Handler] = {}

    def take(self) -> None:
        """Handle each signal that nothing else handles."""
        for number in SIGNALS:
            if _is_default(number, signal.getsignal(number)):
                self.before[number] = signal.signal(number, self.heard)

    def give_back(self) -> None:
        """Let each be handled as before."""
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def heard(self, number: int, frame: FrameType | None) -> None:
        """Ask for the end, or for a quick one."""
        if self._belongs(frame):
            return
        if self._is_known:
            self._is_known = False
        elif self._came_at is None:
            self._ask(number)
        elif is_meant(number, time.monotonic() - self._came_at):
            self._hurry(number, frame)

    def missed(self, number: int) -> None:
        """Ask for the end in another thread, where foreign code keeps the main one.

        Its handler is called when that code returns.
        """
        self._is_known = True
        self._ask(number)

    def _ask(self, number: int) -> None:
        self._came_at = time.monotonic()
        _asked_by[:] = [number]
        self._stop.set("interrupt")


def _is_default(number: int, handler: Handler) -> bool:
    if number == signal.SIGINT and handler is signal.default_int_handler:
        return True
    return handler is signal.SIG_DFL or handler is _leave


def is_meant(number: int, since_s: float) -> bool:
    """Say whether a further signal is a request of its own.

    A terminal that closes sends SIGHUP several times, beside other signals.

    Args:
        number: The signal.
        since_s: How long ago the first one came [s].
    """
    if number == signal.SIGINT:
        return True
    return number == signal.SIGTERM and since_s > _ECHO_S


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


# For children that are forked while a launch has signals: they are none of the launch.
_taken: weakref.WeakSet[Taken] = weakref.WeakSet()


def _after_fork() -> None:
    for taken in list(_taken):
        taken.give_back()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def stop_on_signals(
    stop: StopSignal,
    hurry: Callable[[int, FrameType | None], object] = _interrupt,
    belongs: Callable[[FrameType | None], bool] = lambda frame: False,
) -> Iterator[Taken]:
    """Let the first signal set `stop`; a further one raises KeyboardInterrupt.

    Outside the main thread, where Python delivers no signals, none is taken over, and
    the log says so: the program's own handlers call `System.stop`.

    Args:
        stop: What ends the run, with the reason `"interrupt"`.
        hurry: What a further signal does instead.
        belongs: Asked first about each: whether it was sent for another purpose.

    Yields:
        What was taken over.
    """
    taken = Taken(stop, hurry, belongs)
    _asked_by.clear()
    if threading.current_thread() is not threading.main_thread():
        _log.info(
            "A launch outside the main thread leaves signals to the program: Ctrl-C "
            "and SIGTERM do not end it with its report. A handler may call "
            "system.stop()."
        )
        yield taken
        return
    taken.take()
    _taken.add(taken)
    try:
        yield taken
    finally:
        _taken.discard(taken)
        taken.give_back()


@contextmanager
def signals_held() -> Iterator[Callable[[], bool]]:
    """Hold the signals back until the end of the block, so that it does all its work.

    Yields:
        What says whether one came meanwhile.
    """
    came: list[int] = []
    before: dict[int, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                before[number] = signal.signal(number, lambda n, frame: came.append(n))
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])


@contextmanager
def leave_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, for a command.

    Process 1 of a container ends of neither by itself. A launch takes them over.
    """
    _asked_by.clear()
    before: dict[int, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(number: int, frame: FrameType | None) -> None:
    _asked_by[:] = [number]
    raise KeyboardInterrupt


def asked_by() -> int:
    """Return the signal that ended the newest launch or command; SIGINT if unknown."""
    return _asked_by[0] if _asked_by else signal.SIGINT


def came_by_signal(error: BaseException) -> bool:
    """Say whether an exception was raised by a handler of a signal.

    Such a one ends the program, as its author wants it; no component has failed.
    """
    if isinstance(error, HungComponent):
        return False
    trace, codes = error.__traceback__, set()
    while trace is not None:
        codes.add(id(trace.tb_frame.f_code))
        trace = trace.tb_next
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    if isinstance(error, KeyboardInterrupt) and (
        threading.current_thread() is threading.main_thread()
        and signal.default_int_handler in handlers
    ):
        return True
    return any(id(_code_of(item)) in codes for item in handlers if callable(item))


def _code_of(handler: Any) -> Any:
    """Return the code of a handler; None where there is none to be seen."""
    while hasattr(handler, "func"):
        handler = handler.func
    if not hasattr(handler, "__code__") and not hasattr(handler, "__func__"):
        handler = getattr(type(handler), "__call__")  # noqa: B004, B009
    return getattr(getattr(handler, "__func__", handler), "__code__", None)
