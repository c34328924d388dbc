"""A caller's `progress`, which may not return: then a launch ends all the same."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from like_keras_core.errors import LkError
from like_keras_core.report import Progress
from like_keras_core.runtime.failure import HungComponent
from like_keras_core.runtime.forced_exit import exit_with
from like_keras_core.runtime.host.interruption import Interrupter
from like_keras_core.runtime.stop import StopSignal

_LOOK_S = 0.1
_INTERRUPT_S = 1.0
"""How long it may take `progress` to end once it was interrupted [s]."""

_log = logging.getLogger("like_keras_core")


class ProgressGuard:
    """Calls `progress` in the thread that supervises a run, and watches it at the end.

    Where it has not returned in time it is interrupted, and not called any more. Where
    that is not possible the launching process ends; those of the nodes notice, and
    deactivate their components.

    Args:
        progress: What is called; None for nothing.
        stop: What asks the run to end.
        grace_s: How long a call may last then [s].
    """

    def __init__(
        self,
        progress: Callable[[Progress], object] | None,
        stop: StopSignal,
        grace_s: float,
    ) -> None:
        self._progress = progress
        self._stop = stop
        self._grace_s = grace_s
        self._interrupter = Interrupter(self._is_inside)
        # When the call began that goes on now [s].
        self._since: float | None = None
        self._is_over = threading.Event()

    def __call__(self, progress: Progress) -> None:
        """Tell how far the run is."""
        if self._progress is None:
            return
        self._since = time.monotonic()
        try:
            self._progress(progress)
        except HungComponent as error:
            self._progress = None
            _log.warning("progress is not called any more: %s", error)
        finally:
            self._since = None

    @property
    def is_wanted(self) -> bool:
        """Whether there is something to call."""
        return self._progress is not None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch until the end of the block."""
        if self._progress is None:
            yield
            return
        watch = threading.Thread(target=self._watch, daemon=True)
        with self._interrupter.installed():
            watch.start()
            try:
                yield
            finally:
                self._is_over.set()

    def _watch(self) -> None:
        stopped_at: float | None = None
        while not self._is_over.wait(_LOOK_S):
            if not self._stop.is_set:
                continue
            now, since = time.monotonic(), self._since
            stopped_at = stopped_at or now
            if since is None or now < max(since, stopped_at) + self._grace_s:
                continue
            text = f"it did not return within stop_grace_s={self._grace_s:g}"
            self._interrupter.interrupt(HungComponent(text))
            self._is_over.wait(_INTERRUPT_S)
            if self._since == since:
                exit_with(LkError(f"The launch hangs in progress: {text}."))

    @staticmethod
    def _is_inside(frame: FrameType | None) -> bool:
        while frame is not None and (outer := frame.f_back) is not None:
            if outer.f_code is ProgressGuard.__call__.__code__:
                return True
            frame = outer
        return False
