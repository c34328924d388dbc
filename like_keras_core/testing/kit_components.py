"""What the systems of the conformance kit are made of, importable in any process."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from like_keras_core.component import Component
from like_keras_core.errors import EndOfStream
from like_keras_core.port import InputPort
from like_keras_core.testing.edge_values import odd_values
from like_keras_core.values.semantics import fingerprint


class Play(Component):
    """Sends given values, one a firing, and begins again after the last.

    Args:
        values: What to send; None sends nothing.
        **options: `name`, `node` and `every`.

    Outputs:
        output: A value.
    """

    def __init__(self, values: Sequence[Any], **options: Any) -> None:
        super().__init__(**options)
        self.values = list(values)
        self.firing = 0

    def forward(self) -> Any:
        """Return the next value."""
        value = self.values[self.firing % len(self.values)]
        self.firing += 1
        return value


class Echo(Component):
    """Passes values on.

    Inputs:
        value: Anything.

    Outputs:
        output: `value`.
    """

    def forward(self, value: Any) -> Any:
        """Return the value."""
        return value


class Join(Component):
    """Pairs two inputs.

    Inputs:
        a: Anything.
        b: Anything.

    Outputs:
        output: `[a, b]`.
    """

    def forward(self, a: Any, b: Any) -> list[Any]:
        """Return both."""
        return [a, b]


class Held(Component):
    """Pairs a value with the newest of another input.

    Inputs:
        a: Anything; fires it.
        b: Held.

    Outputs:
        output: `[a, b]`.
    """

    b = InputPort(Any, policy="hold")

    def forward(self, a: Any, b: Any) -> list[Any]:
        """Return both."""
        return [a, b]


class Newest(Component):
    """Says what came last.

    Inputs:
        value: A number, by the policy `latest`.

    Outputs:
        output: `value`, or -1 where there was none.
    """

    value = InputPort(int, policy="latest")

    def forward(self, value: int | None) -> int:
        """Return it."""
        return -1 if value is None else value


class Ends(Component):
    """Passes values on, and ends the run or fails at one of them.

    Args:
        how: `"end"`, `"error"` or `"misfit"`, a result that fits no port.
        at: The value.
        **options: `name` and `node`.

    Inputs:
        value: A number.

    Outputs:
        first: `value`.
        second: `-value`.
    """

    class Both(NamedTuple):
        """Two outputs."""

        first: int
        second: int

    def __init__(self, how: str, at: int, **options: Any) -> None:
        super().__init__(**options)
        self.how, self.at = how, at

    def forward(self, value: int) -> Both:
        """Return the value twice, or do what was asked."""
        if value == self.at:
            if self.how == "end":
                raise EndOfStream
            if self.how == "error":
                raise ZeroDivisionError(f"asked to fail at {value}")
            return value  # type: ignore[return-value]
        return self.Both(value, -value)


class Digest(Component):
    """Says what it received, briefly.

    Inputs:
        value: Anything.

    Outputs:
        output: The type's name, the size in bytes where it has one, and a digest.
    """

    def forward(self, value: Any) -> list[Any]:
        """Return type, size and digest."""
        size = getattr(value, "nbytes", None)
        return [type(value).__name__, size, fingerprint(value).hex()]


class Block(Component):
    """Sends arrays of a size, each different from the one before.

    Args:
        size: How many bytes.
        **options: `name` and `node`.

    Outputs:
        output: uint8, shape `(size,)`.
    """

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.firing = size, 0

    def forward(self) -> Any:
        """Return the next array."""
        import numpy as np

        self.firing += 1
        return np.full(self.size, self.firing % 251, np.uint8)


class Lists(Component):
    """Sends a new list at each tick.

    Outputs:
        output: `[firing, [firing]]`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.firing = 0

    def forward(self) -> list[Any]:
        """Return it."""
        self.firing += 1
        return [self.firing, [self.firing]]


class Spoils(Component):
    """Changes what it receives, which no component may.

    Args:
        at: The first number of the list that it changes.
        **options: `name` and `node`.

    Inputs:
        values: A list of `Lists`.

    Outputs:
        output: Its first number.
    """

    def __init__(self, at: int, **options: Any) -> None:
        super().__init__(**options)
        self.at = at

    def forward(self, values: list[Any]) -> int:
        """Append to the list when it is time."""
        first = int(values[0])
        if first == self.at:
            values[1].append("spoilt")
        return first


class Writes(Component):
    """Tries to write into an array that it receives.

    Inputs:
        array: Any array.

    Outputs:
        output: Whether that was refused.
    """

    def forward(self, array: Any) -> bool:
        """Try it."""
        try:
            array[...] = 0
        except ValueError:
            return True
        return False


class Draws(Component):
    """Sends what its generator draws.

    Outputs:
        output: A number.
    """

    def forward(self) -> int:
        """Draw."""
        return int(self.rng.integers(2**40))


class Where(Component):
    """Says in which process it runs.

    Outputs:
        output: The process id.
    """

    def forward(self) -> int:
        """Return it."""
        return os.getpid()


class Diary(Component):
    """Writes into a file what happens to it: all of a system into one.

    Args:
        path: The file. A line is the component's name, what happened, and a number:
            the value for `forward`, else the process id.
        slow_s: How long it waits before it writes [s]: who does not wait for it, where
            it must, is then seen to be early.
        **options: `name` and `node`.

    Inputs:
        value: A number.

    Outputs:
        output: `value`.
    """

    def __init__(self, path: str, slow_s: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.path, self.slow_s = path, slow_s

    def _write(self, what: str, number: int) -> None:
        time.sleep(self.slow_s)
        line = f"{self._lk.address or self.name} {what} {number}\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)

    def on_configure(self) -> None:
        """Write it down."""
        self._write("on_configure", os.getpid())

    def on_activate(self) -> None:
        """Write it down."""
        self._write("on_activate", os.getpid())

    def forward(self, value: int) -> int:
        """Write it down."""
        self._write("forward", value)
        return value

    def on_deactivate(self) -> None:
        """Write it down."""
        self._write("on_deactivate", os.getpid())

    def on_shutdown(self) -> None:
        """Write it down."""
        self._write("on_shutdown", os.getpid())


class Endless(Component):
    """Counts at a pace that a disk can follow.

    Outputs:
        output: A number.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.firing = 0

    def forward(self) -> int:
        """Return the next number."""
        time.sleep(0.002)
        self.firing += 1
        return self.firing - 1


class One(Component):
    """Sends 1; its subclasses `Needs_delay` and so on need a capability for that.

    Outputs:
        output: 1.
    """

    def forward(self) -> int:
        """Return 1."""
        return 1


class Odds(Component):
    """Sends values that are hard to carry, one after the other.

    Outputs:
        output: One of `odd_values()`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.firing = -1

    def forward(self) -> Any:
        """Return the next one."""
        self.firing += 1
        values = odd_values()
        return values[self.firing % len(values)]


class ToFile:
    """A tap that appends a line to a file: tick and value.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def __call__(self, tick: int, value: Any) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{tick} {value}\n")


def __getattr__(name: str) -> Any:
    """Make `Needs_zero_copy` and so on when they are asked for."""
    from like_keras_core.engine import CAPABILITIES

    for capability in CAPABILITIES:
        if name == needing(capability):
            made = type(name, (One,), {"__module__": __name__, "needs": (capability,)})
            globals()[name] = made
            return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def needing(capability: str) -> str:
    """Return the name of the component here that needs a capability."""
    return "Needs_" + capability.replace("-", "_")
