"""One component on its own, fed and asked what it sent."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import pytest

from like_keras_core import (
    Component,
    ComponentError,
    GraphError,
    InputPort,
)
from like_keras_core.testing import run
from like_keras_core.testing.components import Count, Odd, Sum
from like_keras_core.testing.kit_components import Draws, Spoils


class Both(NamedTuple):
    """Two outputs."""

    low: int | None
    high: int


class Split(Component):
    """Two outputs, one of them now and then."""

    def forward(self, value: int) -> Both:
        return Both(value if value < 2 else None, 10 * value)


class Holds(Component):
    """A value and the newest gain."""

    gain = InputPort(int, policy="hold")

    def forward(self, value: int, gain: int | None) -> int:
        return value * (gain or 0)


class Opens(Component):
    """Says that its hooks ran."""

    def on_configure(self) -> None:
        self.device = ["open"]

    def forward(self) -> str:
        return self.device[0]

    def on_shutdown(self) -> None:
        self.device.append("closed")


def test_it_returns_what_was_sent_by_tick() -> None:
    """None where nothing was."""
    assert run(Odd(), value=[1, 2, 3]) == [1, None, 3]


def test_absent_inputs_are_none() -> None:
    """And so is the time after the last value."""
    assert run(Sum(), 4, a=[1, None, 3, 4], b=[10, 20, 30]) == [11, None, 33, None]


def test_a_source_takes_a_number_of_ticks() -> None:
    """There is no input to count."""
    assert run(Count(start=5), 3) == [5, 6, 7]
    with pytest.raises(TypeError, match="How many ticks"):
        run(Count())


def test_several_outputs_come_by_port() -> None:
    """Each is absent for itself."""
    assert run(Split(), value=[1, 2]) == {"low": [1, None], "high": [10, 20]}


def test_held_inputs_are_held() -> None:
    """As in a system."""
    assert run(Holds(), value=[1, 2, 3], gain=[None, 5]) == [0, 10, 15]


def test_the_hooks_are_called() -> None:
    """It lives a whole life."""
    component = Opens()

    assert run(component, 1) == ["open"]
    assert component.device == ["open", "closed"]


def test_a_run_sees_nothing_of_an_earlier_one() -> None:
    """The same component, fresh each time."""
    count = Count()

    assert run(count, 3) == run(count, 3) == [0, 1, 2]


def test_the_seed_is_the_launchs() -> None:
    """The same seed, the same numbers."""
    assert run(Draws(), 3, seed=1) == run(Draws(), 3, seed=1) != run(Draws(), 3)


def test_an_end_of_stream_shortens_the_answer() -> None:
    """Its tick does not count."""
    assert run(Count(limit=2), 5) == [0, 1]


def test_what_is_wrong_is_said() -> None:
    """Inputs that are missing, unknown, or no lists; and what forward raised."""
    with pytest.raises(GraphError, match=r"'sum\.b' .*is not connected"):
        run(Sum(), a=[1])
    with pytest.raises(TypeError, match=r"no input 'c'; it has: a, b"):
        run(Sum(), a=[1], c=[1])
    with pytest.raises(TypeError, match="a list of values"):
        run(Sum(), a=1, b=[1])
    with pytest.raises(ComponentError, match="unsupported operand") as caught:
        run(Sum(), a=[1], b=["x"])
    assert isinstance(caught.value.__cause__, TypeError)


def test_who_changes_an_input_is_named() -> None:
    """Values are checked."""
    with pytest.raises(ComponentError, match="spoils"):
        run(Spoils(1), values=[[1, [1]]])


def test_importing_it_needs_no_pytest() -> None:
    """Components of other processes import the package too."""
    code = (
        "import sys; from like_keras_core.testing import run, kit_components; "
        "sys.exit(any(x in sys.modules for x in ('pytest', 'hypothesis', 'numpy')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
