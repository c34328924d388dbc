"""The end of a process that cannot return: what is left to do is done, in bounded time.

Whatever has to be said or finished after a launch registers it here as well, for the
case that the launch never returns.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NoReturn

from like_keras_core.errors import LkError

EXIT_CODE = 4
"""That of `lk` for a component that failed."""

_BOUND_S = 2.0
"""How long each of the last things may take [s]: what hangs may hold what it needs."""

_callbacks: list[tuple[Callable[[LkError], object], float]] = []


@contextmanager
def before_forced_exit(
    callback: Callable[[LkError], object], bound_s: float = _BOUND_S
) -> Iterator[None]:
    """Call `callback` with the error if the process has to exit within the block.

    Args:
        callback: Called in a thread, for a bounded time. One that has told people of
            the error returns True.
        bound_s: How long it may take [s].
    """
    item = callback, bound_s
    _callbacks.append(item)
    try:
        yield
    finally:
        _callbacks.remove(item)


def bounded(call: Callable[[], object], bound_s: float) -> tuple[bool, object]:
    """Call something in a thread, and wait for a bounded time.

    Args:
        call: What is called; what it raises is dropped.
        bound_s: How long to wait [s].

    Returns:
        Whether it has returned, and what.
    """
    returned: list[object] = []

    def run() -> None:
        try:
            returned.append(call())
        except BaseException as error:  # noqa: BLE001 - there is no one to tell
            returned.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(bound_s)
    return bool(returned), returned[0] if returned else None


def exit_with(error: LkError) -> NoReturn:
    """Call what was registered, the newest first, tell people, and exit."""
    try:
        answers = [
            bounded(partial(call, error), bound_s)[1]
            for call, bound_s in reversed(_callbacks)
        ]
        if True not in answers:
            bounded(lambda: _tell(error), _BOUND_S)
        bounded(_flush, _BOUND_S)
    finally:
        os._exit(EXIT_CODE)


def _tell(error: LkError) -> None:
    report = getattr(error, "report", None)
    said = [f"{type(error).__module__}.{type(error).__name__}: {error}"]
    sys.stderr.write("\n".join([*said, *([] if report is None else [str(report)]), ""]))


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
