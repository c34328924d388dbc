"""The end of a process that waits for dora, when the launching process has gone.

A node that has started hears of that on its control connection. One that dora lets wait
before would stay for ever, and `dora run` with it: dora keeps Python's lock meanwhile,
so that no thread of the process can look.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAUNCHER = "LK_LAUNCHER_PID"
"""The variable with the process that launched, of nodes on its machine."""

_LOOK_S = 0.5


@contextmanager
def ending_with_launcher() -> Iterator[None]:
    """End this process if the launching process on this machine ends meanwhile."""
    if LAUNCHER not in os.environ:
        yield
        return
    node, dora, launcher = os.getpid(), os.getppid(), int(os.environ[LAUNCHER])
    watcher = os.fork()
    if not watcher:
        _watch(node, dora, launcher)
    try:
        yield
    finally:
        os.kill(watcher, signal.SIGKILL)
        os.waitpid(watcher, 0)


def _watch(node: int, dora: int, launcher: int) -> None:
    """Be the process that watches; never returns."""
    try:
        # It must not hold the node's output open.
        null = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(null, number)
        while os.getppid() == node:
            if _parent_of(dora) != launcher:
                os.kill(node, signal.SIGKILL)
                break
            time.sleep(_LOOK_S)
    finally:
        os._exit(0)


def _parent_of(pid: int) -> int:
    """Return the parent of a process; 0 if that has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])
