"""What a dora application may leave behind: processes, shared memory, and logs."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")
_MEMORY = Path("/dev/shm")


def session(leader: int) -> dict[int, str]:
    """Return the processes of a session and their states, as `/proc` names them.

    A process that has ended and was not waited for is none of them.
    """
    found = {}
    for entry in _PROCESSES.glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
            if fields[3] == str(leader) and fields[0] not in "ZX":
                found[int(entry.parent.name)] = fields[0]
    return found


def kill(pid: int) -> None:
    """Kill a process, if it still lives."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def segments() -> set[Path]:
    """Return zenoh's shared memory on this machine."""
    return set(_MEMORY.glob("*.zenoh"))


def remove_free(paths: set[Path]) -> None:
    """Remove the shared memory that no process uses; each that does holds a lock."""
    for path in paths:
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def remove_logs(dataflow: Path, dataflow_id: str) -> None:
    """Remove dora's own folder of a run: our logs have what is in it."""
    if dataflow_id:
        folder = dataflow.parent / "out" / dataflow_id
        shutil.rmtree(folder, ignore_errors=True)


def free_memory() -> int:
    """Return how much shared memory may still be used [byte]."""
    try:
        found = os.statvfs(_MEMORY)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
