"""The parts of a recording, put together: each process's file into one, by tick."""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from like_keras_core.spec import component_of
from lk_record_mcap.absent_ticks import AbsentTicks
from lk_record_mcap.errors import PartMissingError, RecordingError
from lk_record_mcap.run_metadata import RunEnd, RunMetadata, write_facts
from lk_record_mcap.shard import ChannelWriter
from lk_record_mcap.shard_reader import PartFile

PARTS = ".parts"
"""What a recording's folder of parts is called, after the recording."""


def recover(path: str | os.PathLike[str]) -> Path:
    """Finish a recording whose run was killed, of the parts that its processes left.

    Each part counts up to its last whole chunk.

    Args:
        path: The recording that was to be written, or its folder of parts.

    Returns:
        The recording.

    Raises:
        RecordingError: There are no parts, or some are still missing, or the recording
            exists.
    """
    path = Path(path)
    if path.name.endswith(PARTS):
        path = path.with_name(path.name.removesuffix(PARTS))
    folder = parts_of(path)
    check_free(path)
    if not folder.is_dir():
        raise RecordingError(f"There is nothing to recover: no folder {str(folder)!r}.")
    merge(path, RunMetadata.load(folder), RunEnd.load(folder))
    return path


def parts_of(path: Path) -> Path:
    """Return the folder of a recording's parts."""
    return path.with_name(path.name + PARTS)


def check_free(path: Path) -> None:
    """Refuse to write over a recording.

    Raises:
        RecordingError: There is such a file.
    """
    if path.exists():
        raise RecordingError(
            f"{str(path)!r} exists, and no recording is written over. Take another "
            "name, or remove it."
        )


def merge(
    path: Path,
    facts: RunMetadata,
    end: RunEnd | None,
    error: BaseException | None = None,
) -> None:
    """Write a recording from its folder of parts, and remove the folder.

    Args:
        path: The recording.
        facts: What is known of the run.
        end: How it ended; None where it is not known.
        error: What the launch raised, where no more is known.

    Raises:
        PartMissingError: The part of some port is on another machine.
        RecordingError: A part is damaged; all of them stay.
    """
    folder = parts_of(path)
    parts = [PartFile(part) for part in sorted(folder.glob("*.mcap"))]
    orders = {port: facts.order_of(port) for port in facts.ports}
    for part in parts:
        part.check_ports(orders)
    if end is not None:
        end.save(folder)
        _check_complete(facts.ports, parts, folder)
    last = {port: tick for part in parts for port, tick in part.last.items()}
    end = end or RunEnd.seen(last, error)
    unfinished = folder / f"{path.name}.unfinished"
    writer = ChannelWriter(unfinished, facts.compression)
    try:
        for port, order in orders.items():
            writer.declare(port, order)
        silence = _write_messages(writer, parts, end.counted)
        write_facts(writer, facts, end, silence)
    finally:
        writer.close()
    publish(unfinished, path)


def publish(finished: Path, path: Path) -> None:
    """Give a recording its name, and remove the parts.

    Raises:
        RecordingError: There is a file of that name by now.
    """
    check_free(path)
    os.replace(finished, path)
    with suppress(OSError):
        shutil.rmtree(parts_of(path))


def _write_messages(
    writer: ChannelWriter, parts: Iterable[PartFile], counted: Mapping[str, int]
) -> dict[str, AbsentTicks]:
    """Write the messages, by tick, and return who was silent when.

    What does not count stays, marked as beyond the end: it has happened on the robot.
    """
    silence: dict[str, AbsentTicks] = {}
    streams = (part.messages() for part in parts)
    for item in heapq.merge(*streams, key=lambda item: (item.tick, item.order)):
        counts = item.tick < counted.get(component_of(item.port), 0)
        if counts:
            silence.setdefault(item.port, AbsentTicks()).sent(item.tick)
        writer.write(
            item.port,
            item.order,
            item.tick,
            item.form,
            item.data,
            item.stamp_ns,
            is_beyond=not counts,
        )
    return silence


def _check_complete(
    ports: Iterable[str], parts: Iterable[PartFile], folder: Path
) -> None:
    here = {port for part in parts for port in part.ports}
    missing = [port for port in ports if port not in here]
    if missing:
        raise PartMissingError(missing, str(folder))
