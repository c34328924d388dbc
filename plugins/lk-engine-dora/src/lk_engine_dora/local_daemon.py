"""Whether the daemon of this machine may read what this user has written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")


def is_daemon_ours() -> bool:
    """Say whether all dora daemons here are of this user, and see the same files."""
    mine = (os.geteuid(), _identity(_PROC / "self" / "root"))
    found = set(_daemons())
    return found == {mine}


def _daemons() -> Iterator[tuple[int, tuple[int, int] | None]]:
    """Yield the user of each daemon here, and what its root folder is."""
    for entry in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"daemon" in words and any(x.endswith(b"dora") for x in words[:3]):
                yield entry.stat().st_uid, _identity(entry / "root")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None  # It is another user's.
    return found.st_dev, found.st_ino
