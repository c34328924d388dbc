"""Recordings that are damaged, or made to do harm: one error, or what was written."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lz4.frame
import pytest
import zstandard
from mcap.data_stream import RecordBuilder
from mcap.records import Chunk, ChunkIndex, Footer, McapRecord
from robots import robot  # type: ignore[import-not-found]

from like_keras_core.testing import same
from lk_record_mcap import Recording, RecordingError, recover
from lk_record_mcap.mcap_file import MAGIC, McapFile
from lk_record_mcap.merge import parts_of

COMPRESSIONS = ("none", "lz4", "zstd")
Damage = Callable[[random.Random, bytearray], Any]


def flip_a_bit(rng: random.Random, data: bytearray) -> None:
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def set_bytes(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    data[at : at + 8] = rng.choice((b"\0", b"\xff")) * len(data[at : at + 8])


def cut_off(rng: random.Random, data: bytearray) -> None:
    del data[rng.randrange(len(data)) :]


def take_out(rng: random.Random, data: bytearray) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.randrange(1, 40)]


DAMAGES: tuple[Damage, ...] = (flip_a_bit, flip_a_bit, set_bytes, cut_off, take_out)


def damaged(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield the bytes of a file, each time with one damage."""
    rng = random.Random(seed)
    for _ in range(count):
        found = bytearray(data)
        rng.choice(DAMAGES)(rng, found)
        yield bytes(found)


def content(path: str | Path) -> dict[str, Any]:
    """Return all that a recording says."""
    recording = Recording(path)
    return {
        "spec": recording.spec.to_json(),
        "metadata": recording.metadata,
        "ticks": [recording.iterations, recording.counted, recording.absent],
        "values": {port: recording.values(port) for port in recording.ports},
        "stamps": [(x.tick, x.port, x.stamp_ns) for x in recording.messages()],
    }


def check_damaged_recordings(compression: str, count: int) -> None:
    robot().launch(12, record_to="whole.mcap", record_compression=compression)
    whole, path = content("whole.mcap"), Path("damaged.mcap")
    outcomes = []
    for data in damaged(Path("whole.mcap").read_bytes(), count):
        path.write_bytes(data)
        try:
            found = content(path)
        except RecordingError:
            outcomes.append("refused")
        else:
            assert same(found, whole)
            outcomes.append("whole")
    assert outcomes.count("refused") > count // 3


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_damaged_recording_is_refused_or_says_what_was_written(
    compression: str,
) -> None:
    """Whatever byte is damaged, there is one kind of error, and no other value."""
    check_damaged_recordings(compression, 150)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_many_damaged_recordings(compression: str) -> None:
    """As above, in thousands."""
    check_damaged_recordings(compression, 5000)


def begun_parts(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """Leave the parts of a run over two processes, as if it had been killed."""
    with monkeypatch.context() as patch:
        patch.setattr("lk_record_mcap.recorder.merge", lambda *_: None)
        robot().launch(12, record_to="run.mcap", engine=engine)


def check_damaged_parts(files: list[Path], count: int) -> None:
    kept = {path: path.read_bytes() for path in files}
    whole = content(recover("run.mcap"))
    folder, outcomes = parts_of(Path("run.mcap")), []
    for target in files:
        for data in damaged(kept[target], count):
            Path("run.mcap").unlink(missing_ok=True)
            folder.mkdir(exist_ok=True)
            for path, before in kept.items():
                path.write_bytes(data if path is target else before)
            try:
                found = content(recover("run.mcap"))
            except RecordingError:
                outcomes.append("refused")
            else:
                outcomes.append("whole" if same(found, whole) else "less")
                for port, values in found["values"].items():
                    longer = whole["values"].get(port, [])
                    assert same(values, longer[: len(values)])
    assert outcomes.count("refused") > count // 3


def test_damaged_parts_are_refused_or_count_as_far_as_they_are_whole(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    """Of what remains each value is the one that was sent."""
    begun_parts(monkeypatch, reference)

    check_damaged_parts(sorted(Path("run.mcap.parts").iterdir()), 60)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_many_damaged_parts(monkeypatch: pytest.MonkeyPatch, reference: str) -> None:
    """As above, in thousands."""
    begun_parts(monkeypatch, reference)

    check_damaged_parts(sorted(Path("run.mcap.parts").iterdir()), 1000)


def write_bomb(path: Path, claimed: int, packed: bytes, compression: str) -> None:
    """Write an MCAP file whose one chunk becomes far more than it is in the file."""
    index = ChunkIndex(
        chunk_length=0,
        chunk_start_offset=len(MAGIC),
        compression=compression,
        compressed_size=len(packed),
        message_end_time=0,
        message_index_length=0,
        message_index_offsets={},
        message_start_time=0,
        uncompressed_size=claimed,
    )
    chunk = written(Chunk(compression, packed, 0, 0, 0, claimed))
    index.chunk_length = len(chunk)
    start = len(MAGIC) + len(chunk)
    path.write_bytes(
        MAGIC + chunk + written(index) + written(Footer(start, 0, 0)) + MAGIC
    )


def written(record: McapRecord) -> bytes:
    builder = RecordBuilder()
    record.write(builder)
    data: bytes = builder.end()
    return data


def packed_zeros(size: int, compression: str, *, is_sized: bool) -> bytes:
    """Return zeros that are packed, a piece at a time."""
    piece = bytes(1 << 20)
    if compression == "lz4":
        packer = lz4.frame.LZ4FrameCompressor()
        head = packer.begin(source_size=size if is_sized else 0)
        body = b"".join(packer.compress(piece) for _ in range(size >> 20))
        return bytes(head + body + packer.flush())
    zipped = zstandard.ZstdCompressor().compressobj(size=size if is_sized else -1)
    body = b"".join(zipped.compress(piece) for _ in range(size >> 20))
    return bytes(body + zipped.flush())


MEASURED = """
import resource, sys
from pathlib import Path
from lk_record_mcap import RecordingError
from lk_record_mcap.mcap_file import McapFile
from lk_record_mcap.shard_reader import PartFile
import zstandard, lz4.frame

resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
for read in (lambda path: list(McapFile(path).messages()), PartFile):
    try:
        read(Path("bomb.mcap"))
    except RecordingError as error:
        print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("claimed", [1 << 20, 512 << 20, 1 << 62])
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("is_sized", [True, False])
def test_a_small_file_cannot_take_much_memory(
    claimed: int, compression: str, *, is_sized: bool
) -> None:
    """Whatever it claims, and whatever its chunk would become."""
    packed = packed_zeros(512 << 20, compression, is_sized=is_sized)
    write_bomb(Path("bomb.mcap"), claimed, packed, compression)

    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )

    first, second, kilobytes = done.stdout.splitlines()
    assert "bomb.mcap" in first
    assert "bomb.mcap" in second
    assert int(kilobytes) < 300_000


def test_a_chunk_that_is_too_large_says_how_to_read_it_all_the_same() -> None:
    """The tools of MCAP can write it without compression."""
    packed = packed_zeros(512 << 20, "zstd", is_sized=True)
    write_bomb(Path("bomb.mcap"), 512 << 20, packed, "zstd")

    with pytest.raises(RecordingError, match="mcap decompress"):
        list(McapFile(Path("bomb.mcap")).messages())


def test_a_value_of_another_form_is_one_error() -> None:
    """A file may be whole, and made by somebody who does not mean well."""
    robot().launch(3, record_to="run.mcap")
    recording = Recording("run.mcap")
    message = next(recording.messages(["mean.output"]))

    for data in (b"", b"\x09", b"\x1a\x01q", b"\xff" * 40):
        with pytest.raises(RecordingError, match=r"'mean\.output' sent at tick 0"):
            recording.value(replace(message, data=data))
