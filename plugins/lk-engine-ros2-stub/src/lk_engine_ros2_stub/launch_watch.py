"""Sees that the launch is gone which has started this node.

`ros2 launch` passes a Ctrl-C on to its nodes, but not a SIGTERM: it ends, and they
would go on without anybody who can end them.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from like_keras_core.engine_kit import is_alive

LAUNCH_PID = "LK_LAUNCH_PID"
"""The variable with the process of the launch; a compiled launch file sets it."""

_LOOK_S = 0.5


def launch_process() -> int | None:
    """Return the process of the launch that this node is of; None by hand.

    A launch file that was written by hand may not say it: then it is the parent, where
    that is ROS's command.
    """
    given = os.environ.get(LAUNCH_PID, "")
    if given.isdecimal():
        return int(given)
    parent = os.getppid()
    with suppress(OSError):
        words = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")
        if any(Path(os.fsdecode(word)).name == "ros2" for word in words[:3]):
            return parent
    return None


def watch(process: int, gone: Callable[[], object]) -> None:
    """Call `gone` in a thread once a process has ended.

    Args:
        process: The process.
        gone: What is called; nobody may read what it prints.
    """
    threading.Thread(
        target=_watch, args=[process, gone], name="launch watch", daemon=True
    ).start()


def _watch(process: int, gone: Callable[[], object]) -> None:
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        pass
    except (AttributeError, OSError):
        while is_alive(process):
            time.sleep(_LOOK_S)
    else:
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        ended.poll()
        os.close(handle)
    _mute()
    gone()


def _mute() -> None:
    """Let components print, whose last reader is gone: none shall fail for that."""
    broken = select.poll()
    for number in (1, 2):
        broken.register(number, 0)
    for number, event in broken.poll(0):
        if event & (select.POLLERR | select.POLLHUP):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
