"""Components that take ticks, in processes of their own."""

import pytest
from engine_systems import outcome  # type: ignore[import-not-found]
from slow_components import Held, Slow  # type: ignore[import-not-found]

from like_keras_core import Node, System
from like_keras_core.testing.components import Count

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(120)]


def slow(raises_at: int | None = None) -> System:
    """Return a counter and a reader on one node, what takes ticks on another."""
    count, held = Count(node=Node("a")), Held(node=Node("a"))
    part = Slow(node=Node("b"), takes=3, sleeps_s=0.002, raises_at=raises_at)
    held(part(count()))
    return System([count, part, held])


def test_results_are_those_of_one_process() -> None:
    """At the ticks that they are due, however long they took."""
    found = outcome(slow(), "ros2", iterations=30)

    assert found == outcome(slow(), "native", iterations=30)


def test_an_error_belongs_to_the_tick_of_its_result() -> None:
    """As in one process."""
    found = outcome(slow(raises_at=6), "ros2", iterations=30)

    assert found == outcome(slow(raises_at=6), "native", iterations=30)
    assert found[0] == ("slow", "b", 9)
