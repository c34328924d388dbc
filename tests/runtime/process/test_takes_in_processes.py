"""Tests of components that take ticks in processes of their own."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from reference_engine import ForkedEngine  # type: ignore[import-not-found]

from like_keras_core import ComponentError, Node, System
from like_keras_core.engine_kit import StopSignal
from like_keras_core.testing.components import Count
from tests.components import counts, records, report_of
from tests.slow_components import Hangs, Held, Motor, Slow

pytestmark = pytest.mark.timeout(90)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the processes find the components where this one found them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))


def system(**options: Any) -> System:
    """Return a counter and a reader on one node, what takes ticks on another."""
    count, held = Count(node=Node("a")), Held(node=Node("a"))
    slow = Slow(node=Node("b"), takes=3, **options)
    held(slow(count()))
    return System([count, slow, held])


@pytest.mark.parametrize("rate_hz", [None, 200.0])
def test_processes_give_what_one_gives(rate_hz: float | None) -> None:
    """The row of results is the same, whatever the processes and the clock do."""
    found = ForkedEngine().launch(
        system(sleeps_s=0.002).to_spec(), iterations=40, record="all", rate_hz=rate_hz
    )

    one = system().launch(40, engine="native", record="all")
    assert records(found, "held.output") == records(one, "held.output")
    assert records(found, "slow.output") == records(one, "slow.output")
    assert counts(found) == counts(one)


def test_an_error_says_when_its_firing_began() -> None:
    """It belongs to the tick of the result."""
    with pytest.raises(ComponentError) as caught:
        ForkedEngine().launch(system(raises_at=6).to_spec(), iterations=40)

    error = caught.value
    assert (error.component, error.phase, error.tick) == ("slow", "forward", 9)
    assert "ValueError: no 6; the firing began at tick 6" in str(error)
    assert counts(report_of(error))["slow"] == (2, 7)


@pytest.mark.parametrize("in_python", [True, False])
def test_a_firing_that_does_not_return_is_named(
    tmp_path: Path, in_python: bool
) -> None:
    """All others are deactivated, and it too if it could be interrupted."""
    folder = str(tmp_path)
    hangs = Hangs(in_python=in_python, folder=folder, node=Node("b"), takes=2)
    count, motor = Count(node=Node("b")), Motor(folder=folder, node=Node("b"))
    motor(count())
    stop = StopSignal()

    def stop_soon() -> None:
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=stop_soon, daemon=True).start()
    began = time.monotonic()

    with pytest.raises(ComponentError) as caught:
        ForkedEngine().launch(
            System([hangs, count, motor, Count(name="far", node=Node("a"))]).to_spec(),
            stop=stop,
            stop_grace_s=0.5,
        )

    error = caught.value
    assert (error.component, error.phase, error.tick) == ("hangs", "forward", 2)
    assert "it began at tick 0 and did not return within" in str(error)
    assert "in forward" in str(error)
    assert (tmp_path / "motor_off").exists()
    assert (tmp_path / "hangs_off").exists() == in_python
    assert time.monotonic() - began < 30
