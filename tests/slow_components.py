"""Components that take ticks, and their readers, for processes to import."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from like_keras_core import Component, InputPort, Node, System
from like_keras_core.testing.components import Count


class Slow(Component):
    """Gives ten times what it is given; raises at a value."""

    def __init__(
        self, *, raises_at: int | None = None, sleeps_s: float = 0.0, **options: Any
    ) -> None:
        super().__init__(**options)
        self.raises_at, self.sleeps_s = raises_at, sleeps_s

    def forward(self, value: int) -> int:
        if value == self.raises_at:
            raise ValueError(f"no {value}")
        time.sleep(self.sleeps_s)
        return 10 * value


class Held(Component):
    """Gives the newest value each tick."""

    value = InputPort(int, policy="hold")

    def forward(self, value: int | None) -> int | None:
        return value


class Hangs(Component):
    """Does not return from its first firing."""

    def __init__(self, *, in_python: bool, folder: str, **options: Any) -> None:
        super().__init__(**options)
        self.in_python, self.folder = in_python, folder

    def forward(self) -> None:
        (Path(self.folder) / "begun").touch()
        if not self.in_python:
            time.sleep(1e6)
        while True:
            pass

    def on_deactivate(self) -> None:
        (Path(self.folder) / "hangs_off").touch()


class Motor(Component):
    """Leaves a file when it is switched off."""

    def __init__(self, *, folder: str, **options: Any) -> None:
        super().__init__(**options)
        self.folder = folder

    def forward(self, value: int) -> None:
        pass

    def on_deactivate(self) -> None:
        (Path(self.folder) / "motor_off").touch()


def beside(raises_at: int | None = None) -> System:
    """Return a counter and a reader on one node, what takes ticks on another."""
    count, held = Count(node=Node("a")), Held(node=Node("a"))
    slow = Slow(node=Node("b"), takes=3, sleeps_s=0.002, raises_at=raises_at)
    held(slow(count()))
    return System([count, slow, held])
