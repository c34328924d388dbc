"""What waits for a thread: order, time, and who may put."""

import queue
import signal
import threading
import time
from types import FrameType

import pytest

from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue


def test_items_come_in_order() -> None:
    """And then there is nothing."""
    inbox: SignalSafeQueue[int] = SignalSafeQueue()
    inbox.put(1)
    inbox.put(2)

    assert (inbox.get(1.0), inbox.get_nowait()) == (1, 2)

    assert inbox.empty()
    with pytest.raises(queue.Empty):
        inbox.get_nowait()


def test_what_comes_ends_a_wait() -> None:
    """From another thread."""
    inbox: SignalSafeQueue[int] = SignalSafeQueue()
    threading.Timer(0.05, inbox.put, [7]).start()

    assert inbox.get(20.0) == 7


@pytest.mark.timeout(20)
def test_a_wait_ends_however_short_it_is() -> None:
    """Also where something was put before and taken without a wait.

    `queue.SimpleQueue` of Python 3.10 to 3.12 waits for ever here, in some rounds.
    """
    inbox: SignalSafeQueue[None] = SignalSafeQueue()

    for _ in range(20_000):
        inbox.put(None)
        inbox.get_nowait()
        with pytest.raises(queue.Empty):
            inbox.get(1e-7)


def test_a_wait_does_not_end_early() -> None:
    """Old news do not end it."""
    inbox: SignalSafeQueue[None] = SignalSafeQueue()
    inbox.put(None)
    inbox.get_nowait()
    began = time.monotonic()

    with pytest.raises(queue.Empty):
        inbox.get(0.05)

    assert time.monotonic() - began >= 0.05


def test_a_signal_handler_may_put() -> None:
    """While the same thread waits."""
    inbox: SignalSafeQueue[int] = SignalSafeQueue()

    def handle(number: int, frame: FrameType | None) -> None:
        inbox.put(number)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert inbox.get(20.0) == signal.SIGALRM
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.timeout(60)
def test_nothing_is_lost_among_many_who_put() -> None:
    """Each one's items stay in order."""
    inbox: SignalSafeQueue[tuple[int, int]] = SignalSafeQueue()

    def put(who: int) -> None:
        for n in range(2_000):
            inbox.put((who, n))

    threads = [threading.Thread(target=put, args=[who]) for who in range(4)]
    for thread in threads:
        thread.start()
    found = [inbox.get(20.0) for _ in range(8_000)]
    for thread in threads:
        thread.join()

    for who in range(4):
        assert [n for other, n in found if other == who] == list(range(2_000))
