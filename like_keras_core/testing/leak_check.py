"""What a launch has left behind: processes, shared memory, files."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MARK = "LK_CONFORMANCE_RUN"
_OF_PYTHON = (b"multiprocessing.resource_tracker", b"multiprocessing.forkserver")
"""Servants that Python itself keeps for the life of the launching process."""


class Watch:
    """Sees what is there now; later, what has come since.

    Args:
        folder: The working folder of the launch.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(8)
        self._temporary: list[str] = []
        self._shared = set(_shared())
        self._children = set(_descendants())

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Mark every process that is started inside, and see temporary files."""
        folder = Path(tempfile.mkdtemp(prefix="lk-"))
        before = {name: os.environ.get(name) for name in (MARK, "TMPDIR")}
        cached = tempfile.tempdir
        os.environ[MARK] = self.token
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = cached
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
            items = [str(item.relative_to(folder)) for item in folder.rglob("*")]
            self._temporary += [x for x in items if not x.startswith("pymp-")]
            if len(self._temporary) == len(items):
                shutil.rmtree(folder, ignore_errors=True)

    def processes(self, patience_s: float = 3.0) -> dict[int, str]:
        """Return processes that still run, once they had time to end."""
        return _once_empty(self._processes, patience_s)

    def _processes(self) -> dict[int, str]:
        mark = f"{MARK}={self.token}".encode()
        new = _descendants() - self._children
        found = {}
        for pid in _pids():
            command = _read(pid, "cmdline")
            if pid == os.getpid() or not command:
                continue
            if any(servant in command for servant in _OF_PYTHON):
                continue
            if pid in new or mark in _read(pid, "environ").split(b"\0"):
                found[pid] = command.replace(b"\0", b" ").decode(errors="replace")
        return found

    def end_processes(self) -> None:
        """End what was left, by its id."""
        for pid in self._processes():
            with _gone_is_fine():
                os.kill(pid, signal.SIGKILL)

    def shared_memory(self, patience_s: float = 3.0) -> list[str]:
        """Return new segments that no living process has open."""
        return list(_once_empty(self._segments, patience_s))

    def _segments(self) -> dict[str, str]:
        new = _shared() - self._shared
        used = b"".join(_read(pid, "maps") for pid in _pids()) if new else b""
        return {name: name for name in new if f"/dev/shm/{name}".encode() not in used}

    def files(self) -> list[str]:
        """Return files outside the build folder."""
        inside = [
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file()
        ]
        outside = [x for x in inside if not x.startswith(".lk_build" + os.sep)]
        return outside + self._temporary


def _once_empty(find: Callable[[], dict], patience_s: float) -> dict:  # type: ignore[type-arg]
    until = time.monotonic() + patience_s
    while (found := find()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    try:
        yield
    except ProcessLookupError:
        return


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _read(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


def _descendants() -> set[int]:
    """Return the living processes below this one."""
    parents = {}
    for pid in _pids():
        fields = _read(pid, "stat").rpartition(b") ")[2].split()
        if len(fields) > 1 and fields[0] != b"Z":
            parents[pid] = int(fields[1])
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def _shared() -> set[str]:
    try:
        return set(os.listdir("/dev/shm"))
    except OSError:
        return set()
