"""What a dora application may leave behind: shared memory, and logs."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from like_keras_core.engine_kit import open_regular

MEMORY = Path("/dev/shm")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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
    """Remove dora's own folder of a run: our logs have what is in it.

    Nothing is removed that is not beside the dataflow, wherever links may lead.

    Args:
        dataflow: The file.
        dataflow_id: dora's name for the run; empty if it is not known.
    """
    out = dataflow.parent / "out"
    folder = out / dataflow_id
    is_below = folder.resolve() == dataflow.parent.resolve() / "out" / dataflow_id
    if _ID.fullmatch(dataflow_id) and is_below:
        shutil.rmtree(folder, ignore_errors=True)


def free_memory() -> int:
    """Return how much shared memory may still be used [byte]."""
    try:
        found = os.statvfs(MEMORY)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
