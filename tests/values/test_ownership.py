"""Whose memory an array's bytes are, and when a sender has to copy them."""

from __future__ import annotations

import ctypes
import mmap
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from like_keras_core import Component, Node, System
from like_keras_core.graph.channels import ChannelSpec
from like_keras_core.runtime.flow import Buffer, Receiver, Sender, Value, link
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.values.array_buffers import dense, flat_bytes, is_sole
from like_keras_core.values.msgpack import from_bytes, to_bytes, to_pieces
from tests import simulation
from tests.links import Faults, FlowLink, FlowNetwork
from tests.simulation import Simulation
from tests.splits import Alone, differences

LARGE = 10_000_000


def judged(make: Callable[[], Any]) -> bool:
    """Return what `is_sole` says of a new array's memory.

    `assert is_sole(flat_bytes(...))` would not do: pytest keeps what an assert's
    expression is made of, so the array would have one more owner.
    """
    memory = flat_bytes(make())
    return is_sole(memory)


def address(piece: Any) -> int:
    """Return where a buffer's memory begins."""
    return np.frombuffer(piece, np.uint8).ctypes.data


class TestIsSole:
    """`is_sole` says yes only where nobody else can reach the memory."""

    def test_a_fresh_array_belongs_to_its_bytes(self) -> None:
        """Nobody has kept it."""
        assert judged(lambda: np.arange(9))

    def test_an_array_that_its_maker_keeps_does_not(self) -> None:
        """Until it is let go."""
        kept = [np.arange(9)]
        memory = flat_bytes(kept[0])
        assert not is_sole(memory)

        kept.clear()

        assert is_sole(memory)

    @pytest.mark.parametrize(
        "part",
        [
            pytest.param(lambda array: array[:], id="whole"),
            pytest.param(lambda array: array[2:5], id="slice"),
            pytest.param(lambda array: array[::2][1:], id="view of a view"),
            pytest.param(lambda array: array.reshape(3, 4).T, id="transposed"),
            pytest.param(lambda array: array.view(np.uint8), id="other dtype"),
            pytest.param(memoryview, id="memoryview"),
        ],
    )
    def test_a_view_that_is_kept_is_a_way_to_the_memory(self, part: Any) -> None:
        """The array itself may be gone."""
        array = np.arange(12)
        view = part(array)
        memory = flat_bytes(array)
        del array
        assert not is_sole(memory)

        del view

        assert is_sole(memory)

    @pytest.mark.parametrize("writeable", [False, True])
    def test_a_view_of_a_kept_array_is_not_sole(self, *, writeable: bool) -> None:
        """A read-only view does not make its array read-only."""
        kept = np.arange(12)
        view = kept[2:5]
        view.flags.writeable = writeable
        memory = flat_bytes(view)

        del view

        assert not is_sole(memory)

    def test_a_part_of_an_array_is_sole_when_the_rest_is_gone(self) -> None:
        """Nobody can reach the rest either."""
        assert judged(lambda: np.arange(12)[2:5])

    def test_what_is_based_on_bytes_never_changes(self) -> None:
        """Bytes are immutable, whoever has them."""
        kept = bytes(16)
        array = np.frombuffer(kept)

        assert judged(lambda: array)
        assert judged(lambda: array[1:])
        assert is_sole(kept)

    def test_what_is_based_on_other_memory_may_change(self, tmp_path: Path) -> None:
        """A bytearray, a mapped file: numpy does not know who else has them."""
        path = tmp_path / "memory"
        path.write_bytes(bytes(16))
        with path.open("r+b") as file:
            mapped = mmap.mmap(file.fileno(), 16)
        of_file = np.memmap(path, np.uint8, "r+")

        assert not judged(lambda: np.frombuffer(bytearray(16)))
        assert not judged(lambda: np.frombuffer(memoryview(bytearray(16))))
        assert not judged(lambda: np.frombuffer(mapped))
        assert not judged(lambda: np.asarray(of_file))

    def test_what_has_arrived_is_passed_on_as_it_is(self) -> None:
        """Its memory is the bytes of the message."""
        message = to_bytes(np.arange(1000))

        assert judged(lambda: from_bytes(message))
        assert not judged(lambda: from_bytes(bytearray(message)))

    def test_an_array_in_fortran_order_is_as_any_other(self) -> None:
        """Its axes are swapped; the memory is its own."""

        def make() -> Any:
            return np.asfortranarray(np.ones((3, 4)))

        kept = make()

        assert judged(lambda: dense(make())[0])
        assert not judged(lambda: dense(kept)[0])

    def test_an_array_with_gaps_was_copied_already(self) -> None:
        """The copy is sole, whoever keeps the array."""
        kept = np.arange(12)

        assert judged(lambda: dense(kept[::2])[0])

    def test_an_array_without_elements_has_no_memory(self) -> None:
        """There is nothing to change."""
        kept = np.zeros((3, 0))

        assert judged(lambda: kept)

    def test_a_part_of_the_memory_is_judged_as_the_whole(self) -> None:
        """Chunks are cut from it."""
        kept = [np.arange(12)]
        part = flat_bytes(kept[0]).cast("B")[8:16]
        assert not is_sole(part)

        kept.clear()

        assert is_sole(part)

    def test_an_array_that_is_sent_twice_is_not_known_to_be_sole(self) -> None:
        """Each one is the other's other owner."""
        array = np.arange(1000)
        pieces = to_pieces([array, array])
        del array

        assert [is_sole(piece) for piece in pieces].count(False) == 2

    def test_memory_that_no_array_owns_is_not_known_to_be_sole(self) -> None:
        """A driver's array over its own buffer, for which it named no base."""
        buffer = (ctypes.c_uint8 * 16)()

        assert not judged(lambda: over(buffer))

    def test_other_memory_is_not_known_to_be_sole(self) -> None:
        """Who asks about it gets a copy, not a promise."""
        assert not is_sole(memoryview(bytearray(8)))


def over(buffer: Any) -> Any:
    """Return an array over memory that it neither owns nor has a base for.

    As C code makes it with `PyArray_SimpleNewFromData`.
    """
    core = getattr(np, "_core", None) or np.core
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    start = pointer(core._multiarray_umath._ARRAY_API, None)
    table = (ctypes.c_void_p * 94).from_address(start or 0)
    number, place = ctypes.c_int, ctypes.c_void_p
    shape = (ctypes.c_ssize_t * 1)(len(buffer))
    new = ctypes.PYFUNCTYPE(
        ctypes.py_object,
        *(ctypes.py_object, number, place, number),
        *(place, place, number, number, place),
    )(table[93] or 0)
    is_writeable_and_dense = 0x0501
    where = ctypes.addressof(buffer)
    array = new(
        *(np.ndarray, 1, ctypes.addressof(shape), np.dtype("u1").num),
        *(None, where, 0, is_writeable_and_dense, None),
    )
    assert array.base is None
    assert not array.flags.owndata
    return array


def refuse(piece: Buffer) -> bool:
    """Fail, as nobody is to ask."""
    pytest.fail(f"somebody asks about {bytes(piece)!r:.100}")


def noting(asked: list[bytes], is_safe: Callable[[Buffer], bool]) -> Any:
    """Return what answers as `is_safe` does, and notes what it was asked about."""

    def answer(piece: Buffer) -> bool:
        asked.append(bytes(piece))
        return is_safe(piece)

    return answer


def frames(sender: Sender, receiver: Receiver | None = None) -> list[bytes]:
    """Return what a sender hands over, joined; let a receiver have it and answer."""
    joined = [b"".join(frame) for frame in sender.frames(0.0)]
    for frame in joined if receiver is not None else ():
        assert receiver is not None
        for event in receiver.on_frame(frame, 0.0):
            assert isinstance(event, Value)
            receiver.release(event.tick)
        for answer in receiver.frames(0.0, idle=True):
            sender.on_frame(answer, 0.0)
    return joined


def kept(sender: Sender, seq: int = 0) -> list[Any]:
    """Return the pieces of a value that a sender keeps."""
    item: Any = sender._retained[seq]
    return item[1:] if isinstance(item, list) else item._buffers


class TestSettle:
    """`Sender.settle` copies what may change, once, and nothing else."""

    MAX_FRAMES = pytest.mark.parametrize("max_frame", [None, 64])

    @MAX_FRAMES
    def test_what_is_not_safe_is_copied(self, max_frame: int | None) -> None:
        """What leaves later is what was sent."""
        changing, fixed = bytearray(b"a" * 50), bytes(b"b" * 50)
        sender = Sender(7, 2, max_frame=max_frame, chunk_window=99)
        sender.send(0, [fixed, changing])
        before = [bytes(piece) for piece in kept(sender)]

        sender.settle(lambda piece: type(piece) is bytes)
        changing[:] = b"x" * 50

        assert [bytes(piece) for piece in kept(sender)] == before
        receiver = Receiver(7, 2, max_frame=max_frame, chunk_window=99)
        events = [
            event
            for frame in frames(sender)
            for event in receiver.on_frame(frame, 0.0)
            if isinstance(event, Value)
        ]
        assert [bytes(event.payload) for event in events] == [b"".join(before)]

    @MAX_FRAMES
    def test_what_is_safe_stays_the_same_object(self, max_frame: int | None) -> None:
        """No byte of it is copied."""
        sender = Sender(7, 2, max_frame=max_frame)
        sender.send(0, [bytes(50), memoryview(bytearray(50))])
        before = kept(sender)[:]

        sender.settle(lambda piece: True)

        after = kept(sender)
        assert all(new is old for new, old in zip(after, before, strict=True))

    def test_bytes_alone_are_not_asked_about(self) -> None:
        """They are what most values are, and cannot change."""
        sender = Sender(7, 2)
        sender.send(0, b"abc")

        sender.settle(refuse)

        assert sender.retained == 1

    def test_nothing_is_asked_about_twice(self) -> None:
        """What was found safe stays so; what was not is a copy now."""
        asked: list[bytes] = []
        sender = Sender(7, 2)
        sender.send(0, [b"abc", bytearray(b"def")])
        sender.settle(noting(asked, lambda piece: False))
        assert b"def" in asked

        sender.settle(refuse)

        assert sender.retained == 1

    @MAX_FRAMES
    def test_what_has_arrived_is_not_looked_at(self, max_frame: int | None) -> None:
        """It is not kept any more."""
        sender = Sender(7, 2, max_frame=max_frame, chunk_window=99)
        receiver = Receiver(7, 2, max_frame=max_frame, chunk_window=99)
        sender.send(0, [b"a" * 50, bytearray(b"b" * 50)])
        frames(sender, receiver)
        assert sender.retained == 0

        sender.settle(refuse)

        assert sender.credit() == 2

    def test_of_several_values_those_that_are_kept_are_looked_at(self) -> None:
        """One has arrived, the other was sent since."""
        sender, receiver = Sender(7, 2), Receiver(7, 2)
        sender.send(0, [bytearray(b"old"), b""])
        frames(sender, receiver)
        sender.send(1, [bytearray(b"new"), b""])
        asked: list[bytes] = []

        sender.settle(noting(asked, lambda piece: False))

        assert b"new" in asked
        assert b"old" not in asked

    def test_what_is_sent_again_is_the_copy(self) -> None:
        """The frame was lost, and its memory has other content by now."""
        sender, receiver = Sender(7, 2), Receiver(7, 2, nack_after_s=0.0)
        changing = bytearray(b"first")
        sender.send(0, [b"", changing])
        frames(sender)
        sender.settle(is_bytes)
        changing[:] = b"other"
        sender.send(1, b"second")
        for frame in sender.frames(0.0):
            assert receiver.on_frame(frame, 0.0) == []

        for answer in receiver.frames(1.0):
            sender.on_frame(answer, 1.0)
        events = [
            event
            for frame in sender.frames(1.0)
            for event in receiver.on_frame(frame, 1.0)
        ]

        payloads = [bytes(event.payload) for event in events if type(event) is Value]
        assert payloads == [b"first", b"second"]
        assert sender.statistics.resends == 1

    @MAX_FRAMES
    def test_a_large_array_that_nobody_keeps_is_not_copied(
        self, max_frame: int | None
    ) -> None:
        """One that its maker keeps is, once; either is counted as one value."""
        if max_frame is not None:
            max_frame = 1 << 20
        for is_kept in (False, True):
            array: Any = np.zeros(LARGE, np.uint8)
            where = address(array)
            sender = Sender(7, 2, max_frame=max_frame)
            sender.send(0, to_pieces(array))
            holder = [array] if is_kept else []
            del array
            (before,) = (piece for piece in kept(sender) if len(piece) == LARGE)
            assert address(before) == where

            del before
            sender.settle(is_sole)

            (after,) = (piece for piece in kept(sender) if len(piece) == LARGE)
            assert (address(after) == where) is not is_kept
            assert sender.retained == 1
            assert 0 < sender.statistics.bytes - LARGE < 256
            holder.clear()


def is_bytes(piece: Buffer) -> bool:
    """Say of bytes alone that nobody changes them."""
    return type(piece) is bytes


class RealLink(FlowLink):
    """A channel of flow that carries values as processes do."""

    def __init__(
        self,
        network: FlowNetwork,
        channel: ChannelSpec,
        window: int,
        consumer: NodeHost,
        encoder: link.Encoder,
    ) -> None:
        super().__init__(network, channel, window, consumer)
        self.real = link.FlowLink(self.sender, encoder)

    def send(self, tick: int, value: Any) -> None:
        self.real.send(tick, value)
        self.network.dirty.add(self.channel.producer)

    def settle(self) -> None:
        self.real.settle()

    def _value(self, event: Value) -> Any:
        return from_bytes(event.payload)


class RealNetwork(FlowNetwork):
    """Channels of flow between simulated hosts, with the values' own bytes."""

    def __init__(self, faults: Faults, seed: int) -> None:
        super().__init__(faults, seed)
        self.encoders: dict[str, link.Encoder] = {}

    def add(self, channel: ChannelSpec, window: int, consumer: NodeHost) -> FlowLink:
        source = channel.source
        encoder = self.encoders.setdefault(source, link.Encoder(source))
        self.links.append(RealLink(self, channel, window, consumer, encoder))
        return self.links[-1]


class Reuses(Component):
    """Fills the same memory anew at each tick, and sends it, or a part of it."""

    def __init__(self, form: str, name: str = "reuses", node: Any = None) -> None:
        super().__init__(name, node=node)
        self.form = form
        self.buffer = np.zeros((40, 50))
        self.tick = 0
        self.received: list[str] = []

    def forward(self) -> Any:
        self.tick += 1
        self.received.append("{}")
        self.buffer[:] = self.tick
        forms: dict[str, Callable[[Any], Any]] = {
            "whole": lambda array: array,
            "part": lambda array: array[3:30],
            "transposed": lambda array: array.T,
            "with gaps": lambda array: array[::2, 1:],
            "nested": lambda array: {"a": [array], "b": (array[1:], self.tick)},
        }
        return forms[self.form](self.buffer)


class Sums(Component):
    """Adds up all numbers of a value."""

    def __init__(self, name: str, node: Any = None) -> None:
        super().__init__(name, node=node)
        self.received: list[str] = []

    def forward(self, value: Any) -> float:
        self.received.append(repr(value))
        return self.sum(value)

    def sum(self, value: Any) -> float:
        """Return the sum of what is in it."""
        if isinstance(value, dict):
            return sum(map(self.sum, value.values()))
        if isinstance(value, (list, tuple)):
            return sum(map(self.sum, value))
        return float(np.sum(value))


def systems(form: str, readers: int) -> System:
    """Return one that re-uses its memory, and so many that read it elsewhere."""
    source = Reuses(form, node=Node("a"))
    sums = [Sums(f"s{n}", node=Node(f"b{n}")) for n in range(readers)]
    value = source()
    for item in sums:
        item(value)
    return System([source, *sums])


def delivered(form: str, readers: int, seed: int) -> tuple[list[str], int]:
    """Run over a bad transport; return what differs from one host, and the resends."""
    native = systems(form, readers).launch(12, engine="native", record="all")
    system = systems(form, readers)
    dice = random.Random(seed)
    run = Simulation(
        system.to_spec(),
        {component.name: component for component in system.components},
        12,
        seed=seed,
        window=dice.choice([1, 2, 8]),
        run_ahead=256,
        faults=Faults(
            drop=0.3,
            duplicate=0.1,
            reorder=0.2,
            jitter_s=0.005,
            max_frame=dice.choice([None, 3000]),
            chunk_window=4,
        ),
    )
    found = differences(run.run(), Alone(native, None))
    assert isinstance(run.network, RealNetwork)
    return found, sum(x.sender.statistics.resends for x in run.network.links)


class TestMemoryThatIsUsedAgain:
    """A producer may fill one buffer anew for each of its values."""

    @pytest.fixture(autouse=True)
    def real(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let simulated hosts send bytes."""
        monkeypatch.setattr(simulation, "FlowNetwork", RealNetwork)

    @pytest.mark.parametrize("readers", [1, 3])
    @pytest.mark.parametrize(
        "form", ["whole", "part", "transposed", "with gaps", "nested"]
    )
    def test_every_value_arrives_as_it_was_sent(self, form: str, readers: int) -> None:
        """Also where it was lost, and sent again after the buffer had changed."""
        resends = 0
        for seed in range(6):
            found, count = delivered(form, readers, seed)
            assert found == []
            resends += count

        assert resends > 10

    def test_without_copies_values_of_later_ticks_arrive(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Mutant: what is kept is never copied."""
        monkeypatch.setattr(link.FlowLink, "settle", lambda self: self.encoder.forget())

        found = [delivered("whole", 1, seed)[0] for seed in range(6)]

        assert any(found)

    def test_what_is_fresh_at_every_tick_is_never_copied(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of the same frames, when the buffer is a new one each time."""
        asked: list[bytes] = []
        settle = Sender.settle

        def notes(self: Sender, is_safe: Callable[[Buffer], bool]) -> None:
            settle(self, noting(asked, lambda piece: is_safe(piece) or refuse(piece)))

        def fresh(self: Reuses) -> Any:
            self.tick += 1
            self.received.append("{}")
            return np.full((40, 50), float(self.tick))

        monkeypatch.setattr(Sender, "settle", notes)
        monkeypatch.setattr(Reuses, "forward", fresh)

        for seed in range(6):
            assert delivered("whole", 2, seed)[0] == []

        assert len(asked) > 20
