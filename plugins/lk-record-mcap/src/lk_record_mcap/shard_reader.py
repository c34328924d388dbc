"""Reads one process's part of a recording, in the order of ticks.

A process that was killed left half a record at the end, or no end at all: what is whole
counts. Messages of several segments of a node lie a few ticks out of order, so the file
is looked through once for where each message is, and read again in order.
"""

from __future__ import annotations

import struct
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Message, Metadata, Schema
from mcap.stream_reader import MAGIC_SIZE, StreamReader, breakup_chunk

from lk_record_mcap.errors import RecordingError
from lk_record_mcap.format import Form
from lk_record_mcap.shard import PORT, SEQUENCE

_KEPT_CHUNKS = 16
_RECORD = struct.Struct("<BQ")
"""What every record of MCAP begins with: its kind, and the length of the rest."""

_MESSAGE = struct.Struct("<HI")
"""What the rest of a message begins with: its channel and its sequence."""


class Place(NamedTuple):
    """A message that stands in no chunk: found, and not read."""

    channel: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A message of a part."""

    tick: int
    order: int
    port: str
    form: Form
    data: bytes
    stamp_ns: int


class PartFile:
    """The messages of a part, found but not kept.

    Args:
        path: The file.

    Raises:
        RecordingError: It is damaged before its end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ports: set[str] = set()
        self.last: dict[str, int] = {}
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, tuple[str, int, Form]] = {}
        self._ticks, self._orders = array("Q"), array("I")
        self._offsets, self._places = array("Q"), array("I")
        with path.open("rb") as file:
            self._scan(file)

    def _scan(self, file: IO[bytes]) -> None:
        for offset, record in _whole_records(file, self.path):
            if isinstance(record, Metadata) and record.name == PORT:
                self.ports.update(record.metadata)
            elif isinstance(record, Chunk):
                place = 0
                for item in breakup_chunk(record):
                    if isinstance(item, Message):
                        self._find(item.channel_id, item.sequence, offset, place)
                        place += 1
                    else:
                        self._learn(item)
            elif isinstance(record, Place):
                self._find(record.channel, record.sequence, offset, 0)
            else:
                self._learn(record)

    def _find(self, channel: int, sequence: int, offset: int, place: int) -> None:
        """Remember where a message is: which one, of the record at an offset."""
        port, order, _ = self._channels[channel]
        tick = tick_of(sequence, self.last.get(port, 0))
        self.last[port] = tick
        self._ticks.append(tick)
        self._orders.append(order)
        self._offsets.append(offset)
        self._places.append(place)

    def _learn(self, item: Any) -> None:
        """Take in a schema or a channel."""
        if isinstance(item, Schema):
            self._schemas[item.id] = item
        elif isinstance(item, Channel):
            schema = self._schemas[item.schema_id]
            form = Form(
                schema.name, item.message_encoding, schema.encoding, schema.data
            )
            order = int(item.metadata["order"])
            self._channels[item.id] = (item.topic, order, form)

    def messages(self) -> Iterator[Stored]:
        """Yield the messages by tick and order."""
        kept: OrderedDict[int, list[Message]] = OrderedDict()
        ticks = np.frombuffer(self._ticks, np.uint64)
        orders = np.frombuffer(self._orders, np.uintc)
        with self.path.open("rb") as file:
            for n in np.lexsort((orders, ticks)).tolist():
                offset = self._offsets[n]
                if offset not in kept:
                    kept[offset] = _messages_at(file, offset)
                    if len(kept) > _KEPT_CHUNKS:
                        kept.popitem(last=False)
                kept.move_to_end(offset)
                message = kept[offset][self._places[n]]
                port, order, form = self._channels[message.channel_id]
                yield Stored(
                    self._ticks[n], order, port, form, message.data, message.log_time
                )


def tick_of(sequence: int, last: int) -> int:
    """Return the tick of a message by its number, which has 32 bits.

    Args:
        sequence: The number.
        last: The tick of the port's message before it.
    """
    return last + (sequence - last) % SEQUENCE


def _whole_records(file: IO[bytes], path: Path) -> Iterator[tuple[int, Any]]:
    """Yield offset and record, of a message its place, up to where the file is cut."""
    size = path.stat().st_size
    offset = MAGIC_SIZE
    while offset + _RECORD.size <= size:
        file.seek(offset)
        opcode, length = _RECORD.unpack(file.read(_RECORD.size))
        end = offset + _RECORD.size + length
        if end > size:
            return
        if opcode == Opcode.MESSAGE:
            yield offset, Place(*_MESSAGE.unpack(file.read(_MESSAGE.size)))
        elif opcode != Opcode.MESSAGE_INDEX:
            try:
                record = _record_at(file, offset)
            except (McapError, struct.error, ValueError) as error:
                raise RecordingError(
                    f"{str(path)!r} is damaged at byte {offset} of {size}: {error!r}. "
                    "What is before that can be had with the command mcap recover."
                ) from error
            yield offset, record
            if opcode == Opcode.DATA_END:
                return
        offset = end


def _messages_at(file: IO[bytes], offset: int) -> list[Message]:
    record = _record_at(file, offset)
    items = breakup_chunk(record) if isinstance(record, Chunk) else [record]
    return [item for item in items if isinstance(item, Message)]


def _record_at(file: IO[bytes], offset: int) -> Any:
    file.seek(offset)
    return next(StreamReader(file, skip_magic=True, emit_chunks=True).records)
