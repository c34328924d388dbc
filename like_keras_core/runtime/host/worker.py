"""The thread of one component that takes ticks, and what a host asks of it."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

from like_keras_core.runtime.failure import HungComponent

_SWITCH_S = 5e-4
"""How long a thread keeps the interpreter while there are workers [s]: the usual 5 ms
would hold up each tick of a paced host by as much."""

Job = Callable[[], object]
"""A hook or a firing, to be called in the component's thread; it raises nothing."""


class Worker(Protocol):
    """Calls the hooks and the firings of one component, one at a time, in one thread.

    A host makes one for each component with `takes`, by its `worker` argument, and
    starts a job only when the one before it has ended. `WorkerThread` is the real one.
    A simulation may give another: one that keeps the job, calls it when it is drawn, or
    at once where `wait` is called, and calls `woken` then.
    """

    @property
    def thread(self) -> int | None:
        """The identity of its thread, for its stack; None where there is none."""
        ...

    @property
    def is_idle(self) -> bool:
        """Whether every job that was started has ended; from any thread."""
        ...

    def start(self, job: Job) -> None:
        """Have a job called; do not wait for it."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of the job, but not longer; return `is_idle`."""
        ...

    def interrupt(self) -> None:
        """Have `HungComponent` raised in the job, if that can be; from any thread."""
        ...

    def close(self) -> None:
        """Let the thread end, after its job; no job follows."""
        ...


WorkerFactory = Callable[[str, Callable[[], object]], Worker]
"""Makes the worker of a component, by its address, and with what it calls whenever a
job has ended: `woken` brings the host's loop to look at it."""


class WorkerThread:
    """A worker that is a thread; it begins with the first job.

    Args:
        name: The component's address, by which debuggers show the thread.
        woken: Called in the thread after each job.
    """

    def __init__(self, name: str, woken: Callable[[], object]) -> None:
        self._name = name
        self._woken = woken
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        # How many jobs were started, by the host, and have ended, by the thread.
        self._started = 0
        self._ended = 0
        # Released at the end of each job. Unlike a condition, a lock may be waited for
        # where a handler of a signal comes between.
        self._end = threading.Lock()
        # None before the first job, and after `close`.
        self._thread: threading.Thread | None = None
        # Whether an interruption may still be on its way.
        self._is_interrupted = False

    @property
    def thread(self) -> int | None:
        """The identity of the thread; None before the first job."""
        return None if self._thread is None else self._thread.ident

    @property
    def is_idle(self) -> bool:
        """Whether every job that was started has ended."""
        return self._ended == self._started

    def start(self, job: Job) -> None:
        """Have a job called in the thread."""
        if self._thread is None:
            # It is left alone where foreign code never returns, also by Python's exit.
            self._thread = threading.Thread(
                target=self._serve, name=self._name, daemon=True
            )
            _brisk.enter()
            self._thread.start()
        if self._is_interrupted:
            # It may have come too late for the job that it was for.
            self._is_interrupted = False
            self._raise_in_thread(None)
        self._end.acquire(blocking=False)
        self._started += 1
        self._jobs.put(job)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of the job, but not longer; return `is_idle`."""
        if not self.is_idle:
            self._end.acquire(timeout=timeout_s)
        return self.is_idle

    def interrupt(self) -> None:
        """Raise `HungComponent` in the job, once Python code runs there."""
        if self.thread is not None and not self.is_idle:
            self._is_interrupted = True
            self._raise_in_thread(ctypes.py_object(HungComponent))

    def _raise_in_thread(self, error: ctypes.py_object[Any] | None) -> None:
        thread = ctypes.c_ulong(self.thread or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, error)

    def close(self) -> None:
        """Let the thread end; wait for it unless its job does not end."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            if self.is_idle:
                thread.join()
            _brisk.leave()

    def _serve(self) -> None:
        count = 0
        while True:
            try:
                while (job := self._jobs.get()) is not None:
                    count += 1
                    job()
                    del job
                    self._has_ended(count)
                return
            except HungComponent:
                # It came when the job had just ended.
                self._has_ended(count)

    def _has_ended(self, count: int) -> None:
        self._ended = count
        if self._end.locked():
            self._end.release()
        self._woken()


class _BriskSwitching:
    """Has threads take turns more often, in the whole process, while there are some."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # How many threads want it, and what it was before the first of them [s].
        self._count = 0
        self._before = 0.0

    def enter(self) -> None:
        """Know of one more thread."""
        with self._lock:
            self._count += 1
            if self._count == 1:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, _SWITCH_S))

    def leave(self) -> None:
        """Know that one has ended."""
        with self._lock:
            self._count -= 1
            if self._count == 0:
                sys.setswitchinterval(self._before)


_brisk = _BriskSwitching()
