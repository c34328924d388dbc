"""Components of the kit that do not return."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from like_keras_core.testing.kit_components import Diary


def _wait() -> None:
    threading.Event().wait()


def _loop() -> None:
    while True:
        with suppress(Exception):  # As many such loops do.
            time.monotonic()


def _work() -> None:
    hashlib.pbkdf2_hmac("sha256", b"key", b"salt", 1 << 30)


HANGS: dict[str, Callable[[], None]] = {
    "lock": _wait,
    "loop": _loop,
    "native": _work,
    "sleep": lambda: time.sleep(1000),
}
"""Ways not to return: waiting for a lock, byte code, native code, a sleep."""


class Misbehaves(Diary):
    """Counts at a pace; hangs or fails, once it is time.

    Args:
        path: Its diary, as of `Diary`.
        what: By phase, what it does there: a key of `HANGS`, or `"error"`; in
            `forward` at `at`.
        at: The number at which it does.
        **options: `name` and `node`.

    Outputs:
        output: A number.
    """

    def __init__(
        self, path: str, what: dict[str, str], at: int = 3, **options: Any
    ) -> None:
        super().__init__(path, **options)
        self.what, self.at = what, at
        self.firing = -1

    def _write(self, what: str, number: int) -> None:
        super()._write(what, number)
        if what != "forward" or number == self.at:
            self._do(self.what.get(what, ""))

    def _do(self, what: str) -> None:
        if what == "error":
            raise ValueError("the first")
        if what:
            HANGS[what]()

    def forward(self) -> int:  # type: ignore[override]
        """Return the next number."""
        time.sleep(0.01)
        self.firing += 1
        self._write("forward", self.firing)
        return self.firing


class Slow(Diary):
    """Passes values on, each after a while.

    Inputs:
        value: A number.

    Outputs:
        output: `value`.
    """

    def forward(self, value: int) -> int:
        """Wait, and return it."""
        time.sleep(0.4)
        return value
