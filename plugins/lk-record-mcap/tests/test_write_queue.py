"""What waits to be written: in which order, and what becomes of what fails."""

import threading
from typing import Any

import numpy as np
import pytest

from lk_record_mcap.format import Encoder
from lk_record_mcap.write_queue import LARGE_BYTES, LIMIT_BYTES, Backlog, Entry


def entry(tick: int, value: Any) -> Entry:
    return Entry(Encoder("camera.output"), 0, tick, tick, value)


def frame(size: int = LARGE_BYTES) -> np.ndarray:
    return np.zeros((1, size), np.uint8)


def test_what_comes_after_a_large_array_is_written_after_it() -> None:
    """The thread has the one, and the other does not overtake it."""
    written: list[int] = []
    backlog = Backlog(lambda item: written.append(item.tick))

    for tick, value in enumerate([1.0, frame(), 2.0, frame(), 3.0]):
        backlog.add(entry(tick, value))
    backlog.drain()

    assert written == [0, 1, 2, 3, 4]


def test_small_values_are_written_at_once() -> None:
    """Without a thread."""
    written: list[threading.Thread] = []
    backlog = Backlog(lambda _: written.append(threading.current_thread()))

    backlog.add(entry(0, 1.0))

    assert written == [threading.current_thread()]


def test_an_array_may_change_once_it_is_settled() -> None:
    """What is written is what was given."""
    written: list[bytes] = []
    backlog = Backlog(lambda item: written.append(item.encode()[1]))
    image = frame()

    backlog.add(entry(0, image))
    backlog.settle()
    image[:] = 1
    backlog.drain()

    assert written[0].endswith(bytes(LARGE_BYTES))


def test_a_failure_of_the_thread_is_raised_by_what_follows() -> None:
    """And by everything after that."""

    def write(_: Entry) -> None:
        raise OSError("disk full")

    backlog = Backlog(write)
    backlog.add(entry(0, frame()))

    with pytest.raises(OSError, match="disk full"):
        backlog.drain()
    with pytest.raises(OSError, match="disk full"):
        backlog.add(entry(1, 1.0))


def test_who_is_too_far_ahead_of_the_disk_waits() -> None:
    """The memory of what waits is bounded, and nothing is lost."""
    may_write = threading.Event()
    waiting: list[int] = []
    most = LIMIT_BYTES // (32 << 20) + 2
    backlog = Backlog(lambda _: may_write.wait(30))
    image = frame(32 << 20)

    def add() -> None:
        for tick in range(2 * most):
            backlog.add(entry(tick, image))
            waiting.append(tick)

    adding = threading.Thread(target=add)
    adding.start()
    adding.join(0.5)
    ahead = len(waiting)
    may_write.set()
    adding.join(30)
    backlog.drain()

    assert ahead <= most
    assert len(waiting) == 2 * most
