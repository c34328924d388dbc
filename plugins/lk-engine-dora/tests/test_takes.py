"""Components that take ticks, in processes of their own."""

import pytest
from engine_systems import outcome  # type: ignore[import-not-found]
from slow_components import beside  # type: ignore[import-not-found]

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(60)]


def test_results_are_those_of_one_process() -> None:
    """At the ticks that they are due, however long they took."""
    found = outcome(beside(), "dora", iterations=30)

    assert found == outcome(beside(), "native", iterations=30)


def test_an_error_belongs_to_the_tick_of_its_result() -> None:
    """As in one process."""
    found = outcome(beside(raises_at=6), "dora", iterations=30)

    assert found == outcome(beside(raises_at=6), "native", iterations=30)
    assert found[0] == ("slow", "b", 9)
