"""Components for launches; importable from other processes."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Any

import numpy as np

import like_keras_core as lk


class Prints(lk.Component):
    """Prints and logs what it receives; ends its process at one of the values."""

    def __init__(self, last: int = -1, code: int = 7, node: Any = None) -> None:
        super().__init__(node=node)
        self.last, self.code = last, code

    def forward(self, value: int) -> int:
        """Say it thrice."""
        if value == self.last:
            time.sleep(0.3)
            os._exit(self.code)
        print("printed", value, "ä")
        print("to stderr", value, file=sys.stderr)
        self.log.warning("logged %d", value)
        return value


class Numbers(lk.Component):
    """Sends arrays that begin and end with their number."""

    def __init__(self, size: int, node: Any = None) -> None:
        super().__init__(node=node)
        self.size, self.number = size, 0

    def forward(self) -> np.ndarray:
        """Return the next one."""
        values = np.full(self.size, self.number, np.int64)
        self.number += 1
        return values


class Follow(lk.Component):
    """Fails when a number is missing, doubled or swapped.

    Args:
        sleep_s: How long it takes for each [s].
        sleeps_at: For which one alone, if not for each.
    """

    def __init__(
        self, sleep_s: float = 0.0, sleeps_at: int | None = None, node: Any = None
    ) -> None:
        super().__init__(node=node)
        self.sleep_s, self.expected = sleep_s, 0
        self.sleeps_at = sleeps_at

    def forward(self, values: np.ndarray) -> None:
        """Compare."""
        found = (int(values[0]), int(values[-1]))
        if found != (self.expected, self.expected):
            raise ValueError(f"expected {self.expected}, received {found}")
        if self.sleep_s and self.sleeps_at in (None, self.expected):
            time.sleep(self.sleep_s)
        self.expected += 1


class Hold(lk.Component):
    """Takes the newest of one input and each of another, and adds them."""

    slow = lk.InputPort(int, policy="hold")
    fast = lk.InputPort(int)

    def forward(self, slow: int | None, fast: int) -> int:
        """Return the sum."""
        return fast + (slow or 0)


class Sleeps(lk.Component):
    """Takes its time to shut down."""

    def forward(self) -> int:
        """Return 1."""
        return 1

    def on_shutdown(self) -> None:
        """Wait."""
        time.sleep(60)


class Where(lk.Component):
    """Says where it runs."""

    def forward(self) -> str:
        """Return the working folder."""
        return os.getcwd()


class Frames(lk.Component):
    """Says how large its values are."""

    image = lk.OutputPort(np.ndarray, max_bytes=1 << 20)
    stamp = lk.OutputPort(float)

    def forward(self) -> dict[str, Any]:
        """Return both."""
        return {"image": np.zeros(1 << 20, np.uint8), "stamp": 0.0}


class Show(lk.Component):
    """Reads whatever came last."""

    image = lk.InputPort(np.ndarray, policy="latest")

    def forward(self, image: np.ndarray | None) -> None:
        """Look at it."""


class KeepsLock(lk.Component):
    """Keeps Python's lock at tick 1, as native code may that loads something large.

    Args:
        seconds: How long [s].
    """

    def __init__(self, seconds: float, node: Any = None) -> None:
        super().__init__(node=node)
        self.seconds, self.fired = seconds, 0

    def forward(self, value: int) -> int:
        """Return the value."""
        if self.fired == 1:
            ctypes.PyDLL(None).usleep(int(self.seconds * 1e6))
        self.fired += 1
        return value
