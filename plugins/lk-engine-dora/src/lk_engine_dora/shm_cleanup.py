"""What a dora application may leave behind: shared memory, and logs."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from like_keras_core.engine_kit import open_regular

MEMORY = Path("/dev/shm")


def segments() -> set[Path]:
    """Return zenoh's shared memory on this machine."""
    return set(MEMORY.glob("*.zenoh"))


def remove_free(paths: set[Path]) -> None:
    """Remove the shared memory that no process uses; each that does holds a lock.

    Other users may have files there, too, and pipes that nobody writes to.
    """
    for path in paths:
        with suppress(OSError), open_regular(path) as file:
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
        found = os.statvfs(MEMORY)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
