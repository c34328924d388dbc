"""Tiny components, and short ways to run them and to read what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from like_keras_core import Component, ComponentError, RunReport, System


class Count(Component):
    """Gives 0, 1, 2, ...: how often it has fired before."""

    def __init__(self, name: str | None = None, every: int = 1) -> None:
        super().__init__(name, every=every)
        self.count = 0

    def forward(self) -> int:
        self.count += 1
        return self.count - 1


class Script(Component):
    """Gives a value a firing, raises those that are exceptions, then gives nothing."""

    def __init__(self, lines: Sequence[Any], name: str | None = None) -> None:
        super().__init__(name)
        self.lines = list(lines)
        self.fired = 0

    def forward(self) -> Any:
        self.fired += 1
        return play(self.lines, self.fired - 1)


class Play(Component):
    """As Script, at each value that arrives."""

    def __init__(self, lines: Sequence[Any], name: str | None = None) -> None:
        super().__init__(name)
        self.lines = list(lines)
        self.fired = 0

    def forward(self, value: Any) -> Any:
        self.fired += 1
        return play(self.lines, self.fired - 1)


def play(lines: Sequence[Any], n: int) -> Any:
    """Return line `n`, or raise it; None after the last."""
    line = lines[n] if n < len(lines) else None
    if isinstance(line, BaseException):
        raise line
    return line


class Pass(Component):
    """Gives what it receives."""

    def forward(self, value: Any) -> Any:
        return value


class Pair(Component):
    """Gives both of its inputs as a tuple."""

    def forward(self, left: Any, right: Any) -> tuple[Any, Any]:
        return left, right


class Sink(Component):
    """Keeps what it receives.

    Attributes:
        received: In order.
    """

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.received: list[Any] = []

    def forward(self, value: Any) -> None:
        self.received.append(value)


class Ticks(Component):
    """Sends its tick."""

    def forward(self) -> int:
        """Return it."""
        tick: int = self.tick
        return tick


class Times(Component):
    """Sends what it reads of the system's clock when a value comes."""

    def forward(self, value: int) -> tuple[int, float, float]:
        """Return the tick, the time, and that since it fired before."""
        return self.tick, self.time_s, self.dt


def records(report: RunReport, address: str) -> list[tuple[int, Any]]:
    """Return what a port sent."""
    return list(report.records[address])


def values(report: RunReport, address: str) -> list[Any]:
    """Return what a port sent, without the ticks."""
    return [value for _, value in report.records[address]]


def ticks(report: RunReport, address: str) -> list[int]:
    """Return when a port sent something."""
    return [tick for tick, _ in report.records[address]]


def counts(report: RunReport) -> dict[str, tuple[int, int]]:
    """Return how often each component fired, and at how many ticks it did not."""
    return {name: (item.fired, item.absent) for name, item in report.components.items()}


def messages(report: RunReport) -> dict[str, int]:
    """Return how many values each connection carried."""
    return {name: item.messages for name, item in report.connections.items()}


def run(system: System, iterations: int | None, **options: Any) -> RunReport:
    """Launch natively and record all that is sent."""
    return system.launch(iterations, engine="native", record="all", **options)


def failed(system: System, iterations: int | None, **options: Any) -> ComponentError:
    """Launch a system that fails, and return its error."""
    with pytest.raises(ComponentError) as caught:
        run(system, iterations, **options)
    return caught.value


def report_of(error: ComponentError) -> RunReport:
    """Return the report that an error carries."""
    assert error.report is not None
    return error.report
