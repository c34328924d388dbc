"""Shared memory that is no longer used: of processes that were killed."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from pathlib import Path

from like_keras_core.engine_kit import open_regular

_MEMORY = Path("/dev/shm")
_PATTERNS = ("fastdds_*", "sem.fastdds_*")
"""Fast DDS's segments and ports with their locks, and its semaphores."""

_TRACER = "lttng-ust-wait-*"
"""Of the tracer that ROS is linked with; other programs may have it too."""


def segments() -> set[Path]:
    """Return ROS's shared memory on this machine."""
    return {path for x in (*_PATTERNS, _TRACER) for path in _MEMORY.glob(x)}


def remove_free(before: set[Path]) -> None:
    """Remove the shared memory that no process has mapped, open or locked.

    Args:
        before: What was there when the launch began: the tracer's part of it is left
            alone, since its owner is not known.
    """
    for path in free_segments():
        if path not in before or not path.match(_TRACER):
            with suppress(OSError), open_regular(path):
                path.unlink()


def free_segments() -> set[Path]:
    """Return the shared memory that is not used; what belongs together is one."""
    found = segments()
    if not found:
        return set()
    used = in_use()
    stems = {_stem(path) for path in found if path in used or _is_locked(path)}
    return {path for path in found if _stem(path) not in stems}


def _stem(path: Path) -> str:
    name = path.name.removeprefix("sem.").removesuffix("_mutex")
    return name.removesuffix("_el").removesuffix("_sl")


def _is_locked(path: Path) -> bool:
    """Say whether a lock is held, perhaps by a process that is not seen from here."""
    if not path.name.endswith(("_el", "_sl")):
        return False
    try:
        with open_regular(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def in_use() -> set[Path]:
    """Return what lies in shared memory and is mapped or open anywhere."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for line in (process / "maps").read_text(errors="replace").splitlines():
                start = line.find(str(_MEMORY))
                if start >= 0:
                    found.add(Path(line[start:]))
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    target = handle.readlink()
                    if target.parent == _MEMORY:
                        found.add(target)
    return found
