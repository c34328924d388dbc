"""Drawn systems whose clocks decide: the table of their choices, also elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.example_counts import share_of
from tests.repeated_runs import moved, plain, repeated, unlike
from tests.simulation import Simulation
from tests.splits import Split, defined, differences_from_definition, splits

SCHEDULES = {
    "system": splits(latest=True),
    "iterations": st.integers(0, 14),
    "stop_after": st.one_of(st.none(), st.none(), st.integers(0, 300)),
    "seed": st.integers(0, 2**32),
    "window": st.sampled_from([1, 1, 2, 3, 8]),
    "run_ahead": st.sampled_from([1, 2, 16]),
}


def few(examples: int) -> Any:
    """Return settings for so many examples, always the same ones."""
    return settings(
        max_examples=share_of(examples),
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )


def check(
    system: Split,
    iterations: int,
    stop_after: int | None,
    *,
    skips: bool,
    seed: int,
    **options: Any,
) -> None:
    """Compare a run with the definitions, and with one elsewhere that repeats it."""
    simulation = Simulation(
        system.spec(),
        system.components(),
        iterations,
        seed=seed,
        skips=skips,
        **options,
    )
    outcome = simulation.run(stop_after)
    note(f"{outcome.cut} after {simulation.turns} turns, {outcome.choices}")
    ticks = outcome.ticks if skips else outcome.comparable(iterations)
    expected = defined(system, ticks, plain(outcome.choices))

    found = unlike(system, outcome, expected)
    if not skips:
        found = differences_from_definition(outcome, system, expected)
    assert found == []
    other = moved(system, seed)
    again = repeated(other, outcome, seed, ticks)
    assert unlike(other, again, expected) == []


@pytest.mark.timeout(600)
@few(60)
@given(**SCHEDULES)
def test_a_run_that_skips_is_the_table_of_its_choices(**drawn: Any) -> None:
    """Whatever was late, and whoever took what."""
    check(**drawn, skips=True)


@pytest.mark.timeout(600)
@few(60)
@given(**SCHEDULES)
def test_what_latest_took_is_all_that_a_run_that_waits_decides(**drawn: Any) -> None:
    """Everything else is as it is without a clock."""
    check(**drawn, skips=False)
