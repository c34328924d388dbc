"""Frames over dora, between real processes and against a node that only remembers."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from like_keras_core import Component, Node, OutputPort, System
from like_keras_core.errors import EngineError
from like_keras_core.graph.channels import channels_of
from like_keras_core.runtime.flow import Sender
from like_keras_core.runtime.flow.frame_tags import FrameTagger
from like_keras_core.runtime.flow.wire_format import Ack, pack_ack
from like_keras_core.spec import SystemSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora.edges import WAKE, edges_of
from lk_engine_dora.shared_acks import AckTables
from lk_engine_dora.transport import (
    IN_PLACE,
    OVERLAY,
    SMALL,
    DoraTransport,
    open_node,
)

WAIT_S = 10


class Sample:
    """What dora gives to be filled."""

    def __init__(self, node: "Remembering", output: str, size: int) -> None:
        self.node, self.output, self.data = node, output, bytearray(size)

    def as_memoryview(self) -> memoryview:
        return memoryview(self.data)

    def send(self) -> None:
        self.data.append(0)  # refused while a view of it is left
        self.node.sent.append((self.output, "in place", bytes(self.data[:-1])))


class Remembering:
    """dora's node, as far as it is used: it remembers, and gives what it is told."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.events = list(events)
        self.waits: list[float] = []
        self.asleep, self.woken = threading.Event(), threading.Event()

    def send_output(self, output: str, data: bytes) -> None:
        self.sent.append((output, "joined", data))
        self.woken.set()

    def send_output_raw(self, output: str, size: int) -> Sample:
        return Sample(self, output, size)

    def try_recv(self) -> dict[str, Any] | None:
        return self.events.pop(0) if self.events else None

    def next(self, timeout: float) -> dict[str, Any] | None:
        self.waits.append(timeout)
        self.asleep.set()
        self.woken.wait(timeout)
        return None


def spec() -> SystemSpec:
    """Channel 0 leads from a to b, channel 1 from b to a."""
    count, scale, last = Count(node=Node("a")), Scale(node=Node("b")), Scale("last")
    last.node = Node("a")
    found = System([count, scale, last]).to_spec()
    assert [item.producer for item in channels_of(found)] == ["a", "b"]
    return found


def value_frame(channel: int, size: int) -> list[Any]:
    sender = Sender(channel, 1)
    sender.send(0, np.arange(size, dtype=np.uint8).data, 0.0)
    (frame,) = sender.frames(0.0)
    return frame


def input_event(data: bytes, source: str = "count.output") -> dict[str, Any]:
    value = pa.array(np.frombuffer(data, np.uint8))
    return {"type": "INPUT", "id": source, "value": value, "metadata": {}}


def ack_frame(received: int, *nacks: tuple[int, int, int]) -> list[Any]:
    """Return what b says of channel 0."""
    ack = pack_ack(Ack(0, received, received - 1, 0, received, False, nacks))
    return FrameTagger("key").tagged(ack)


def arrived_of(*events: dict[str, Any]) -> list[Any]:
    """Return what a transport hands over of what dora delivers."""
    node = Remembering(*events)
    found: list[Any] = []
    transport = DoraTransport(spec(), "b", node)
    transport.start(found.append, {})
    transport.receive(0.0)
    return found


def test_a_daemon_that_is_lost_is_an_error() -> None:
    """A wait that ends is none."""
    lost = "fatal event stream error: daemon channel broken\n\nCaused by:\n    more"

    ended = "Timeout event stream error: Receiver timed out\n\nLocation:\n    here"
    unheard = "fatal event stream error: Connection timed out (os error 110)"

    assert arrived_of({"type": "ERROR", "error": ended}) == []
    with pytest.raises(EngineError, match="Connection timed out"):
        arrived_of({"type": "ERROR", "error": unheard})
    with pytest.raises(EngineError, match=r"nothing any more: fatal .* broken$"):
        arrived_of({"type": "ERROR", "error": lost})


def test_frames_leave_by_the_output_of_their_channel() -> None:
    """And what comes back for the other channel, by the acknowledgements'."""
    node = Remembering()
    transport = DoraTransport(spec(), "a", node)

    transport.send("b", value_frame(0, 8))
    transport.send("b", value_frame(1, 8))

    assert [output for output, _, _ in node.sent] == [
        "count.output.to.b",
        "acks-to-b",
    ]


@pytest.mark.parametrize(
    ("size", "how"), [(8, "joined"), (IN_PLACE, "in place"), (1_000_000, "in place")]
)
def test_large_frames_are_written_in_place(size: int, how: str) -> None:
    """Small ones are joined; either way the bytes are the frame's."""
    node = Remembering()
    frame = value_frame(0, size)

    DoraTransport(spec(), "a", node).send("b", frame)

    assert node.sent == [("count.output.to.b", how, b"".join(frame))]


def test_what_arrives_is_a_view() -> None:
    """Nothing is copied, and an array that begins later is read from there."""
    data = np.arange(2 * SMALL, dtype=np.uint8).tobytes()
    events = [input_event(data), input_event(data)]
    events[1]["value"] = events[1]["value"][50:]
    memory = np.frombuffer(events[0]["value"].buffers()[1], np.uint8)

    found = arrived_of(*events)

    assert [bytes(item) for item in found] == [data, data[50:]]
    assert np.shares_memory(np.frombuffer(found[0], np.uint8), memory)


def test_what_arrives_is_copied_if_it_is_small() -> None:
    """It gives its place in shared memory back at once."""
    data = bytes(range(200))
    events = [input_event(data), input_event(data)]
    events[1]["value"] = events[1]["value"][50:60]

    found = arrived_of(*events)

    assert found == [data, data[50:60]]
    assert [type(item) for item in found] == [bytes, bytes]


class Two(Component):
    """Sends two values."""

    first = OutputPort(int)
    second = OutputPort(int)

    def forward(self) -> tuple[int, int]:
        return 1, 2


class Both(Component):
    """Takes two values."""

    def forward(self, first: int, second: int) -> None:
        pass


class Pair:
    """Two nodes of one machine: a sends, b reads, and dora only remembers."""

    def __init__(self) -> None:
        found = spec()
        self.doras = {"a": Remembering(), "b": Remembering()}
        self.heard: list[Any] = []
        self.a = DoraTransport(found, "a", self.doras["a"])
        self.b = DoraTransport(found, "b", self.doras["b"])
        self.a.start(self.heard.append, {})
        self.b.start(lambda frame: None, {})

    def handshake(self) -> "Pair":
        """Let b acknowledge something, and read what comes of it."""
        self.b.send("a", ack_frame(0))
        self.deliver()
        for output, _, data in self.doras["a"].sent:
            self.doras["b"].events.append(input_event(data))
            assert output == "count.output.to.b"
        self.doras["a"].sent.clear()
        self.doras["a"].woken.clear()
        self.b.receive(0.0)
        self.heard.clear()
        return self

    def deliver(self) -> None:
        """Let a have what b has sent."""
        for _, _, data in self.doras["b"].sent:
            self.doras["a"].events.append(input_event(data, "acks-from-b"))
        self.doras["b"].sent.clear()
        self.a.receive(0.0)

    def close(self) -> None:
        self.a.close()
        self.b.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()


def test_acknowledgements_are_written_on_one_machine(pair: Pair) -> None:
    """From the first one on, which is sent; the table is offered once."""
    pair.handshake()

    pair.b.send("a", ack_frame(1))
    pair.b.send("a", ack_frame(2))
    pair.a.receive(0.0)
    first = list(pair.heard)
    pair.a.receive(0.0)

    assert [bytes(frame) for frame in first] == [b"".join(ack_frame(2))]
    assert pair.heard == first
    assert [dora.sent for dora in pair.doras.values()] == [[], []]


def test_what_was_written_ends_a_wait_before_it_begins(pair: Pair) -> None:
    """There is something to do."""
    pair.handshake().b.send("a", ack_frame(1))

    pair.a.receive(10 * WAIT_S)

    assert len(pair.heard) == 1
    assert pair.doras["a"].waits == []


def test_who_waits_for_dora_is_sent_acknowledgements(pair: Pair) -> None:
    """And has them from the memory, should it look there first."""
    pair.handshake()
    waiting = threading.Thread(target=pair.a.receive, args=[10 * WAIT_S])
    waiting.start()
    assert pair.doras["a"].asleep.wait(WAIT_S)

    pair.b.send("a", ack_frame(1))
    pair.a.wake()
    waiting.join(WAIT_S)

    assert not waiting.is_alive()
    assert [data for _, _, data in pair.doras["b"].sent] == [b"".join(ack_frame(1))]
    pair.deliver()
    assert {bytes(frame) for frame in pair.heard} == {b"".join(ack_frame(1))}


def test_what_asks_for_lost_values_is_sent(pair: Pair) -> None:
    """A later acknowledgement would not repeat it."""
    asking = ack_frame(1, (1, 0, 0))

    pair.handshake().b.send("a", asking)

    assert [data for _, _, data in pair.doras["b"].sent] == [b"".join(asking)]


def test_to_another_machine_all_is_sent(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which an offer may reach, but not the table."""
    monkeypatch.setattr(
        "lk_engine_dora.shared_acks._surroundings", lambda: {"kernel": "it"}
    )

    pair.handshake().b.send("a", ack_frame(1))

    assert len(pair.doras["b"].sent) == 1


def test_an_offer_that_dora_refuses_is_no_error(pair: Pair) -> None:
    """It may have been told to stop, and all goes on without."""

    def refuse(output: str, data: bytes) -> None:
        raise RuntimeError("stopped")

    pair.doras["a"].send_output = refuse  # type: ignore[method-assign]

    pair.b.send("a", ack_frame(0))
    pair.deliver()

    assert len(pair.heard) == 1


def test_the_output_of_the_channel_that_was_acknowledged_offers() -> None:
    """Others between the two may not yet lead there."""
    two, last = Two(node=Node("a")), Both(node=Node("b"))
    last(*two())
    edges = edges_of(System([two, last]).to_spec())
    sent: list[str] = []

    for number in (0, 1):
        tables = AckTables(edges, "a")
        frame = bytes(pack_ack(Ack(number, 0, -1, 0, 0, False, ()))[0])
        tables.handshake("acks-from-b", frame, lambda output, _: sent.append(output))
        tables.close()

    assert sent == ["two.first.to.b", "two.second.to.b"]


def test_without_shared_memory_all_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only slower."""
    monkeypatch.delattr(os, "memfd_create")
    pair = Pair()

    pair.handshake().b.send("a", ack_frame(1))
    sent = len(pair.doras["b"].sent)
    pair.close()

    assert sent == 1


def test_only_a_stop_that_somebody_asked_for_counts() -> None:
    """dora also says STOP when inputs are closed, ahead of what is still queued."""
    asked: list[None] = []
    node = Remembering(
        {"type": "INPUT_CLOSED", "id": "count.output"},
        {"type": "STOP", "id": "ALL_INPUTS_CLOSED"},
        {"type": "STOP", "id": "MANUAL"},
        input_event(b"late"),
    )
    found: list[Any] = []
    transport = DoraTransport(spec(), "b", node, lambda: asked.append(None))

    transport.start(found.append, {})
    transport.receive(0.0)

    assert asked == [None]
    assert [bytes(item) for item in found] == [b"late"]


def test_dora_is_not_waited_for_when_nothing_can_come() -> None:
    """After a STOP it answers at once, with nothing: asking again would never end."""
    node = Remembering({"type": "STOP", "id": "MANUAL"})
    transport = DoraTransport(spec(), "b", node)

    for _ in range(3):
        transport.receive(0.01)

    assert len(node.waits) == 1


def test_what_ends_a_wait_is_handed_over_at_once() -> None:
    """A tick may wait for it; what came behind it is for the next call."""
    node = Remembering()
    delivered = [input_event(b"first"), input_event(b"behind it")]

    def wait(timeout: float) -> dict[str, Any]:
        node.events = delivered[1:]
        return delivered[0]

    node.next = wait  # type: ignore[method-assign]
    found: list[Any] = []
    transport = DoraTransport(spec(), "b", node)
    transport.start(found.append, {})

    transport.receive(10 * WAIT_S)
    at_once = list(found)
    transport.receive(0.0)

    assert at_once == [b"first"]
    assert found == [b"first", b"behind it"]


def test_a_wake_ends_a_wait_for_dora() -> None:
    """By a message to itself; the transport does not wait for its time to pass."""
    node = Remembering()
    transport = DoraTransport(spec(), "b", node)
    waiting = threading.Thread(target=transport.receive, args=[10 * WAIT_S])
    waiting.start()
    assert node.asleep.wait(WAIT_S)

    transport.wake()
    waiting.join(WAIT_S)

    assert not waiting.is_alive()
    assert [output for output, _, _ in node.sent] == [WAKE]


def test_a_wake_before_a_wait_ends_it() -> None:
    """It may come between a look for messages and the wait for more of them."""
    node = Remembering()
    transport = DoraTransport(spec(), "b", node)

    transport.wake()
    transport.receive(10 * WAIT_S)

    assert (node.waits, node.sent) == ([], [])


def test_a_wake_that_comes_after_the_end_is_no_error() -> None:
    """dora may be gone before the process that it started."""
    node = Remembering()
    transport = DoraTransport(spec(), "b", node)

    transport.close()
    transport.wake()


@pytest.mark.parametrize(("wait_s", "asked_s"), [(0.0005, []), (0.05, [0.0496])])
def test_waits_end_before_the_time_that_was_given(
    wait_s: float, asked_s: list[float]
) -> None:
    """dora wakes late, and a tick may be due; so the rest is slept without it."""
    node = Remembering()

    DoraTransport(spec(), "b", node).receive(wait_s)

    assert node.waits == pytest.approx(asked_s)


def test_the_environment_is_set_before_dora_reads_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a dataflow there is no node, but the file is there; a given one stays."""
    monkeypatch.delenv(OVERLAY, raising=False)
    monkeypatch.delenv("DORA_NODE_CONFIG", raising=False)
    with pytest.raises(RuntimeError):
        open_node()
    file = os.environ[OVERLAY]

    assert '"block"' in Path(file).read_text()
    monkeypatch.setenv(OVERLAY, "/mine.json5")
    with pytest.raises(RuntimeError):
        open_node()
    assert os.environ[OVERLAY] == "/mine.json5"


class Numbers(Component):
    """Sends arrays that begin with their number."""

    def __init__(self, size: int, node: Node | None = None) -> None:
        super().__init__(node=node)
        self.size, self.number = size, 0

    def forward(self) -> np.ndarray:
        values = np.full(self.size, self.number, np.int64)
        self.number += 1
        return values


class Follow(Component):
    """Fails when a number is missing, doubled or swapped."""

    def __init__(self, node: Node | None = None) -> None:
        super().__init__(node=node)
        self.expected = 0

    def forward(self, values: np.ndarray) -> None:
        found = (int(values[0]), int(values[-1]))
        if found != (self.expected, self.expected):
            raise ValueError(f"expected {self.expected}, received {found}")
        self.expected += 1


@pytest.mark.parametrize(
    ("size", "ticks"),
    [
        (1, 50),
        pytest.param(1, 5000, marks=pytest.mark.slow),
        pytest.param(50_000, 3000, marks=pytest.mark.slow),
    ],
)
def test_a_dataflow_runs_by_hand_and_loses_nothing(
    size: int, ticks: int, tmp_path: Path, dora_env: Callable[..., dict[str, str]]
) -> None:
    """`dora run` needs no launcher; the first node's process prints the report."""
    numbers, follow = Numbers(size, node=Node("a")), Follow(node=Node("b"))
    follow(numbers())
    path = System([numbers, follow]).compile(engine="dora", build_dir=tmp_path / "b")
    assert path is not None

    done = subprocess.run(
        [Path(sys.executable).with_name("dora"), "run", path],
        cwd=tmp_path,
        env=dora_env(LK_ITERATIONS=str(ticks)),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"system on dora: {ticks} ticks" in done.stdout
    assert [x for x in os.listdir(tmp_path / "b") if x == "token"] == []


@pytest.mark.parametrize(
    "frame", [b"\0table ", b"\0table {", b"\0table []", b"\0table {}", b"?" * 60]
)
def test_an_offer_that_cannot_be_read_is_none(frame: bytes) -> None:
    """Whoever sent it; the real one may still come."""
    tables = AckTables(edges_of(spec()), "b")
    before = set(tables.pending)
    (source,) = before & tables._producers.keys()

    tables.handshake(source, frame, lambda output, data: None)

    assert tables.pending == before
    tables.close()
