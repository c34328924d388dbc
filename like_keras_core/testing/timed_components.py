"""What the kit's systems of slow and late components are made of."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from like_keras_core.component import Component
from like_keras_core.port import InputPort


class Stalls(Component):
    """Counts, and is slow at one of its firings.

    Args:
        at: The number of the firing; -1 for none.
        stall_s: How long that one takes [s].
        **options: `name`, `node`, `every` and `takes`.

    Outputs:
        output: How often it has fired before.
    """

    def __init__(self, at: int = -1, stall_s: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.at, self.stall_s = at, stall_s
        self.firing = -1

    def forward(self) -> int:
        """Return the number of the firing."""
        self.firing += 1
        if self.firing == self.at:
            time.sleep(self.stall_s)
        return self.firing


class Detector(Stalls):
    """`Stalls`, with an input that it passes on.

    Inputs:
        value: Anything.

    Outputs:
        output: `[number of the firing, value]`.
    """

    def forward(self, value: Any) -> list[Any]:  # type: ignore[override]
        """Return both."""
        return [super().forward(), value]


class Loop(Component):
    """Fires at each of its ticks, with what is newest of two inputs.

    Inputs:
        a: Held.
        b: Held.

    Outputs:
        output: `[a, b]`.
    """

    a = InputPort(Any, policy="hold")
    b = InputPort(Any, policy="hold")

    def forward(self, a: Any, b: Any) -> list[Any]:
        """Return both."""
        return [a, b]


class Clocked(Component):
    """Says what time it is.

    Outputs:
        output: `[tick, time_s, dt]`.
    """

    def forward(self) -> list[Any]:
        """Return all three."""
        return [self.tick, self.time_s, self.dt]


class Threads(Component):
    """Writes into a file in which thread it is called: all of a system into one.

    Args:
        path: The file. A line is the component's name, what is called, the process and
            the thread; for `forward` there is one when it begins and one at its end.
        slow_s: How long `forward` takes [s].
        **options: `name`, `node` and `takes`.

    Inputs:
        value: A number.

    Outputs:
        output: `value`.
    """

    def __init__(self, path: str, slow_s: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.path, self.slow_s = path, slow_s

    def _write(self, what: str) -> None:
        where = f"{os.getpid()}.{threading.get_ident()}"
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, f"{self.name} {what} {where}\n".encode())
        finally:
            os.close(handle)

    def on_configure(self) -> None:
        """Write it down."""
        self._write("on_configure")

    def on_activate(self) -> None:
        """Write it down."""
        self._write("on_activate")

    def forward(self, value: int) -> int:
        """Write it down at its begin and its end."""
        self._write("begin")
        time.sleep(self.slow_s)
        self._write("end")
        return value

    def on_deactivate(self) -> None:
        """Write it down."""
        self._write("on_deactivate")

    def on_shutdown(self) -> None:
        """Write it down."""
        self._write("on_shutdown")
