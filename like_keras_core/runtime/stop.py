"""How a run is asked to end: from any thread, by a signal, or by a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from like_keras_core.errors import LaunchTimeoutError
from like_keras_core.report import RunReport


class StopSignal:
    """Asks a running launch to end after the ticks that have begun.

    An engine is given one as the option `stop`, and makes one where it is not. It may
    be set before the run begins, which then ends at once.

    Attributes:
        reason: What asked first: `"stop"`, `"interrupt"` or `"timeout"`; it becomes the
            report's `ended_by`. Empty until then.
    """

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self._is_set = False
        self.reason = ""

    @property
    def is_set(self) -> bool:
        """Whether the run was asked to end."""
        return self._is_set

    def set(self, reason: str = "stop") -> None:
        """Ask; from any thread or signal handler, as often as one likes.

        Args:
            reason: What asks: `"stop"`, `"interrupt"` or `"timeout"`; the first counts.
        """
        self.reason = self.reason or reason
        self._is_set = True
        for callback in list(self._callbacks):
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when asked, now if it was asked already."""
        self._callbacks.append(callback)
        try:
            if self._is_set:
                callback()
            yield
        finally:
            self._callbacks.remove(callback)


@contextmanager
def time_limit(stop: StopSignal, timeout_s: float | None) -> Iterator[None]:
    """Set `stop` after `timeout_s` seconds, unless the block is left before.

    Args:
        stop: What ends the run, with the reason `"timeout"`.
        timeout_s: The limit [s]; None is none.
    """
    if timeout_s is None:
        yield
        return
    timer = threading.Timer(timeout_s, stop.set, ["timeout"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def in_time(report: RunReport, timeout_s: float | None) -> RunReport:
    """Return the report of a run that its time limit did not end.

    The last thing that `launch` does: what had a limit and kept it is returned.

    Args:
        report: The report.
        timeout_s: The limit [s].

    Raises:
        LaunchTimeoutError: The limit ended the run; the error has the report.
    """
    if report.ended_by == "timeout" and timeout_s is not None:
        raise LaunchTimeoutError(timeout_s, report)
    return report
