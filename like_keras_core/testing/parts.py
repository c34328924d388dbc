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
from like_keras_core.values import fingerprint


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


class Mix0(Component):
    """Sends numbers that depend on all that it ever received; here on nothing.

    Args:
        salt: Makes it differ from others.
        kind: What it sends: one of `KINDS`.
        silence: Of eight firings, so many send nothing on the first output.
        ends_at: The firing that ends the run; -1 is none.
        fails_at: The firing that fails; -1 is none.
        **options: `name`, `node` and `every`.

    Outputs:
        x: A value of its kind, or nothing.
        y: A number.
    """

    class Both(NamedTuple):
        """Two outputs, either of which may be absent."""

        x: Any
        y: int

    def __init__(
        self,
        salt: int = 0,
        kind: str = "int",
        silence: int = 0,
        ends_at: int = -1,
        fails_at: int = -1,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.salt, self.kind, self.silence = salt, kind, silence
        self.ends_at, self.fails_at = ends_at, fails_at
        self.firing = -1

    def act(self, *inputs: Any) -> Both:
        """Compute one firing."""
        self.firing += 1
        if self.firing == self.ends_at:
            raise EndOfStream
        if self.firing == self.fails_at:
            raise ZeroDivisionError(f"asked to fail at firing {self.firing}")
        digest = fingerprint([self.salt, self.firing, list(inputs)])
        number = int.from_bytes(digest[:6], "little")
        x = None if digest[6] % 8 < self.silence else to_kind(self.kind, number)
        return self.Both(x, number)

    def forward(self) -> Both:
        """Fire without inputs."""
        return self.act()


class Mix1(Mix0):
    """`Mix0` with one input.

    Inputs:
        a: Anything.
    """

    def forward(self, a: Any) -> Mix0.Both:  # type: ignore[override]
        """Fire."""
        return self.act(a)


class Mix2(Mix0):
    """`Mix0` with two inputs.

    Inputs:
        a: Anything.
        b: Anything.
    """

    def forward(self, a: Any, b: Any) -> Mix0.Both:  # type: ignore[override]
        """Fire."""
        return self.act(a, b)


class Mix3(Mix0):
    """`Mix0` with three inputs.

    Inputs:
        a: Anything.
        b: Anything.
        c: Anything.
    """

    def forward(self, a: Any, b: Any, c: Any) -> Mix0.Both:  # type: ignore[override]
        """Fire."""
        return self.act(a, b, c)


KINDS = ("int", "float", "text", "list", "dict", "bytes", "array")


def to_kind(kind: str, number: int) -> Any:
    """Return a value of a kind that depends on a number."""
    if kind == "float":
        return (float("nan"), -0.0, 0.0, float("inf"), number / 7)[number % 5]
    if kind == "text":
        return ("", "ü\n\0", "机器人", str(number))[number % 4]
    if kind == "list":
        return [number, [None, str(number)], []][: number % 4]
    if kind == "dict":
        return {"n": number, 3: (1, None), "ключ": {}}
    if kind == "bytes":
        return number.to_bytes(6, "little")[: number % 7]
    if kind == "array":
        import numpy as np

        return (np.arange(number % 24, dtype=np.float32) * number)[:: 1 + number % 3]
    return number


def odd_values() -> list[Any]:
    """Return values that are hard to carry."""
    import numpy as np

    square = np.arange(36, dtype=np.float64).reshape(6, 6)
    return [
        b"",
        b"\0",
        "",
        "größe\n\0机器人",
        float("nan"),
        -0.0,
        float("-inf"),
        2**70,
        False,
        0,
        [],
        {"ключ": (1, None), 3: [[]]},
        np.array([], np.int16),
        np.array(3.5),
        np.array([np.nan, -0.0, np.inf], np.float32),
        square.T,
        square[::2, 1::3],
        square[::-1],
        np.array([True, False]),
        np.float32(-0.0),
    ]


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
