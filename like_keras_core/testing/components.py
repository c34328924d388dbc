"""Tiny components to build test systems from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import EndOfStream


class Count(Component):
    """Counts up from `start`, by one a tick.

    Args:
        start: The first number.
        limit: Ends the stream instead of sending this many numbers more; None never.
        **options: `name`, `node` and `every`, as every component has them.

    Outputs:
        output: An int.
    """

    def __init__(self, start: int = 0, limit: int | None = None, **options: Any):
        super().__init__(**options)
        self.value = start
        self.left = limit

    def forward(self) -> int:
        """Return the next number."""
        if self.left is not None:
            if self.left == 0:
                raise EndOfStream
            self.left -= 1
        self.value += 1
        return self.value - 1


class Scale(Component):
    """Multiplies what it receives.

    Inputs:
        value: A number.

    Outputs:
        output: `value * config.factor`.
    """

    @dataclass
    class Config:
        """How much to multiply by."""

        factor: int = 2

    def forward(self, value: int) -> int:
        """Return the product."""
        return int(value * self.config.factor)


class Sum(Component):
    """Adds two numbers that belong to the same tick.

    Inputs:
        a: A number.
        b: A number.

    Outputs:
        output: `a + b`.
    """

    def forward(self, a: int, b: int) -> int:
        """Return the sum."""
        return a + b


class Odd(Component):
    """Lets odd numbers pass and is silent for even ones.

    Inputs:
        value: A number.

    Outputs:
        output: `value`, or nothing.
    """

    def forward(self, value: int) -> int | None:
        """Return an odd value."""
        return value if value % 2 else None


class Fail(Component):
    """Passes values on, and raises `ValueError` in one phase of its life.

    Args:
        phase: `"__init__"`, `"forward"`, or a lifecycle hook.
        tick: For `"forward"`, the value at which it raises.
        **options: `name`, `node` and `every`.

    Inputs:
        value: A number.

    Outputs:
        output: `value`.
    """

    def __init__(self, phase: str = "forward", tick: int = 0, **options: Any):
        super().__init__(**options)
        self.phase, self.at = phase, tick
        self.calls: list[str] = []
        self._enter("__init__")

    def _enter(self, phase: str) -> None:
        self.calls.append(phase)
        if self.phase == phase:
            raise self._failure(f"asked to fail in {phase}")

    def _failure(self, text: str) -> BaseException:
        """Return what is raised."""
        return ValueError(text)

    def forward(self, value: int) -> int:
        """Return the value, or raise."""
        if self.phase == "forward" and value == self.at:
            raise self._failure(f"asked to fail at {value}")
        return value

    def on_configure(self) -> None:
        """Fail if this is the phase."""
        self._enter("on_configure")

    def on_activate(self) -> None:
        """Fail if this is the phase."""
        self._enter("on_activate")

    def on_deactivate(self) -> None:
        """Fail if this is the phase."""
        self._enter("on_deactivate")

    def on_shutdown(self) -> None:
        """Fail if this is the phase."""
        self._enter("on_shutdown")


class Reuse(Component):
    """Sends one list again and again, with something else in it.

    Outputs:
        output: A list with the number of the firing.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        self.buffer = [-1]

    def forward(self) -> list[int]:
        """Return the list that was returned before."""
        self.buffer[0] += 1
        return self.buffer
