"""Tests of choices: in few numbers, as JSON, and of a part of a run."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from like_keras_core.graph.choices import (
    Choices,
    PairLog,
    PairTable,
    as_choices,
    overlaid,
    pairs_in,
    strangers,
    ticks_in,
)
from like_keras_core.report import RunReport

SOME = Choices(
    skipped={"motor": ((3, 2, 1), (9, 1, 1))},
    took={"motor.pose": ((2, 4, 1, 1, 1), (8, 3, 1, -1, 0))},
    due={"detector": ((4, 2, 10, 9, 10),)},
    ended={"camera": 12},
)

ticks = st.dictionaries(st.integers(0, 60), st.integers(-1, 60))


@given(ticks)
def test_ticks_are_found_in_their_runs(pairs: dict[int, int]) -> None:
    """With the ticks that belong to them, and no others."""
    runs = PairLog(sorted(pairs.items())).pairs()
    table = PairTable(runs)

    assert dict(pairs_in(runs)) == pairs
    assert {tick: table(tick) for tick in range(61)} == {
        tick: pairs.get(tick) for tick in range(61)
    }


def test_what_goes_on_the_same_way_takes_a_few_numbers() -> None:
    """A tick behind, however long; or the same value for many ticks."""
    behind = PairLog((tick, tick - 1) for tick in range(10_000))
    same = PairLog((tick, 7) for tick in range(8, 10_000))
    every_third = PairLog((tick, tick - 3) for tick in range(3, 9_000, 3))

    assert behind.pairs() == ((0, 10_000, 1, -1, 1),)
    assert same.pairs() == ((8, 9_992, 1, 7, 0),)
    assert every_third.pairs() == ((3, 2_999, 3, 0, 3),)


def test_choices_survive_json() -> None:
    """All kinds of them."""
    text = json.dumps(SOME.to_dict())

    assert Choices.from_dict(json.loads(text)) == SOME


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "Choices are report.choices, or an object with the fields skipped"),
        ({"skiped": {}}, "skipped, took, due, ended; got {'skiped': {}}."),
        ({"took": []}, "'took' of choices is not an object: []."),
        ({"skipped": {"a": 3}}, "'skipped' of 'a' in choices must be a list of runs"),
        ({"skipped": {"a": [[1, 2]]}}, "must have runs of 3 whole numbers; got [1, 2]"),
        ({"took": {"a.x": [[1, 2, 1, 0, True]]}}, "runs of 5 whole numbers"),
        ({"skipped": {"a": [[5, 1, 1], [4, 1, 1]]}}, "must have ascending runs"),
        ({"skipped": {"a": [[5, 0, 1]]}}, "runs of one tick or more"),
        ({"took": {"a.x": [[5, 9, 1, 3, -1]]}}, "of no tick below -1"),
        ({"took": {"a.x": [[5, 2, 1, 5, 2]]}}, "no value of a later tick"),
        ({"due": {"a": [[5, 3, 2, 7, 1], [19, 1, 1, 19, 0]]}}, "at later ticks than"),
        ({"ended": {"a": -1}}, "'ended' of 'a' in choices must be a tick, 0 or more"),
    ],
)
def test_what_is_wrong_with_choices_is_said(data: Any, said: str) -> None:
    """The part, what it must be, and what it is."""
    with pytest.raises(ValueError, match="choice") as caught:
        Choices.from_dict(data)

    assert said in str(caught.value)


def test_choices_are_taken_from_whatever_has_them() -> None:
    """A report, its JSON, or they themselves."""
    report = RunReport(engine="native", system="s", iterations=1, choices=SOME)

    given = [SOME, SOME.to_dict(), report, report.to_dict()]

    assert [as_choices("choices", item) for item in given] == [SOME] * 4
    with pytest.raises(ValueError, match="choices cannot be read"):
        as_choices("choices", "run.json")


def test_choices_that_were_made_by_hand_are_read_as_others_are() -> None:
    """So that no run waits for a value of the future."""
    made = Choices(took={"a.x": ((5, 2, 0, 4, 1),)})

    with pytest.raises(ValueError, match="ascending runs of one tick or more"):
        as_choices("choices", made)


def test_what_lies_beyond_the_end_is_left_out() -> None:
    """Each kind by the tick that it is of."""
    assert SOME.below(5) == Choices(
        skipped={"motor": ((3, 2, 1),)},
        took={"motor.pose": ((2, 3, 1, 1, 1),)},
        due={"detector": ((4, 1, 1, 9, 0),)},
    )


def test_a_part_of_a_run_counts_from_its_own_beginning() -> None:
    """What was taken of a tick before it is as if nothing had been sent."""
    assert SOME.moved(4, {"motor"}) == Choices(
        skipped={"motor": ((0, 1, 1), (5, 1, 1))},
        took={"motor.pose": ((0, 2, 1, -1, 1), (4, 3, 1, -1, 0))},
    )


def test_who_knows_better_is_believed() -> None:
    """Of two that say what an input took, the one above."""
    below, above = ((3, 5, 1, 2, 0),), ((4, 2, 1, 3, 0),)

    assert dict(pairs_in(overlaid(below, above))) == {3: 2, 4: 3, 5: 3, 6: 2, 7: 2}
    assert overlaid((), above) == above


def test_choices_of_another_system_name_what_is_not_there() -> None:
    """Components and inputs."""
    assert strangers(SOME, {"motor", "detector"}, {"motor.pose"}) == ["camera"]
    assert strangers(SOME, {"motor", "detector", "camera"}, ()) == ["motor.pose"]


def ticks_of(choices: Choices) -> tuple[dict[int, int], list[int]]:
    """Return what one input took, by tick, and when one component was left out."""
    took, skipped = choices.took.get("b.x", ()), choices.skipped.get("b", ())
    return dict(pairs_in(took)), list(ticks_in(skipped))


@pytest.mark.parametrize("seed", range(200))
def test_parts_are_those_that_ticks_one_by_one_give(seed: int) -> None:
    """Also where what an input took lies before the first tick of a part."""
    draw = random.Random(seed)
    took = {
        tick: min(tick, max(-1, draw.choice([tick - 2, 12 - tick, 2 * tick - 7, 3])))
        for tick in range(20)
        if draw.random() < 0.8
    }
    skipped = PairLog((tick, 0) for tick in took).ticks()
    whole = Choices(skipped={"b": skipped}, took={"b.x": PairLog(took.items()).pairs()})
    at = draw.randrange(25)

    below, moved = whole.below(at), whole.moved(at, {"b"})

    kept = {t: u for t, u in took.items() if t < at}
    assert ticks_of(below) == (kept, list(kept))
    assert below.took.get("b.x", ()) == PairLog(kept.items()).pairs()
    kept = {t - at: max(-1, u - at) for t, u in took.items() if t >= at}
    assert ticks_of(moved) == (kept, list(kept))
    for found in (below, moved):
        assert Choices.from_dict(found.to_dict()) == found


def test_the_length_of_a_run_costs_nothing() -> None:
    """A robot that went on for days has runs of a billion ticks."""
    days = 10**12
    whole = Choices(skipped={"b": ((0, days, 1),)}, took={"b.x": ((5, days, 1, 4, 1),)})

    assert whole.below(20).skipped == {"b": ((0, 20, 1),)}
    assert whole.moved(days, {"b"}).took == {"b.x": ((0, 5, 1, -1, 1),)}
