"""Ends a run in this process whose components do not return once it is to end.

A thread looks on. What outlasts the grace in the main thread is interrupted: a signal
wakes it, and its handler raises, in the component's own code and nowhere else. Foreign
code that holds on, or a launch in another thread, cannot be interrupted. Then the hooks
of the others are called from here, what is known of the run is said, and the process
exits.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType

from like_keras_core.runtime.failure import Failure, HungComponent
from like_keras_core.runtime.forced_exit import EXIT_CODE, bounded
from like_keras_core.runtime.host.hook_calls import Activity
from like_keras_core.runtime.host.interruption import START_GRACE_S, STARTING
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.stop_signals import Taken, asked_by, is_meant
from like_keras_core.runtime.tracebacks import stack_of

_SLICE_S = 0.05
"""How often an activity is looked at, once the run is to end [s]."""

_TELL_S = 0.7
"""After this time [s] whoever pressed Ctrl-C is told what the run waits for."""

_UNHEARD_S = 0.3
"""After this time [s] foreign code keeps the main thread from handling a signal."""

_HURRY_S = 0.5
"""How long code may hold on after a second signal [s]."""

_ATTEMPTS = 3
"""How often code is interrupted that catches what is raised in it."""

_ATTEMPT_S = 0.3

_UNNAMED = {
    True: "the components, which are being made",
    False: "what is called between components, such as progress",
}

_log = logging.getLogger("like_keras_core")


class HangWatch:
    """Looks after one launch in this process, which is in this thread.

    Args:
        stop: What asks the run to end.
        grace_s: How long a tick or a hook may last then [s].
        give_up: Called in another thread with what does not return, before the process
            exits.

    Attributes:
        host: What runs; None while its components are made.
        is_hurried: Whether a second signal came.
    """

    def __init__(
        self, stop: StopSignal, grace_s: float, give_up: Callable[[Failure], object]
    ) -> None:
        self.host: SingleHost | None = None
        self.is_hurried = False
        self._stop = stop
        self._grace_s = grace_s
        self._give_up = give_up
        self._thread = threading.get_ident()
        self._taken: Taken
        # A byte wakes the watching thread: 0, or the number of a signal, which Python
        # writes even while foreign code keeps the main thread.
        self._mouth: socket.socket
        self._ear: socket.socket
        # Whether the run is to end: from then on what runs is timed.
        self._is_ending = False
        self._is_over = False
        self._is_exiting = False
        # Of the signals sent from here, those whose byte has not come.
        self._own = 0
        # What the next handler of a signal raises, and in whose code alone.
        self._wanted: tuple[Activity, HungComponent] | None = None
        # The first signal, and when its byte came [s].
        self._first: tuple[int, float] | None = None
        # What runs, for how long since the run was to end, when that is too long [s],
        # and how often it was interrupted.
        self._last: Activity | None = None
        self._waited_s = 0.0
        self._limit_s = grace_s
        self._attempts = 0
        self._has_told = False
        # Whether a second signal has come since the thread last looked.
        self._is_urgent = False

    @contextmanager
    def watching(self, taken: Taken) -> Iterator[None]:
        """Watch until the end of the block, and leave no thread behind.

        Args:
            taken: The signals that the launch has taken over.
        """
        self._taken = taken
        thread = threading.Thread(target=self._watch, daemon=True)
        self._mouth, self._ear = socket.socketpair()
        self._mouth.setblocking(False)
        with self._mouth, self._ear, self._woken_by_signals():
            thread.start()
            try:
                with self._stop.calling(self._poke):
                    yield
            finally:
                self.park()
                self._is_over = True
                self._poke()
                thread.join()

    @contextmanager
    def _woken_by_signals(self) -> Iterator[None]:
        """Let Python write a byte at each signal, unless it does for the program."""
        if not self._taken.before:
            yield
            return
        mouth = self._mouth.fileno()
        before = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
        try:
            yield
        finally:
            if before == -1:
                signal.set_wakeup_fd(-1)

    def ending(self) -> None:
        """Know that the run is to end, though nobody asked."""
        self._is_ending = True
        self._poke()

    def park(self) -> None:
        """Wait for the end of the process, if that is under way."""
        while self._is_exiting:
            time.sleep(1)

    def hurry(self, number: int, frame: FrameType | None) -> None:
        """Interrupt what runs, at a second signal, but no step between two hooks."""
        self.is_hurried = True
        host = self.host
        if host is None or host.is_running:
            raise KeyboardInterrupt
        activity = host.doing(frame)
        if activity is not None and not activity.is_tap:
            raise KeyboardInterrupt

    def belongs(self, frame: FrameType | None) -> bool:
        """Raise what the watching thread has sent a signal for, where it is wanted."""
        if self._wanted is None:
            return False
        (activity, error), self._wanted = self._wanted, None
        now = self._doing(frame)
        if now is None or not _is_same(activity, now):
            return True
        if now.name or self.host is None:
            raise error
        return True

    def _poke(self) -> None:
        if self._stop.is_set:
            self._is_ending = True
        try:
            self._mouth.send(b"\0")
        except OSError:
            # It is full, so that the thread wakes anyway.
            return

    def _doing(self, frame: FrameType | None) -> Activity | None:
        """Return what runs; without a name between the firings of a tick."""
        host = self.host
        if host is None:
            return Activity("", "__init__")
        is_running, tick = host.is_running, host.tick[1]
        return host.doing(frame) or (
            Activity("", "forward", tick) if is_running else None
        )

    def _watch(self) -> None:
        looked_at = time.monotonic()
        while not self._is_over:
            self._hear()
            now = time.monotonic()
            # What this thread saw pass: a process that was halted is not at fault.
            passed_s, looked_at = min(now - looked_at, 4 * _SLICE_S), now
            if self._is_ending and not self._is_over:
                self._look(passed_s)

    def _hear(self) -> None:
        """Wait for a byte; only a moment if there is something to look at."""
        is_timed = self._is_ending or self._first is not None
        self._ear.settimeout(_SLICE_S if is_timed else None)
        try:
            numbers = self._ear.recv(64)
        except TimeoutError:
            numbers = b""
        for number in numbers:
            if number in self._taken.before:
                self._note(number)
        if self._first is not None and not self._stop.is_set:
            number, at = self._first
            if time.monotonic() - at > _UNHEARD_S:
                self._taken.missed(number)

    def _note(self, number: int) -> None:
        """Know that a signal has come, handled or not."""
        now = time.monotonic()
        if self._own:
            self._own -= 1
        elif self._first is None:
            self._first = number, now
        elif is_meant(number, now - self._first[1]):
            self._is_urgent = True

    def _look(self, passed_s: float) -> None:
        """See what runs, and end it if it has run for too long."""
        frame = sys._current_frames().get(self._thread)
        now, last = self._doing(frame), self._last
        if self.host is not None:
            frame = self.host.frame_of(frame)
        is_same = now is not None and last is not None and _is_same(last, now)
        if not is_same:
            self._last, self._waited_s = now, 0.0
            self._attempts, self._limit_s = 0, self._grace_s
            if self._stop.is_set and now is not None and now.phase in STARTING:
                self._limit_s = min(self._grace_s, START_GRACE_S)
        if self._is_urgent:
            self._is_urgent = False
            self._attempts, self._limit_s = _ATTEMPTS, self._waited_s + _HURRY_S
        if now is None or last is None or not is_same or _is_debugged(frame):
            return
        self._last = now = now if now.name else last
        self._waited_s += passed_s
        if not self._has_told and self._waited_s > _TELL_S:
            self._has_told = True
            if self._stop.reason == "interrupt":
                bounded(partial(self._tell, now), _TELL_S)
        if self._waited_s < self._limit_s:
            return
        self._attempts += 1
        self._limit_s = self._waited_s + _ATTEMPT_S
        error = HungComponent(self._text(now, frame))
        if self._attempts > _ATTEMPTS or not self._interrupt(now, error):
            self._exit(Failure(now.name, now.phase, now.tick, error))

    def _tell(self, activity: Activity) -> None:
        _log.warning(
            "The run is to end, and waits for %s: for %g s at most, or until a second "
            "Ctrl-C or SIGTERM.",
            activity if activity.name else _UNNAMED[self.host is None],
            self._limit_s,
        )

    def _text(self, activity: Activity, frame: FrameType | None) -> str:
        """Say what is wrong with code that runs on, and where it is."""
        by = {
            "interrupt": f" after {signal.Signals(asked_by()).name}",
            "timeout": " after timeout_s",
            "stop": " after stop()",
        }
        text = (
            f"it {activity.since}did not return within stop_grace_s={self._grace_s:g} "
            f"once the run was to end{by.get(self._stop.reason, '')}."
        )
        stack = stack_of(frame)
        return f"{text} It was here:\n{stack}\n" if stack else text

    def _interrupt(self, activity: Activity, error: HungComponent) -> bool:
        """Have `error` raised in a component's code, if that can be."""
        if self.host is not None and self.host.release(error):
            return True
        numbers = [
            number
            for number in self._taken.before
            if signal.getsignal(number) == self._taken.heard
        ]
        if not numbers or not hasattr(signal, "pthread_kill"):
            return False
        self._wanted = activity, error
        self._own += 1
        signal.pthread_kill(self._thread, numbers[0])
        return True

    def _exit(self, failure: Failure) -> None:
        self._is_exiting = True
        try:
            self._give_up(failure)
        finally:
            os._exit(EXIT_CODE)


def _is_debugged(frame: FrameType | None) -> bool:
    """Say whether code stands at a breakpoint of pdb, where time does not count."""
    while frame is not None:
        if frame.f_globals.get("__name__") == "bdb":
            return True
        frame = frame.f_back
    return False


def _is_same(one: Activity, other: Activity) -> bool:
    """Say whether both are the same call, or in one tick."""
    in_tick = one.phase == "forward"
    return (one.phase, one.tick) == (other.phase, other.tick) and (
        in_tick or one.name == other.name
    )
