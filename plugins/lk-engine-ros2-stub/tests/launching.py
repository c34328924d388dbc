"""What launches in tests leave behind, and who takes part in them."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from lk_engine_ros2_stub.shm_cleanup import free_segments


def processes(text: str) -> dict[int, str]:
    """Return the living processes with a text in their environment, and their node."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            variables = (entry / "environ").read_bytes().decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if text in variables and state not in "ZX" and int(entry.name) != _SELF:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                named = [x[8:] for x in words if x.startswith("__node:=")]
                found[int(entry.name)] = named[0] if named else ""
    return found


_SELF = os.getpid()


def orphaned(before: set[str]) -> set[str]:
    """Return ROS's shared memory that is new and that nobody uses."""
    return {path.name for path in free_segments()} - before


class When:
    """Does something to a process when the run has come so far; a `progress`.

    Args:
        text: What is in the environment of the launch's processes.
        node: The process's node.
        number: The signal for it.
        ticks: When.
    """

    def __init__(self, text: str, node: str, number: int, ticks: int = 10) -> None:
        self.text, self.node, self.number, self.ticks = text, node, number, ticks
        self.at = 0.0

    def __call__(self, ticks: int) -> None:
        if self.at or ticks < self.ticks:
            return
        self.at = time.monotonic()
        for pid, node in processes(self.text).items():
            if node == self.node:
                os.kill(pid, self.number)

    @property
    def age_s(self) -> float:
        """How long ago it was; infinite if it was not."""
        return time.monotonic() - self.at if self.at else float("inf")


KILL, HALT = signal.SIGKILL, signal.SIGSTOP
