"""Acknowledgements in shared memory; the memory ordering relied on is x86's.

They are written where their reader looks, not sent. A node that sends has a table:
memory with a place for each of its channels. The processes that read its values write
their acknowledgements there, each over the one before: the newest says all. To look
there takes a microsecond, to take a message from dora thirty. A node that waits for
dora would not notice what is written; so its table says when it does, and then whoever
writes sends the acknowledgement as well. Decision 0027 says what was measured, and what
a processor that reorders more may cost.

A table is offered once to each node that reads, when its first acknowledgement has
come: by the output of the channel that it is about, which is then known to lead there.
Until that node has opened the table, and where it cannot, acknowledgements are sent.

A table leaves nothing behind. It is an open file that is in no folder, which others
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
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from like_keras_core.engine_kit import HEADER_SIZE, channel_of
from lk_engine_dora.edges import Edge

_NAME = "lk-acknowledgements"
"""What the system calls such a file."""

_MARK = b"\0table "
"""Begins an offer; no frame begins so."""

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

    def offer(self) -> bytes:
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

    def poll(self) -> list[bytes]:
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
    """The table of another node, for a process that reads its values.

    Args:
        memory: The table's.
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


class AckTables:
    """Who writes where.

    Args:
        edges: Those of the system.
        name: The node that this process runs.

    Attributes:
        own: This process's table; None where nobody could write there.
        pending: The inputs by which an offer may still come, or something that
            calls for one.
    """

    def __init__(self, edges: Sequence[Edge], name: str) -> None:
        data = [edge for edge in edges if edge.kind == "data"]
        mine = [edge for edge in data if edge.producer == name]
        self._outputs = {
            number: edge.output for edge in mine for number in edge.channels
        }
        self._producers = {
            edge.input: edge.producer for edge in data if edge.consumer == name
        }
        self._channels = {
            node: _channels(edge for edge in data if edge.producer == node)
            for node in self._producers.values()
        }
        self._writers: dict[str, AckTableWriter] = {}
        self.own: AckTable | None = None
        self.pending = set(self._producers)
        if mine:
            with suppress(OSError):
                self.own = AckTable(_channels(mine))
                self.pending |= {
                    edge.input
                    for edge in edges
                    if edge.kind == "acks" and edge.consumer == name
                }

    def handshake(
        self,
        source: str,
        frame: bytes | memoryview,
        send: Callable[[str, bytes], object],
    ) -> bool:
        """Send an offer, or take one; return whether the frame was one.

        Args:
            source: The input by which something has come, one of those pending.
            frame: What it is.
            send: Sends by an output.
        """
        producer = self._producers.get(source)
        if producer is None:
            assert self.own is not None, "nobody else is waited for"
            self.pending.discard(source)
            # dora may be about to end; then it does not matter.
            with suppress(Exception):
                send(self._outputs[channel_of(frame)], self.own.offer())
            return False
        offer = offer_in(frame)
        if offer is None:
            return False
        writer = open_table(offer, self._channels[producer])
        if writer is not None:
            self._writers[producer] = writer
            self.pending -= {
                item for item, node in self._producers.items() if node == producer
            }
        return True

    def write(self, node: str, channel: int, frame: bytes) -> bool:
        """Leave an acknowledgement for a node; return whether it need not be sent."""
        writer = self._writers.get(node)
        return writer is not None and writer.write(channel, frame)

    def close(self) -> None:
        """Give all of it back; from then on acknowledgements are sent."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        if self.own is not None:
            self.own.close()
        self.own = None


def offer_in(frame: bytes | memoryview) -> dict[str, Any] | None:
    """Return what an offer says; None if what has arrived is none."""
    if frame[: len(_MARK)] != _MARK:
        return None
    with suppress(ValueError, RecursionError):
        found = json.loads(bytes(frame)[len(_MARK) :])
        if isinstance(found, dict):
            return found
    return None


def open_table(
    offer: Mapping[str, Any], channels: Sequence[int]
) -> AckTableWriter | None:
    """Open another process's table; None where that cannot be done.

    Args:
        offer: What it says.
        channels: The numbers of the channels that leave its node.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        if any(offer[key] != found for key, found in _surroundings().items()):
            return None
        path = f"/proc/{offer['process']}/fd/{offer['file']}"
        if not os.readlink(path).startswith(f"/memfd:{_NAME}"):
            return None
        with open(path, "r+b") as file:
            memory = mmap.mmap(file.fileno(), _HEAD + _PLACE * len(channels))
        if memory[_TOKEN].hex() == offer["token"]:
            return AckTableWriter(memory, channels)
        memory.close()
    return None


def _surroundings() -> dict[str, str]:
    """Return what the processes of one machine have in common."""
    kernel = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"kernel": kernel, "network": os.readlink("/proc/self/ns/net")}


def _channels(edges: Iterable[Edge]) -> list[int]:
    return sorted(number for edge in edges for number in edge.channels)
