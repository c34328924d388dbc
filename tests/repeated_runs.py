"""Runs whose clocks decide: what they must have given, and the same again elsewhere."""

from __future__ import annotations

import random

from like_keras_core.graph.choices import Choices, pairs_in, ticks_in
from tests import oracle
from tests.simulation import Outcome, Simulation
from tests.splits import Split, differences_from_definition


def plain(choices: Choices) -> oracle.Choices:
    """Return what a run decided as the definitions take it."""
    return oracle.Choices(
        skipped={name: {*ticks_in(runs)} for name, runs in choices.skipped.items()},
        took={name: dict(pairs_in(runs)) for name, runs in choices.took.items()},
        due={name: dict(pairs_in(runs)) for name, runs in choices.due.items()},
        ended=dict(choices.ended),
    )


def moved(system: Split, seed: int) -> Split:
    """Return a system with its components on other nodes."""
    dice = random.Random(seed)
    return Split(system.plan, tuple(dice.choice("XYZ") for _ in system.nodes))


def repeated(
    system: Split, outcome: Outcome, seed: int, ticks: int | None = None
) -> Outcome:
    """Run a system again, elsewhere, by what another run has decided."""
    simulation = Simulation(
        system.spec(),
        system.components(),
        outcome.ticks if ticks is None else ticks,
        seed=seed,
        window=1 + seed % 2,
        run_ahead=(1, 4, 32)[seed % 3],
        choices=Choices.from_dict(outcome.choices.to_dict()),
    )
    return simulation.run()


def unlike(system: Split, outcome: Outcome, expected: oracle.Outcome) -> list[str]:
    """List differences, but for how the run was ended: that is no choice."""
    found = differences_from_definition(outcome, system, expected)
    return [line for line in found if not line.startswith(("error:", "ended_by:"))]
