"""Reads one process's part of a recording, in the order of ticks.

A process that was killed left half a record at the end, or no end at all: what is whole
counts. Messages of several segments of a node lie a few ticks out of order, so the file
is looked through once for where each message is, and read again in order.
"""

from __future__ import annotations

import struct
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, DataEnd, Message, Metadata, Schema

from lk_record_mcap.errors import DamagedRecordingError, RecordingError
from lk_record_mcap.format import Form, is_known
from lk_record_mcap.mcap_file import MAGIC, RECORD, parse, unpack
from lk_record_mcap.shard import PORT, SEQUENCE, message_crc

_KEPT_CHUNKS = 16
_MESSAGE = struct.Struct("<HI")
"""What the rest of a message begins with: its channel and its sequence."""

_SHORTEST = 22
"""The length of a message without content [byte]."""

_KINDS: dict[int, Any] = {
    Opcode.SCHEMA: Schema,
    Opcode.CHANNEL: Channel,
    Opcode.CHUNK: Chunk,
    Opcode.METADATA: Metadata,
    Opcode.DATA_END: DataEnd,
}
_UNUSED = frozenset({Opcode.HEADER, Opcode.MESSAGE_INDEX, Opcode.ATTACHMENT})


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
            try:
                self._take(record, offset)
            except RecordingError:
                raise
            except Exception as error:
                raise DamagedRecordingError(
                    str(self.path), offset, f"{error!r:.200}"
                ) from error

    def _take(self, record: Any, offset: int) -> None:
        """Take in what stands at an offset."""
        if isinstance(record, Metadata) and record.name == PORT:
            self.ports.update(record.metadata)
        elif isinstance(record, Chunk):
            place = 0
            for item in unpack(record, self.path, offset):
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

    def check_ports(self, orders: Mapping[str, int]) -> None:
        """Refuse messages of other ports than the run's.

        Args:
            orders: By port, the place of its component in the execution order.

        Raises:
            RecordingError: There are some.
        """
        for port, order, form in self._channels.values():
            if orders.get(port) != order or not is_known(form):
                raise RecordingError(
                    f"{str(self.path)!r} is damaged, or of another run: it has port "
                    f"{port!r:.200} at place {order} of the execution order, with "
                    f"messages of {form.name!r:.80} in {form.message!r:.80}."
                )

    def messages(self) -> Iterator[Stored]:
        """Yield the messages by tick and order.

        Raises:
            RecordingError: The file is no longer what it was.
        """
        kept: OrderedDict[int, list[Message]] = OrderedDict()
        ticks = np.frombuffer(self._ticks, np.uint64)
        orders = np.frombuffer(self._orders, np.uintc)
        with self.path.open("rb") as file:
            for n in np.lexsort((orders, ticks)).tolist():
                offset = self._offsets[n]
                if offset not in kept:
                    kept[offset] = _messages_at(file, offset, self.path)
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
    magic = file.read(len(MAGIC))
    if not MAGIC.startswith(magic):
        raise DamagedRecordingError(str(path), 0, "it is not an MCAP file")
    file.seek(max(0, size - len(MAGIC)))
    is_finished = size > len(MAGIC) and file.read() == MAGIC
    offset = len(MAGIC)
    while offset + RECORD.size <= size:
        file.seek(offset)
        opcode, length = RECORD.unpack(file.read(RECORD.size))
        end = offset + RECORD.size + length
        if end > size:
            if is_finished:
                why = f"a record would have {length} bytes"
                raise DamagedRecordingError(str(path), offset, why)
            return
        if opcode == Opcode.MESSAGE:
            if length < _SHORTEST:
                raise DamagedRecordingError(str(path), offset, "a message is too short")
            yield offset, Place(*_MESSAGE.unpack(file.read(_MESSAGE.size)))
        elif opcode in _KINDS:
            yield offset, parse(_KINDS[opcode], file.read(length), path, offset)
            if opcode == Opcode.DATA_END:
                return
        elif opcode not in _UNUSED:
            why = f"there is no record of kind {opcode}"
            raise DamagedRecordingError(str(path), offset, why)
        offset = end


def _messages_at(file: IO[bytes], offset: int, path: Path) -> list[Message]:
    file.seek(offset)
    opcode, length = RECORD.unpack(file.read(RECORD.size))
    content = file.read(length)
    if opcode == Opcode.MESSAGE:
        item = Message.read(ReadDataStream(BytesIO(content)), length)
        crc = message_crc(item.channel_id, item.sequence, item.data)
        if item.log_time ^ item.publish_time not in (0, crc):
            why = "the checksum of a message is another"
            raise DamagedRecordingError(str(path), offset, why)
        return [item]
    items = unpack(parse(Chunk, content, path, offset), path, offset)
    return [item for item in items if isinstance(item, Message)]
