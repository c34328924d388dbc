"""Acknowledgements in shared memory: written where their reader looks, not sent.

A node that sends has a board, memory with a place for each of its channels. The
processes that read its values write their acknowledgements there, each over the one
before: the newest says all. To look there takes a microsecond, to take a message from
dora thirty. A node that waits for dora would not notice what is written; so its board
says when it does, and then whoever writes sends the acknowledgement as well.

A board leaves nothing behind. It is an open file that is in no folder, which others
open through `/proc`; so it needs Linux, and one user on one machine.
"""

from __future__ import annotations

import json
import mmap
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from like_keras_core.runtime.flow.wire_format import HEADER_SIZE

_NAME = "lk-acknowledgements"
"""What the system calls such a file."""

_MARK = b"\0board "
"""Begins an invitation; no frame begins so."""

_HEAD = 64
"""Whether its reader waits, and the token that proves it the right one [byte]."""

_PLACE = 64
"""Room for the frame of a channel, and its checksum [byte]."""

_TOKEN = slice(32, 64)
_WRITTEN = struct.Struct(f"<{HEADER_SIZE}sI")


class AckTable:
    """What is written to a node that sends.

    Args:
        channels: The numbers of the channels that leave it.

    Raises:
        OSError: The system has no such memory, or nobody could find it.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        if not hasattr(os, "memfd_create"):
            raise OSError("files without a folder are a thing of Linux")
        self._surroundings = _surroundings()
        size = _HEAD + _PLACE * len(channels)
        self._file = os.memfd_create(_NAME)
        os.ftruncate(self._file, size)
        self._memory = mmap.mmap(self._file, size)
        self._memory[_TOKEN] = secrets.token_bytes(_TOKEN.stop - _TOKEN.start)
        self._seen = self._memory[_HEAD:]
        self._frames = [bytes(HEADER_SIZE)] * len(channels)
        self._waits = False
        self._fence = threading.Lock()

    def close(self) -> None:
        """Give the memory back, as far as this process has it."""
        self._memory.close()
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    def invitation(self) -> bytes:
        """Return what a writer needs to find it."""
        token = self._memory[_TOKEN].hex()
        place = {"process": os.getpid(), "file": self._file, "token": token}
        return _MARK + json.dumps({**self._surroundings, **place}).encode()

    def say_waiting(self, waits: bool) -> None:
        """Say whether this process waits for messages; look once more before it does.

        On x86 what is written before that look is seen, or its writer told to send it.
        A processor with weaker rules may miss both, very rarely: then it is seen when
        the wait is over.
        """
        if waits != self._waits:
            self._waits = waits
            with self._fence:
                self._memory[0] = waits

    def news(self) -> list[bytes]:
        """Return the frames that were written since the last time."""
        found = self._memory[_HEAD:]
        if found == self._seen:
            return []
        self._seen = found
        frames = []
        for n, before in enumerate(self._frames):
            frame, checksum = _WRITTEN.unpack_from(found, n * _PLACE)
            if frame == before:
                continue
            if zlib.crc32(frame) == checksum:
                self._frames[n] = frame
                frames.append(frame)
            else:
                # Half of it: to be looked at again.
                self._seen = b""
        return frames


class AckTableWriter:
    """The board of another node, for a process that reads its values.

    Args:
        memory: The board's.
        channels: The numbers of the channels that leave that node.
    """

    def __init__(self, memory: mmap.mmap, channels: Sequence[int]) -> None:
        self._memory = memory
        self._starts = {n: _HEAD + _PLACE * i for i, n in enumerate(channels)}
        self._fence = threading.Lock()

    def write(self, channel: int, frame: bytes) -> bool:
        """Leave a frame of a header alone; return whether it will be looked at."""
        start = self._starts[channel]
        end = start + _WRITTEN.size
        self._memory[start:end] = _WRITTEN.pack(frame, zlib.crc32(frame))
        # The lock is for the processor: it reads this after it has written that.
        with self._fence:
            return not self._memory[0]

    def close(self) -> None:
        """Give the memory back, as far as this process has it."""
        self._memory.close()


def invitation_in(frame: bytes | memoryview) -> dict[str, Any] | None:
    """Return what an invitation says; None if what has arrived is none."""
    if frame[: len(_MARK)] != _MARK:
        return None
    found: dict[str, Any] = json.loads(bytes(frame)[len(_MARK) :])
    return found


def open_board(
    invitation: Mapping[str, Any], channels: Sequence[int]
) -> AckTableWriter | None:
    """Open another process's board; None where that cannot be done.

    Args:
        invitation: What it says.
        channels: The numbers of the channels that leave its node.
    """
    with suppress(OSError, ValueError, KeyError):
        if any(invitation[key] != found for key, found in _surroundings().items()):
            return None
        path = f"/proc/{invitation['process']}/fd/{invitation['file']}"
        if not os.readlink(path).startswith(f"/memfd:{_NAME}"):
            return None
        with open(path, "r+b") as file:
            memory = mmap.mmap(file.fileno(), _HEAD + _PLACE * len(channels))
        if memory[_TOKEN].hex() == invitation["token"]:
            return AckTableWriter(memory, channels)
        memory.close()
    return None


def _surroundings() -> dict[str, str]:
    """Return what the processes of one machine have in common."""
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"kernel": kernel, "network": os.readlink("/proc/self/ns/net")}
