"""The end of a node's process, in bounded time.

Fast DDS may deadlock when a node is taken down, and may have Python's lock then, so
that no thread of Python can help. A timer of the operating system can.

References:
    `timer_create(2)`: `SIGEV_THREAD` calls a function in a thread of the C library.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

LEAVE_S = 5.0
"""How long ROS may take to take a node down, and Python to end [s]."""

_MONOTONIC = 1
_THREAD = 2


class _Event(ctypes.Structure):
    """`struct sigevent`, as of Linux."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("rest", ctypes.c_char * 32),
    )


class _Times(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


def leave(
    close: Callable[[], object],
    code: int,
    limit_s: float = LEAVE_S,
    *,
    last_words: str = "",
) -> None:
    """Close what this process has of ROS; where that hangs, exit.

    What was printed and logged has been written before, unless nobody reads it: a pipe
    that is full would hold up the process for ever.

    Args:
        close: Closes it.
        code: The exit code, if it hangs.
        limit_s: How long it may take [s]; and after it, how long Python's own end may.
        last_words: What is still to be said on standard error.
    """
    disarm = exit_after(limit_s, code)
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(last_words)
    flush()
    close()
    disarm()
    atexit.register(exit_after, limit_s, code)


def flush() -> None:
    """Write what was printed and logged; a stream that was closed is None."""
    for stream in (sys.stdout, sys.stderr, *logging.getLogger().handlers):
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()


def exit_after(limit_s: float, code: int) -> Callable[[], object]:
    """End this process at a time, whatever it does then.

    Args:
        limit_s: When [s], from now.
        code: Its exit code.

    Returns:
        What prevents it.
    """
    try:
        libc = ctypes.CDLL(None)
        function = ctypes.cast(libc._exit, ctypes.c_void_p)
        event = _Event(code, 0, _THREAD, function)
        timer = ctypes.c_void_p()
        whole = int(limit_s)
        times = _Times(0, 0, whole, int((limit_s - whole) * 1e9))
        if libc.timer_create(_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
            raise OSError("timer_create")
        libc.timer_settime(timer, 0, ctypes.byref(times), None)
    except (AttributeError, OSError):
        # Not this C library: what Python can do has to do.
        thread = threading.Timer(limit_s, os._exit, [code])
        thread.daemon = True
        thread.start()
        return thread.cancel
    return lambda: libc.timer_delete(timer)
