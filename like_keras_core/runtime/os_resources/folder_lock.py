"""One launch at a time in a build folder: the second is told who is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from like_keras_core.errors import EngineError

_NAME = ".lock"
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class FolderInUseError(EngineError):
    """Another launch works in the build folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        self.folder, self.holder = folder, holder
        super().__init__(
            f"The build folder {str(folder)!r} is in use by {holder}. Wait for its "
            "end, or choose another folder for this run: launch(build_dir=...), or "
            "lk launch --build-dir."
        )


@contextmanager
def folder_lock(folder: Path, what: str) -> Iterator[None]:
    """Have a build folder alone; the system lets go of it when this process ends.

    Args:
        folder: The folder.
        what: What works there, for those that come meanwhile: `"a launch"`.

    Raises:
        FolderInUseError: Somebody works there.
        OSError: It cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # There are no such locks on Windows.
        yield
        return
    path = folder / _NAME
    if path.is_symlink():
        path.unlink()
    while True:
        handle = os.open(path, _FLAGS, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace")
            os.close(handle)
            raise FolderInUseError(folder, holder or "another run") from None
        except OSError:  # Some network file systems have no locks.
            break
        if _is_there(path, handle):
            break
        # Whoever had it removed it meanwhile.
        os.close(handle)
    try:
        text = f"{what} (pid {os.getpid()}, since {_now()})"
        with suppress(OSError):  # On a disk that is full nobody says it.
            os.ftruncate(handle, 0)
            os.pwrite(handle, text.encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _is_there(path: Path, handle: int) -> bool:
    """Say whether a name is still that of an open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _now() -> str:
    return datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
