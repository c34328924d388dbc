"""Components that do unusual things; importable from other processes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

import like_keras_core as lk


class Payloads(lk.Component):
    """Sends values that are hard to carry."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.count = 0

    def forward(self) -> Any:
        self.count += 1
        big = np.arange(10_000_000, dtype=np.uint8)
        values = [b"", b"\x00", big, float("nan"), big[::1000], {"ü\n": (1, None)}]
        return values[(self.count - 1) % len(values)]


class Echo(lk.Component):
    """Passes values on."""

    def forward(self, value: Any) -> Any:
        return value


class Spoils(lk.Component):
    """Changes what it receives."""

    def forward(self, values: list[int]) -> int:
        """Append to the list."""
        values.append(0)
        return len(values)


class Lists(lk.Component):
    """Sends lists of its own."""

    def __init__(self, node: Any = None) -> None:
        super().__init__(node=node)
        self.tick = 0

    def forward(self) -> list[int]:
        """Return a new list."""
        self.tick += 1
        return [self.tick]


class Talks(lk.Component):
    """Logs at each tick, and ends its process at one of them."""

    def __init__(self, last: int, node: Any = None) -> None:
        super().__init__(node=node)
        self.last = last

    def forward(self, value: int) -> int:
        """Log, or leave."""
        if value == self.last:
            time.sleep(0.5)
            os._exit(7)
        self.log.warning("got %d", value)
        return value


class Secret:
    """What no codec knows."""


class Secrets(lk.Component):
    """Sends what cannot be sent, but not at once."""

    def __init__(self, first: int, node: Any = None) -> None:
        super().__init__(node=node)
        self.first = first

    def forward(self, value: int) -> Any:
        """Return a number, then an object."""
        return value if value < self.first else Secret()


class ToFile:
    """A tap that writes what it sees into a file of its process."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, tick: int, value: Any) -> None:
        """Append a line."""
        with Path(self.path).open("a") as file:
            file.write(f"{os.getpid()} {tick} {value}\n")


class Stays(lk.Component):
    """Says in a file when it is configured and when it is shut down."""

    def __init__(self, path: str, node: Any = None) -> None:
        super().__init__(node=node)
        self.path = path

    def _write(self, what: str) -> None:
        with Path(self.path).open("a") as file:
            file.write(f"{what} {os.getpid()}\n")

    def on_configure(self) -> None:
        """Say so."""
        self._write("configured")

    def forward(self) -> int:
        """Return 1."""
        return 1

    def on_shutdown(self) -> None:
        """Say so."""
        self._write("down")


class Latest(lk.Component):
    """Takes whatever came last, slowly."""

    value = lk.InputPort(int, policy="latest")

    def forward(self, value: int | None) -> int:
        """Return it, or -1."""
        time.sleep(0.0005)
        return -1 if value is None else value
