"""A process that removes a node's shared memory when the node was killed.

On this machine the launching process does that. On another one nothing does: a daemon
looks after processes, and memory stays until the next dora program begins.
"""

from __future__ import annotations

import os
import select

from lk_engine_dora.shm_cleanup import remove_free, segments

SWEEPS = "LK_SWEEPS"
"""The variable that asks a node's process for one."""


def start_sweeper() -> None:
    """Start it for this process; to be called before there is a thread."""
    before = segments()
    parent = os.getpid()
    if os.fork():
        return
    try:
        # What ends the node must not end it, nor must it hold the node's output open.
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        _wait_for(parent)
        remove_free(segments() - before)
    finally:
        os._exit(0)


def _wait_for(pid: int) -> None:
    """Wait until a process is gone, and with it its locks."""
    watched = os.pidfd_open(pid)
    if os.getppid() != pid:
        return  # It was gone before; the number may be another's.
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.poll()
