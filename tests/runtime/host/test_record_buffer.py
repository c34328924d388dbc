"""Recorded values are gathered in rows; an error or an end leaves one incomplete."""

from __future__ import annotations

from typing import Any

import pytest

from like_keras_core import Component, ComponentError, EndOfStream, RunReport, System
from like_keras_core.runtime.host.record_buffer import ROW

COUNT = 2 * ROW + 6


class Count(Component):
    """Sends the number of the tick."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 0

    def forward(self) -> int:
        self.next += 1
        return self.next - 1


class Pass(Component):
    """Passes on what it is given, in a list; at one tick it raises or is silent."""

    def __init__(self, tick: int, raises: type[Exception] | None) -> None:
        super().__init__()
        self.tick, self.raises = tick, raises

    def forward(self, x: Any) -> Any:
        number = x if isinstance(x, int) else x[0]
        if number == self.tick and self.raises is not None:
            raise self.raises
        return None if number == self.tick else [number]


def chain(place: int, raises: type[Exception] | None) -> System:
    """Return a chain whose component at `place` does it at tick 2."""
    passes = [Pass(2 if n == place else -1, raises) for n in range(1, COUNT)]
    return System([Count(), *passes])


def ticks(report: RunReport | None) -> list[list[int]]:
    """Return the ticks of each port's records, whose values are the same numbers."""
    assert report is not None
    records = report.records
    for pairs in records.values():
        assert all(value in (t, [t]) for t, value in pairs)
    return [[t for t, _ in pairs] for pairs in records.values()]


PLACES = [1, 2, ROW - 1, ROW, ROW + 1, 2 * ROW - 1, 2 * ROW, COUNT - 1]


@pytest.mark.parametrize("place", PLACES)
def test_what_was_sent_before_an_error_is_recorded(place: int) -> None:
    """In its tick, of all components before it, in whichever row they are."""
    with pytest.raises(ComponentError) as caught:
        chain(place, ValueError).run(6, record="all")

    found = ticks(caught.value.report)
    assert found == [[0, 1, 2]] * place + [[0, 1]] * (COUNT - place)


@pytest.mark.parametrize("place", PLACES)
def test_the_tick_of_an_end_is_not_recorded(place: int) -> None:
    """Though some components had fired."""
    report = chain(place, EndOfStream).run(6, record="all")

    assert ticks(report) == [[0, 1]] * COUNT


@pytest.mark.parametrize("place", PLACES)
def test_silence_leaves_a_gap_from_there_on(place: int) -> None:
    """The values of other ticks keep their places."""
    report = chain(place, None).run(4, record="all")

    expected = [[0, 1, 2, 3]] * place + [[0, 1, 3]] * (COUNT - place)
    assert ticks(report) == expected


def test_an_error_after_a_full_row_adds_nothing_to_it() -> None:
    """Where nobody else is recorded, the row waits for the end of the tick."""
    system = chain(COUNT - 1, ValueError)
    names = [component.name for component in system.to_spec().components]
    recorded = [f"{name}.output" for name in names[:ROW]]

    with pytest.raises(ComponentError) as caught:
        system.run(6, record=recorded)

    assert ticks(caught.value.report) == [[0, 1, 2]] * ROW
