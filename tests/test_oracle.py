"""The oracle itself: tables that were written by hand, tick by tick."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from like_keras_core import EndOfStream
from tests.oracle import Choices, Feed, Outcome, Part, evaluate

Cells = list[tuple[int, Any]]


def part(
    address: str,
    *feeds: Feed,
    ends_at: int = -1,
    fails_at: int = -1,
    **options: Any,
) -> Part:
    """Return a part that sends its number of firings, and its inputs if it has any."""

    def compute(firing: int, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        if firing == ends_at:
            raise EndOfStream
        if firing == fails_at:
            raise ValueError("as planned")
        return {"output": (firing, *inputs.values()) if inputs else firing}

    named = {f"in{n}": feed for n, feed in enumerate(feeds)}
    return Part(address=address, feeds=named, compute=compute, **options)


def sync(address: str) -> Feed:
    """Return a sync input."""
    return Feed(source=f"{address}.output")


def hold(address: str) -> Feed:
    """Return a hold input."""
    return Feed(source=f"{address}.output", policy="hold")


def delayed(address: str, initial: Any = None) -> Feed:
    """Return an input with a delay."""
    return Feed(source=f"{address}.output", initial=(initial,))


def row(outcome: Outcome, address: str) -> Cells:
    """Return what a part has sent."""
    return outcome.records[f"{address}.output"]


@pytest.mark.parametrize(
    ("every", "ticks"),
    [
        (1, [0, 1, 2, 3]),
        (3, [0, 3, 6, 9]),
        (Fraction(20, 3), [0, 7, 14, 20, 27, 34, 40]),
        (Fraction(7, 2), [0, 4, 7, 11, 14]),
        (Fraction(3, 2), [0, 2, 3, 5, 6]),
    ],
)
def test_every_is_rounded_up_to_ticks(every: int | Fraction, ticks: list[int]) -> None:
    """A source of 30 Hz in a system of 200 Hz fires at 0, 7, 14, 20, ..."""
    outcome = evaluate([part("a", every=every)], ticks[-1] + 1)

    assert [tick for tick, _ in row(outcome, "a")] == ticks


def test_a_source_that_takes_ticks_fires_back_to_back() -> None:
    """It is free again at the tick of its results, and begins at once."""
    outcome = evaluate([part("a", takes=3)], 10)

    assert row(outcome, "a") == [(3, 0), (6, 1), (9, 2)]
    assert (outcome.fired["a"], outcome.absent["a"]) == (3, 7)


def test_a_sync_input_is_not_kept_while_its_component_is_busy() -> None:
    """What comes meanwhile does not fire it; the value at which it is free does."""
    outcome = evaluate([part("a"), part("b", sync("a"), takes=3)], 10)

    assert row(outcome, "b") == [(3, (0, 0)), (6, (1, 3)), (9, (2, 6))]
    assert outcome.received["b"] == [{"in0": 0}, {"in0": 3}, {"in0": 6}]


def test_a_held_input_is_what_is_newest_when_its_component_is_free() -> None:
    """Here a value of a tick at which it was busy."""
    parts = [part("a", every=2), part("b", hold("a"), takes=3)]

    outcome = evaluate(parts, 10)

    assert row(outcome, "b") == [(3, (0, 0)), (6, (1, 1)), (9, (2, 3))]


def test_every_of_a_component_that_is_busy_passes() -> None:
    """It begins at the next tick at which it is both due and free."""
    outcome = evaluate([part("a", every=5, takes=8)], 30)

    assert row(outcome, "a") == [(8, 0), (18, 1), (28, 2)]


def test_results_come_before_firings() -> None:
    """Whoever is first in the order reads them in their tick nevertheless."""
    outcome = evaluate([part("a", hold("b")), part("b", takes=1)], 4)

    assert row(outcome, "a") == [(0, (0, None)), (1, (1, 0)), (2, (2, 1)), (3, (3, 2))]


def test_a_delay_adds_its_tick() -> None:
    """What comes at 2 is read at 3."""
    outcome = evaluate([part("a", takes=2), part("b", delayed("a", "no"))], 5)

    inputs = [values["in0"] for values in outcome.received["b"]]
    assert inputs == ["no", "no", "no", 0, 0]


def test_a_component_that_takes_ticks_breaks_a_cycle() -> None:
    """With a held input there is a first firing."""
    parts = [part("a", hold("b")), part("b", sync("a"), takes=2)]

    outcome = evaluate(parts, 5)

    assert row(outcome, "b") == [(2, (0, (0, None))), (4, (1, (2, (0, (0, None)))))]


def test_a_cycle_of_sync_inputs_never_fires() -> None:
    """There is no first value."""
    outcome = evaluate([part("a", sync("b")), part("b", sync("a"), takes=2)], 5)

    assert outcome.fired == {"a": 0, "b": 0}


def test_an_error_belongs_to_the_tick_of_the_results() -> None:
    """It counts what is before its place, which is before all firings."""
    parts = [part("a"), part("b", takes=3, fails_at=1), part("c", takes=2)]

    outcome = evaluate(parts, 10)

    assert outcome.error is not None
    assert outcome.error[1:] == ("b", 6)
    assert outcome.iterations == 6
    assert outcome.fired == {"a": 6, "b": 1, "c": 2}
    assert outcome.absent == {"a": 0, "b": 5, "c": 4}


@pytest.mark.parametrize(("first", "fired"), [(True, 3), (False, 2)])
def test_results_of_a_tick_count_in_the_execution_order(
    first: bool, fired: int
) -> None:
    """What comes before the error in the order counts, what comes after it does not."""
    failing, other = part("bad", takes=3, fails_at=1), part("good", takes=2)

    outcome = evaluate([other, failing] if first else [failing, other], 10)

    assert (outcome.iterations, outcome.fired["good"]) == (6, fired)


def test_an_end_of_stream_counts_nothing_of_its_tick() -> None:
    """Not even results that came before it."""
    parts = [part("good", takes=2), part("last", takes=3, ends_at=1)]

    outcome = evaluate(parts, 10)

    assert (outcome.ended_by, outcome.iterations) == ("end of stream", 6)
    assert outcome.fired == {"good": 2, "last": 1}


def test_a_firing_that_is_due_at_the_end_does_not_count() -> None:
    """Its error is dropped with it."""
    outcome = evaluate([part("a", takes=3, fails_at=1)], 6)

    assert (outcome.ended_by, outcome.fired["a"]) == ("iterations", 1)


def test_a_skipped_tick_is_one_at_which_a_component_is_absent() -> None:
    """What a sync input fires from it is absent, too; the firings count on."""
    choices = Choices(skipped={"a": [1, 2]})

    outcome = evaluate([part("a"), part("b", sync("a"))], 5, choices)

    assert row(outcome, "a") == [(0, 0), (3, 1), (4, 2)]
    assert outcome.absent == {"a": 2, "b": 2}


def test_a_value_that_was_taken_is_that_of_an_earlier_tick() -> None:
    """Or none, as before the first one."""
    choices = Choices(took={"b.in0": {0: -1, 2: 1, 3: 1}})

    outcome = evaluate([part("a"), part("b", hold("a"))], 5, choices)

    inputs = [values["in0"] for values in outcome.received["b"]]
    assert inputs == [None, 1, 1, 1, 4]


def test_a_delay_may_take_an_older_value_or_its_initial_one() -> None:
    """As late as the choice says; never that of its own tick."""
    choices = Choices(took={"b.in0": {1: -1, 2: 0, 3: 0}})

    outcome = evaluate([part("a"), part("b", delayed("a", 9))], 5, choices)

    inputs = [values["in0"] for values in outcome.received["b"]]
    assert inputs == [9, 9, 0, 0, 3]

    with pytest.raises(AssertionError, match="later tick"):
        evaluate(
            [part("a"), part("b", delayed("a", 9))],
            5,
            Choices(took={"b.in0": {2: 2}}),
        )


def test_a_late_result_comes_at_the_tick_that_was_chosen() -> None:
    """Its component is free again only then."""
    outcome = evaluate([part("a", takes=2)], 10, Choices(due={"a": {2: 7}}))

    assert row(outcome, "a") == [(2, 0), (7, 1), (9, 2)]


def test_what_has_ended_a_run_is_absent_from_then_on() -> None:
    """The other components go on to the end, which the number of ticks says."""
    parts = [part("a", fails_at=2), part("b", takes=2, ends_at=1), part("c")]
    choices = Choices(ended={"a": 2, "b": 4})

    outcome = evaluate(parts, 6, choices)

    assert outcome.ended_by == "iterations"
    assert outcome.fired == {"a": 2, "b": 1, "c": 6}
