"""The transport that tests use is exactly as bad as it is told to be."""

from __future__ import annotations

from itertools import pairwise
from math import inf

import pytest

from like_keras_core.runtime.flow.wire_format import Frame
from tests.fake_transport import FakeTransport

FRAMES: list[Frame] = [[f"{number:04}".encode(), b"!"] for number in range(1000)]


def through(transport: FakeTransport) -> list[bytes]:
    """Send a frame every millisecond; return what arrived."""
    for number, frame in enumerate(FRAMES):
        transport.send(frame, 0.001 * number)
    return [frame for frame in transport.receive(inf) if isinstance(frame, bytes)]


def test_told_nothing_it_is_perfect() -> None:
    """All arrives, once, in order."""
    assert through(FakeTransport()) == [b"".join(frame) for frame in FRAMES]


def test_frames_arrive_after_their_delay() -> None:
    """Not before, and `next_at` says when."""
    transport = FakeTransport(delay_s=0.5)
    assert transport.next_at == inf

    transport.send([b"a"], 1.0)

    assert transport.next_at == 1.5
    assert transport.receive(1.4) == []
    assert transport.receive(1.5) == [b"a"]


def test_frames_need_not_be_joined() -> None:
    """Inside one process the very list arrives."""
    transport = FakeTransport(joins=False)

    transport.send(FRAMES[0], 0.0)

    (frame,) = transport.receive(1.0)
    assert frame is FRAMES[0]


def test_it_loses_its_share() -> None:
    """And counts what it lost."""
    transport = FakeTransport(drop=0.3)

    assert len(through(transport)) == 1000 - transport.dropped
    assert 250 < transport.dropped < 350


def test_it_doubles_its_share() -> None:
    """Nothing is lost by that."""
    arrived = through(FakeTransport(duplicate=0.3))

    assert len(set(arrived)) == 1000
    assert 1250 < len(arrived) < 1350


def test_it_reorders_its_share() -> None:
    """The others keep their order."""
    arrived = through(FakeTransport(reorder=0.1, delay_s=0.01))

    swaps = sum(a > b for a, b in pairwise(arrived))
    assert 30 < swaps < 150
    assert sorted(arrived) == [b"".join(frame) for frame in FRAMES]


def test_what_does_not_fit_is_lost() -> None:
    """The newest is dropped without a word, as real receivers' queues do."""
    transport = FakeTransport(capacity=2)

    for number in range(4):
        transport.send([bytes([number])], 0.0)

    assert len(transport) == 2
    assert transport.receive(1.0) == [b"\0", b"\1"]
    assert transport.dropped == 2


def test_frames_that_are_too_large_are_an_error() -> None:
    """A sender that was told the limit must keep it."""
    with pytest.raises(ValueError, match="5 bytes, above 4"):
        FakeTransport(max_frame=4).send([b"12", b"345"], 0.0)


def test_one_seed_is_one_course_of_events() -> None:
    """A failure can be repeated."""

    def course(seed: int) -> list[bytes]:
        return through(FakeTransport(seed, drop=0.1, duplicate=0.1, reorder=0.1))

    assert course(3) == course(3) != course(4)
