"""Components of random systems: all that they receive decides what they send."""

from __future__ import annotations

from typing import Any, NamedTuple

from like_keras_core.component import Component
from like_keras_core.errors import EndOfStream
from like_keras_core.values.semantics import fingerprint


class Mix0(Component):
    """Sends numbers that depend on all that it ever received; here on nothing.

    Args:
        salt: Makes it differ from others.
        kind: What it sends: one of `KINDS`.
        silence: Of eight firings, so many send nothing on the first output.
        ends_at: The firing that ends the run; -1 is none.
        fails_at: The firing that fails; -1 is none.
        **options: `name`, `node`, `every` and `takes`.

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
        # One by one: whether two inputs share an object is no part of their values.
        digest = fingerprint([self.salt, self.firing, *map(fingerprint, inputs)])
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
