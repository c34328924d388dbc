"""Acknowledgements in shared memory, between real processes and piece by piece."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from like_keras_core import Component, Node, System
from like_keras_core.runtime.flow.frame_tags import FrameTagger
from like_keras_core.runtime.flow.wire_format import HEADER_SIZE, Ack, pack_ack
from like_keras_core.testing.components import Count
from lk_engine_dora.shared_acks import AckTable, AckTableWriter, offer_in, open_table

WAIT_S = 20
CHANNELS = [3, 4, 7]


def ack(channel: int, received: int) -> bytes:
    frame = pack_ack(Ack(channel, received, received - 1, 0, received, False, ()))
    return b"".join(FrameTagger("key").tagged(frame))


@pytest.fixture
def table() -> Iterator[AckTable]:
    table = AckTable(CHANNELS)
    yield table
    table.close()


def offer(table: AckTable, **changes: Any) -> dict[str, Any]:
    found = offer_in(table.offer())
    assert found is not None
    return {**found, **changes}


def writer_of(table: AckTable) -> AckTableWriter:
    writer = open_table(offer(table), CHANNELS)
    assert writer is not None
    return writer


def test_what_was_written_is_polled_once(table: AckTable) -> None:
    """Each channel has its own place."""
    writer = writer_of(table)

    before = table.poll()
    writer.write(4, ack(4, 1))
    writer.write(7, ack(7, 2))

    assert before == []
    assert table.poll() == [ack(4, 1), ack(7, 2)]
    assert table.poll() == []


def test_the_newest_stands_in_the_place_of_those_before(table: AckTable) -> None:
    """It says what they said."""
    writer = writer_of(table)

    for received in (1, 2, 3):
        writer.write(3, ack(3, received))

    assert table.poll() == [ack(3, 3)]


def test_half_an_acknowledgement_is_none(table: AckTable) -> None:
    """It is looked at again; what is whole beside it does not wait for it."""
    writer = writer_of(table)
    writer.write(3, ack(3, 1))
    table.poll()
    start = writer._starts[3]
    whole = writer._memory[start : start + 64]
    newer = ack(3, 2)[: HEADER_SIZE // 2] + whole[HEADER_SIZE // 2 :]

    writer._memory[start : start + 64] = newer
    writer.write(7, ack(7, 1))
    torn = [table.poll(), table.poll()]
    writer.write(3, ack(3, 2))

    assert newer != whole
    assert torn == [[ack(7, 1)], []]
    assert table.poll() == [ack(3, 2)]


def test_who_writes_learns_whether_somebody_looks(table: AckTable) -> None:
    """Where its reader waits for messages, one has to be sent."""
    writer = writer_of(table)

    is_looked_at = [writer.write(3, ack(3, 1))]
    for waits in (True, True, False):
        table.say_waiting(waits)
        is_looked_at.append(writer.write(3, ack(3, 1)))

    assert is_looked_at == [True, False, False, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": "of another machine"},
        {"network": "net:[1]"},
        {"process": 2**22 + 1},
        {"file": 0},
        {"token": "00" * 32},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_cannot_be_reached_is_not_opened(
    table: AckTable, changes: dict[str, Any]
) -> None:
    """Another machine or container, a process that is gone, or not the same one."""
    assert open_table(offer(table, **changes), CHANNELS) is None


def test_a_frame_is_not_an_offer(table: AckTable) -> None:
    """Even one that begins with a zero."""
    for frame in (ack(3, 1), b"", b"\0", memoryview(bytes(100))):
        assert offer_in(frame) is None


def test_nothing_is_left_of_a_table() -> None:
    """It has no name, and its process closes it; to close it twice is no error."""
    before = os.listdir("/proc/self/fd")

    table = AckTable(CHANNELS)
    writer_of(table)
    table.close()
    table.close()

    assert os.listdir("/proc/self/fd") == before


def test_a_system_without_such_files_has_no_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As macOS."""
    monkeypatch.delattr(os, "memfd_create")

    with pytest.raises(OSError, match="Linux"):
        AckTable(CHANNELS)


WRITER = """
import itertools, sys
from lk_engine_dora.shared_acks import offer_in, open_table
from test_shared_acks import CHANNELS, ack

writer = open_table(offer_in(bytes.fromhex(sys.argv[1])), CHANNELS)
frames = [[ack(channel, n) for n in range(5000)] for channel in CHANNELS]
for n in itertools.count():
    for channel, made in zip(CHANNELS, frames):
        writer.write(channel, made[min(n, 4999)])
"""


def test_another_process_is_read_whole_and_in_order(table: AckTable) -> None:
    """While it writes as fast as it can; it may be killed at any time."""
    asked = [sys.executable, "-c", WRITER, table.offer().hex()]
    seen: dict[bytes, int] = {}
    with subprocess.Popen(asked, cwd=Path(__file__).parent) as process:
        try:
            for _ in itertools.count():
                for frame in table.poll():
                    received = int.from_bytes(frame[8:16], "little")
                    channel = frame[4:8]
                    assert frame == ack(int.from_bytes(channel, "little"), received)
                    assert seen.get(channel, -1) < received
                    seen[channel] = received
                if len(seen) == len(CHANNELS) and min(seen.values()) == 4999:
                    break
                assert process.poll() is None
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(WAIT_S)


ANSWERER = """
import socket, sys
from lk_engine_dora.shared_acks import offer_in, open_table
from test_shared_acks import CHANNELS, ack

writer = open_table(offer_in(bytes.fromhex(sys.argv[1])), CHANNELS)
messages = socket.socket(fileno=int(sys.argv[2]))
for n in range(1, 1 << 60):
    if not messages.recv(1):
        break
    if not writer.write(3, ack(3, n)):
        messages.send(b"m")
"""


def test_who_is_about_to_wait_misses_nothing(table: AckTable) -> None:
    """Either it sees what is written, or who writes sees that it waits."""
    mine, theirs = socket.socketpair()
    mine.settimeout(WAIT_S)
    asked = [sys.executable, "-c", ANSWERER, table.offer().hex()]
    asked.append(str(theirs.fileno()))
    folder, kept = Path(__file__).parent, [theirs.fileno()]
    found: list[bytes] = []
    with subprocess.Popen(asked, cwd=folder, pass_fds=kept), theirs, mine:
        for n in range(1, 5001):
            mine.send(b"?")
            for _ in range(n % 300):
                pass
            while len(found) < n:
                table.say_waiting(True)
                frames = table.poll()
                if not frames:
                    # Perhaps for the one before, which was seen before it came.
                    assert mine.recv(1) == b"m"
                table.say_waiting(False)
                found += frames or table.poll()

    assert found == [ack(3, n) for n in range(1, 5001)]


class HasTable(Component):
    """Says at each tick whether this process has opened another one's table."""

    def forward(self, value: int) -> bool:
        maps = Path("/proc/self/maps").read_text()
        return "memfd:lk-acknowledgements" in maps


@pytest.mark.parametrize("nodes", [("a", "b"), ("a", "b", "c")])
def test_the_nodes_of_a_machine_use_it(nodes: tuple[str, ...]) -> None:
    """As soon as the first acknowledgements have gone either way."""
    count = Count(node=Node(nodes[0]))
    readers = [HasTable(name=f"in_{name}", node=Node(name)) for name in nodes[1:]]
    for reader in readers:
        reader(count())
    ports = [f"{reader.name}.output" for reader in readers]

    report = System([count, *readers]).launch(200, engine="dora", record=ports)

    assert [report.records[port][-1] for port in ports] == [(199, True)] * len(ports)
