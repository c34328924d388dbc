"""What came from other threads and is not yet taken."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class SignalSafeQueue(Generic[T]):
    """A queue for one reader; `put` does not wait, and a signal handler may call it.

    `queue.SimpleQueue` would do, but until Python 3.13 its `get` may wait for ever
    where the time is over before it begins to wait, as on a busy machine.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._news = threading.Lock()  # Locked while there is none.
        self._news.acquire()

    def put(self, item: T) -> None:
        """Add an item at the end."""
        self._items.append(item)
        if self._news.locked():
            with suppress(RuntimeError):  # Another one was put at the same time.
                self._news.release()

    def empty(self) -> bool:
        """Say whether there is nothing now."""
        return not self._items

    def get_nowait(self) -> T:
        """Take the first item.

        Raises:
            queue.Empty: There is none.
        """
        try:
            return self._items.popleft()
        except IndexError:
            raise queue.Empty from None

    def get(self, timeout_s: float) -> T:
        """Take the first item; if there is none, wait for one.

        Args:
            timeout_s: How long to wait at most [s].

        Raises:
            queue.Empty: None has come.
        """
        until = time.monotonic() + timeout_s
        while not self._items:
            left = until - time.monotonic()
            # What was put may have been taken since; then there is nothing new.
            if left <= 0 or not self._news.acquire(timeout=left):
                break
        return self.get_nowait()
