"""A finished MCAP file that may be damaged, or made to do harm.

No size in it is believed before it is compared with what the file has, and what has a
checksum is checked before it is used. Of the index, which is read first, that is all;
chunks are unpacked when their messages are asked for.

References:
    https://mcap.dev/spec
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import (
    Attachment,
    AttachmentIndex,
    Channel,
    Chunk,
    ChunkIndex,
    Footer,
    Message,
    Metadata,
    MetadataIndex,
    Schema,
)
from mcap.stream_reader import breakup_chunk

from lk_record_mcap.errors import DamagedRecordingError, RecordingError

MAGIC = b"\x89MCAP0\r\n"
RECORD = struct.Struct("<BQ")
"""What every record begins with: its kind, and the length of the rest."""

_FOOTER = RECORD.size + 20
_LARGEST_INDEX = 256 << 20
"""The size of the largest index that is read; that of a terabyte fits [byte]."""

_LARGEST_CHUNK = 256 << 20
"""What a chunk may become, however small it is packed [byte]."""

_LARGEST_RATIO = 100
"""How many times its packed size a larger chunk may become."""

_INDEXED: dict[int, Any] = {
    Opcode.SCHEMA: Schema,
    Opcode.CHANNEL: Channel,
    Opcode.CHUNK_INDEX: ChunkIndex,
    Opcode.ATTACHMENT_INDEX: AttachmentIndex,
    Opcode.METADATA_INDEX: MetadataIndex,
}


class Found(NamedTuple):
    """A message, and the schema and channel that it is of."""

    schema: Schema
    channel: Channel
    message: Message


class McapFile:
    """The checked index of an MCAP file; what it points at is read when asked for.

    Args:
        path: The file.

    Raises:
        RecordingError: It is not such a file, or is damaged.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._chunks: list[ChunkIndex] = []
        self._attachments: dict[str, AttachmentIndex] = {}
        self._metadata: dict[str, MetadataIndex] = {}
        with path.open("rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            start, index = self._index(file)
        for offset, opcode, content in records_in(index, path, start):
            if opcode in _INDEXED:
                self._learn(parse(_INDEXED[opcode], content, path, offset))

    def _index(self, file: IO[bytes]) -> tuple[int, bytes]:
        """Return the bytes of the index and where they begin."""
        if file.read(len(MAGIC)) != MAGIC:
            raise RecordingError(f"{str(self.path)!r} is not an MCAP file.")
        at = self.size - len(MAGIC) - _FOOTER
        end = _read(file, max(at, 0), _FOOTER + len(MAGIC))
        if at < len(MAGIC) or end[-len(MAGIC) :] != MAGIC:
            raise self._damaged(self.size, "it ends too early")
        if RECORD.unpack_from(end) != (Opcode.FOOTER, _FOOTER - RECORD.size):
            raise self._damaged(at, "the footer is not there")
        footer = parse(Footer, end[RECORD.size : _FOOTER], self.path, at)
        start = footer.summary_start
        if not start:
            raise self._damaged(at, "it has no index")
        if not len(MAGIC) <= start <= at:
            raise self._damaged(at, f"its index would begin at byte {start}")
        if at - start > _LARGEST_INDEX:
            raise self._damaged(at, f"its index would take {at - start} bytes")
        index = _read(file, start, at - start)
        if footer.summary_crc not in (
            0,
            zlib.crc32(end[: _FOOTER - 4], zlib.crc32(index)),
        ):
            raise self._damaged(start, "the checksum of the index is another")
        return start, index

    def _learn(self, item: Any) -> None:
        if isinstance(item, Schema):
            self._schemas[item.id] = item
        elif isinstance(item, Channel):
            self._channels[item.id] = item
        elif isinstance(item, ChunkIndex):
            self._chunks.append(item)
        elif isinstance(item, AttachmentIndex):
            self._attachments[item.name] = item
        else:
            self._metadata[item.name] = item

    def attachment(self, name: str) -> bytes | None:
        """Return the content of an attachment; None if there is none of that name.

        Raises:
            RecordingError: It is damaged.
        """
        index = self._attachments.get(name)
        if index is None:
            return None
        offset = index.offset
        content = self._indexed(index, Opcode.ATTACHMENT)
        crc = int.from_bytes(content[-4:], "little")
        if crc not in (0, zlib.crc32(content[:-4])):
            raise self._damaged(offset, f"the checksum of {name!r} is another")
        data: bytes = parse(Attachment, content, self.path, offset).data
        return data

    def metadata(self, name: str) -> dict[str, str] | None:
        """Return a metadata record; None if there is none of that name.

        Raises:
            RecordingError: It is damaged.
        """
        index = self._metadata.get(name)
        if index is None:
            return None
        content = self._indexed(index, Opcode.METADATA)
        found: dict[str, str] = parse(
            Metadata, content, self.path, index.offset
        ).metadata
        return found

    def messages(self, topics: Collection[str] | None = None) -> Iterator[Found]:
        """Yield the messages in the order in which they stand in the file.

        Args:
            topics: Only these; None is all.

        Raises:
            RecordingError: A chunk is damaged.
            OSError: The file cannot be read.
        """
        wanted = {
            number
            for number, channel in self._channels.items()
            if topics is None or channel.topic in topics
        }
        with self.path.open("rb") as file:
            for index in self._chunks:
                known = index.message_index_offsets.keys()
                if known and not known & wanted:
                    continue
                offset = index.chunk_start_offset
                for item in self._messages_of(file, index):
                    channel = self._channels.get(item.channel_id)
                    if channel is None or channel.schema_id not in self._schemas:
                        raise self._damaged(offset, "a message is of no channel")
                    if item.channel_id in wanted:
                        yield Found(self._schemas[channel.schema_id], channel, item)

    def _messages_of(self, file: IO[bytes], index: ChunkIndex) -> list[Message]:
        """Return the messages of a chunk that is what the index says of it."""
        offset = index.chunk_start_offset
        content = self._record(file, offset, index.chunk_length, Opcode.CHUNK)
        chunk = parse(Chunk, content, self.path, offset)
        said = (index.compression, index.compressed_size, index.uncompressed_size)
        if said != (chunk.compression, len(chunk.data), chunk.uncompressed_size):
            raise self._damaged(offset, "the index says something else of the chunk")
        items = unpack(chunk, self.path, offset)
        return [item for item in items if isinstance(item, Message)]

    def _indexed(self, index: AttachmentIndex | MetadataIndex, opcode: int) -> bytes:
        """Return what the record of an attachment, or of metadata, holds."""
        with self.path.open("rb") as file:
            return self._record(file, index.offset, index.length, opcode)

    def _record(self, file: IO[bytes], offset: int, length: int, opcode: int) -> bytes:
        """Return what a record holds that the index points at."""
        if length < RECORD.size or offset + length > self.size:
            raise self._damaged(offset, f"{length} bytes are not there")
        data = _read(file, offset, length)
        expected = (opcode, length - RECORD.size)
        if len(data) < length or RECORD.unpack_from(data) != expected:
            raise self._damaged(offset, "the index points at something else")
        return data[RECORD.size :]

    def _damaged(self, offset: int, why: str) -> DamagedRecordingError:
        return DamagedRecordingError(str(self.path), offset, why)


def records_in(data: bytes, path: Path, start: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield offset, kind and content of the records that some bytes are.

    Args:
        data: The bytes.
        path: The file that they are of, for the error.
        start: Where in the file they begin.

    Raises:
        RecordingError: A record does not end where they end.
    """
    at = 0
    while at < len(data):
        if at + RECORD.size > len(data):
            raise DamagedRecordingError(str(path), start + at, "a record is cut off")
        opcode, length = RECORD.unpack_from(data, at)
        begin = at + RECORD.size
        if begin + length > len(data):
            why = f"a record would have {length} bytes"
            raise DamagedRecordingError(str(path), start + at, why)
        yield start + at, opcode, data[begin : begin + length]
        at = begin + length


def parse(kind: Any, content: bytes, path: Path, offset: int) -> Any:
    """Return a record of mcap from its content.

    Raises:
        RecordingError: It is damaged.
    """
    try:
        return kind.read(ReadDataStream(BytesIO(content)))
    except Exception as error:
        why = f"cannot read a {kind.__name__}: {error!r}"
        raise DamagedRecordingError(str(path), offset, why) from error


def unpack(chunk: Chunk, path: Path, offset: int) -> list[Any]:
    """Return the records of a chunk, after checks of its size and its checksum.

    Args:
        chunk: The chunk.
        path: The file that it is of, for the error.
        offset: Where in the file it is.

    Raises:
        RecordingError: It is damaged, or too large.
    """
    packed, size = len(chunk.data), chunk.uncompressed_size
    if size > max(_LARGEST_CHUNK, _LARGEST_RATIO * packed) and chunk.compression:
        raise RecordingError(
            f"The chunk at byte {offset} of {str(path)!r} would take {size} bytes of "
            f"memory, and has {packed} in the file. If you trust it, write it without "
            f"compression first: mcap decompress {path} -o trusted.mcap"
        )
    try:
        plain = _plain(chunk)
        if len(plain) != size:
            raise ValueError(f"expected {size} bytes, not {len(plain)}")
        whole = replace(chunk, compression="", data=plain)
        found: list[Any] = breakup_chunk(whole, validate_crc=True)
    except Exception as error:
        why = f"cannot read a chunk: {error}"
        raise DamagedRecordingError(str(path), offset, why) from error
    return found


def _plain(chunk: Chunk) -> bytes:
    """Return the content of a chunk, in no more memory than it claims."""
    data: bytes = chunk.data
    size: int = chunk.uncompressed_size
    if not chunk.compression:
        return data
    if chunk.compression == "zstd":
        import zstandard

        claimed = zstandard.frame_content_size(data)
        if claimed not in (-1, size):
            raise ValueError(f"expected {size} bytes, not {claimed}")
        if not size:
            return b""
        return bytes(zstandard.decompress(data, max_output_size=size))
    if chunk.compression == "lz4":
        from lz4.frame import LZ4FrameDecompressor

        return bytes(LZ4FrameDecompressor().decompress(data, max_length=size + 1))
    raise ValueError(f"its compression is {chunk.compression!r:.40}")


def _read(file: IO[bytes], offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)
