"""Files in folders that others may have prepared: no link there leads anywhere else."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import IO

from like_keras_core.errors import EngineError

_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


class LinkInTheWayError(EngineError):
    """Where something is to be written, a symbolic link leads elsewhere."""

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(
            f"{str(path)!r} is a symbolic link, and nothing is written through it. "
            "Remove it, or choose another build folder."
        )


def write_text(path: Path, text: str, *, newline: str | None = None) -> None:
    """Write a file, whole or not at all; a link of that name is replaced.

    Args:
        path: The file.
        text: What it shall hold.
        newline: What ends a line; what is usual here when omitted.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(_made(unfinished), "w", encoding="utf-8", newline=newline) as to:
            to.write(text)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def open_new(path: Path) -> IO[bytes]:
    """Return a file to write; what has its name is removed, be it a link."""
    path.unlink(missing_ok=True)
    return os.fdopen(_made(path), "wb")


def open_regular(path: Path) -> IO[bytes]:
    """Return a file to read, without waiting for a pipe and without following a link.

    Raises:
        OSError: It cannot be read, or is something else than a file of this user.
    """
    handle = os.open(path, os.O_RDONLY | _NO_LINKS | _NO_WAIT)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        os.close(handle)
        raise OSError(f"{str(path)!r} is not a file of this user")
    return os.fdopen(handle, "rb")


def fresh_folder(folder: Path) -> None:
    """Make an empty folder; what was in it goes, and a link in its place."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def real_folder(root: Path, *names: str) -> Path:
    """Return a folder below another one, made if need be.

    Args:
        root: The folder that was chosen; it may be a link.
        *names: What leads from there to the folder.

    Raises:
        EngineError: There is a link on the way.
    """
    root.mkdir(parents=True, exist_ok=True)
    folder = root
    for name in names:
        folder = folder / name
        if folder.is_symlink():
            raise LinkInTheWayError(folder)
        folder.mkdir(exist_ok=True)
    return folder


def _made(path: Path) -> int:
    """Return a file that was not there before."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o666)
