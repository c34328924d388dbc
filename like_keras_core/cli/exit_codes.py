"""The exit code of a command that runs a system."""

from __future__ import annotations

import signal

from like_keras_core.report import RunReport
from like_keras_core.runtime.stop_signals import asked_by


def code_of(report: RunReport, *, is_endless: bool) -> int:
    """Return the exit code of a command whose run has ended without an error.

    Args:
        report: What the run gave back.
        is_endless: Whether Ctrl-C is the way to end it.
    """
    if report.ended_by != "interrupt":
        return 0
    number = asked_by()
    return 0 if is_endless and number == signal.SIGINT else 128 + number
