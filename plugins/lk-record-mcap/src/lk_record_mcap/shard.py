"""One process's part of a recording: an MCAP file that its taps share."""

from __future__ import annotations

import os
import platform
import time
import zlib
from pathlib import Path
from typing import Any

from mcap.writer import LIBRARY_IDENTIFIER, CompressionType, Writer

from like_keras_core.engine_kit import open_new
from lk_record_mcap.absent_ticks import AbsentTicks
from lk_record_mcap.errors import RecordingError
from lk_record_mcap.format import Encoder, Form
from lk_record_mcap.write_queue import Backlog, Entry, is_large

CHUNK_BYTES = 1 << 20
FLUSH_NS = 1_000_000_000
"""What a process that is killed can lose: messages of no more than this time."""

CHECKED_BYTES = 1 << 20
"""How much of a message its checksum is of, where it stands in no chunk."""

SEQUENCE = 1 << 32
"""MCAP has 32 bits for a message's number, which is the tick here; it starts again."""

COMPRESSIONS = {
    "none": CompressionType.NONE,
    "lz4": CompressionType.LZ4,
    "zstd": CompressionType.ZSTD,
}

BEYOND_END = "beyond_end"
"""What stands before the topic of messages beyond the end, and marks their channel."""

PORT = "like_keras.port"
"""The name of the metadata record with a recorded port, and its component's place."""

_open: dict[tuple[str, int], Shard] = {}


class ChannelWriter:
    """Writes messages to an MCAP file; makes a channel for each port and form.

    Args:
        path: The file.
        compression: `"none"`, `"lz4"` or `"zstd"`; None for messages without chunks,
            which costs least. A chunk has a checksum; a message without one has it in
            the time of its publication, which is else the time of its log.
    """

    def __init__(self, path: Path, compression: str | None) -> None:
        self._file = open_new(path)
        self._has_checksums = compression is None
        self.mcap = Writer(
            self._file,
            CHUNK_BYTES,
            compression=COMPRESSIONS[compression or "none"],
            use_chunking=compression is not None,
        )
        self.mcap.start(library=f"lk-record-mcap; {LIBRARY_IDENTIFIER}")
        self._schemas: dict[Form, int] = {}
        self._channels: dict[tuple[str, Form, bool], int] = {}

    def declare(self, port: str, order: int) -> None:
        """Say that a port is recorded here, whether or not it sends anything."""
        self.mcap.add_metadata(PORT, {port: str(order)})

    def write(
        self,
        port: str,
        order: int,
        tick: int,
        form: Form,
        data: bytes,
        stamp_ns: int,
        *,
        is_beyond: bool = False,
    ) -> None:
        """Write a message.

        Args:
            port: Its port's address, which is the topic.
            order: The place of its component in the execution order.
            tick: Its tick.
            form: How it is written.
            data: Its content.
            stamp_ns: When it was sent, since the epoch [ns].
            is_beyond: Whether its tick is beyond the end of the run.
        """
        key = port, form, is_beyond
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = self._open(port, order, form, is_beyond)
        sequence = tick % SEQUENCE
        published_ns = stamp_ns
        if self._has_checksums:
            published_ns ^= message_crc(channel, sequence, data)
        self.mcap.add_message(channel, stamp_ns, data, published_ns, sequence)

    def _open(self, port: str, order: int, form: Form, is_beyond: bool) -> int:
        schema = self._schemas.get(form)
        if schema is None:
            schema = self.mcap.register_schema(form.name, form.schema, form.data)
            self._schemas[form] = schema
        topic, metadata = port, {"order": str(order)}
        if is_beyond:
            # A topic of its own, so that viewers do not mix the two.
            topic, metadata = f"{BEYOND_END}/{port}", {**metadata, BEYOND_END: port}
        channel: int = self.mcap.register_channel(topic, form.message, schema, metadata)
        return channel

    def close(self) -> None:
        """Write what is left, and the index."""
        try:
            self.mcap.finish()
        finally:
            self._file.close()


def unwritten(path: Path, error: OSError) -> RecordingError:
    """Return what is raised where a file of a recording cannot be written."""
    return RecordingError(
        f"The recorder cannot write {str(path)!r}: {error.strerror}. What it has "
        "written is there; record_to=, or --record-to, takes another place."
    )


def message_crc(channel: int, sequence: int, data: bytes) -> int:
    """Return the checksum of a message that stands in no chunk.

    It is of the first `CHECKED_BYTES`: the frames of a camera are to cost little while
    they are recorded, and the chunks that the parts become have checksums of all.
    """
    if len(data) > CHECKED_BYTES:
        data = data[:CHECKED_BYTES]
    return zlib.crc32(data, channel << 16 ^ sequence)


class Shard:
    """What one process records.

    Args:
        folder: Where the parts of the recording are.
        compression: As for `ChannelWriter`: None where it will be merged.

    Attributes:
        settle: Lets go of the arrays that were given: they may change from now on.
    """

    def __init__(self, folder: Path, compression: str | None) -> None:
        if not folder.is_dir():
            raise RecordingError(
                f"The recording's folder {str(folder)!r} is not on this machine, "
                f"{platform.node()!r}. Make it there before the launch, and copy what "
                "is in it to the others' afterwards: lk recover puts it together."
            )
        self.path = folder / f"{platform.node()}-{os.getpid()}.mcap"
        self.writer = ChannelWriter(self.path, compression)
        self.silence: dict[str, AbsentTicks] = {}
        self.last: dict[str, int] = {}
        self.is_sorted = True
        self.holders = 0
        self._place = (0, 0)
        self._backlog = Backlog(self._write)
        self.settle = self._backlog.settle
        self._flushed_ns = time.monotonic_ns()

    def begin(self, port: str, order: int) -> None:
        """Expect values of a port."""
        self.silence[port] = AbsentTicks()
        self.writer.declare(port, order)

    def write(self, encoder: Encoder, order: int, tick: int, value: Any) -> None:
        """Write a value of a port; of its ticks each is greater than the one before.

        An array may be written a little later: it must not change before `settle`.
        """
        port = encoder.port
        stamp_ns = time.time_ns()
        if self._backlog.is_idle and not is_large(value):
            self._put(
                port, order, tick, stamp_ns, *encoder.encode(tick, value, stamp_ns)
            )
        else:
            self._backlog.add(Entry(encoder, order, tick, stamp_ns, value))
        place = (tick, order)
        self.is_sorted = self.is_sorted and place >= self._place
        self._place = place
        self.silence[port].sent(tick)
        self.last[port] = tick

    def drain(self) -> None:
        """Return when all that was given is written."""
        self._backlog.drain()

    def _write(self, entry: Entry) -> None:
        port, place = entry.encoder.port, (entry.order, entry.tick, entry.stamp_ns)
        self._put(port, *place, *entry.encode())

    def _put(
        self, port: str, order: int, tick: int, stamp_ns: int, form: Form, data: bytes
    ) -> None:
        try:
            self.writer.write(port, order, tick, form, data, stamp_ns)
            now = time.monotonic_ns()
            if now - self._flushed_ns > FLUSH_NS:
                self._flushed_ns = now
                self.writer.mcap.flush()
        except OSError as error:
            raise unwritten(self.path, error) from error

    def release(self) -> None:
        """Give it up; the last who does closes it."""
        self.holders -= 1
        if self.holders == 0:
            _open.pop((str(self.path.parent), os.getpid()), None)
            try:
                self.drain()
            finally:
                self._close()

    def _close(self) -> None:
        try:
            self.writer.close()
        except OSError as error:
            raise unwritten(self.path, error) from error


def hold_part(folder: str, compression: str | None = None) -> Shard:
    """Return this process's part of a recording, open until all have released it.

    Args:
        folder: Where the parts are.
        compression: What the launching process asks for: its part may become the
            recording. The parts of others are merged.
    """
    key = (folder, os.getpid())
    part = _open.get(key)
    if part is None:
        part = _open[key] = Shard(Path(folder), compression)
    part.holders += 1
    return part
