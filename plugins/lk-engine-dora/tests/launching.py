"""What launches in tests leave behind, and who takes part in them."""

import fcntl
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def processes(text: str) -> dict[int, str]:
    """Return the living processes with a text in their environment, and their node."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (entry / "environ").read_bytes().decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if text in variables and state not in "ZX" and int(entry.name) != _SELF:
                named = [x[8:] for x in variables.split("\0") if x[:8] == "LK_NODE="]
                found[int(entry.name)] = named[0] if named else ""
    return found


_SELF = os.getpid()


def orphaned(before: set[str]) -> set[str]:
    """Return zenoh's shared memory that is new and that nobody uses."""
    found = set()
    for name in os.listdir("/dev/shm"):
        if name.endswith(".zenoh") and name not in before:
            with suppress(OSError), open(f"/dev/shm/{name}", "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.add(name)
    return found


class When:
    """Does something to a process when the run has come so far; a `progress`.

    Args:
        text: What is in the environment of the launch's processes.
        node: The process's node; empty for dora's own.
        number: The signal for it.
        ticks: When.
    """

    def __init__(self, text: str, node: str, number: int, ticks: int = 10) -> None:
        self.text, self.node, self.number, self.ticks = text, node, number, ticks
        self.at = 0.0
        self.act: Callable[[], object] = self._signal

    def __call__(self, ticks: int) -> None:
        if self.at or ticks < self.ticks:
            return
        self.at = time.monotonic()
        self.act()

    def _signal(self) -> None:
        # The file's variables are in the nodes; dora itself has none of them.
        for pid, node in processes(self.text).items():
            if node == self.node:
                os.kill(pid, self.number)

    @property
    def age_s(self) -> float:
        """How long ago it was; infinite if it was not."""
        return time.monotonic() - self.at if self.at else float("inf")


def later(action: Callable[[], object], seconds: float) -> threading.Timer:
    """Do something in a while."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer


KILL, HALT = signal.SIGKILL, signal.SIGSTOP
