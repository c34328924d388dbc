"""Which thread serves a node, what it is doing, and whether it gets on."""

from __future__ import annotations

import sys
import threading
import time
from types import FrameType


class ServingThread:
    """The thread that serves a node; another one, once that hangs at the end.

    Attributes:
        ident: The thread's identity.
        order: What it obeys now; None between orders.
    """

    def __init__(self) -> None:
        self.ident = threading.get_ident()
        self.order: object = None
        self._turns = 0

    def take_over(self) -> object:
        """Serve from this thread from now on; return what the last one was obeying."""
        order, self.order = self.order, None
        self.ident = threading.get_ident()
        return order

    def turned(self) -> None:
        """Note that it has got on; do nothing any more if another one serves."""
        self._turns += 1
        while self.ident != threading.get_ident():
            time.sleep(1.0)

    @property
    def frame(self) -> FrameType | None:
        """Its innermost frame."""
        return sys._current_frames().get(self.ident)

    @property
    def mark(self) -> tuple[int, int]:
        """Another one whenever the thread gets on."""
        return self.ident, self._turns
