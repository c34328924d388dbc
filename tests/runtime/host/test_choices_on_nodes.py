"""Tests of runs whose clocks decide, repeated on other hosts with what they decided."""

from __future__ import annotations

import random
from typing import Any

import pytest

from like_keras_core import Node, System
from like_keras_core.graph.choices import Choices
from like_keras_core.runtime.host.single_host import SingleHost
from tests.runtime.host.test_takes_on_nodes import drawn
from tests.simulation import Outcome, Simulation
from tests.workers import SimulatedWorker


def loose(seed: int) -> System:
    """Draw a system in which some inputs take whatever came last."""
    system = drawn(seed)
    dice = random.Random(seed + 1)
    for component in system.components:
        for port in component.inputs:
            if port.policy == "hold" and dice.random() < 0.6:
                port.policy = "latest"
    return system


def simulated(
    system: System,
    seed: int,
    iterations: int,
    stop_after: int | None = None,
    **options: Any,
) -> Outcome:
    """Run a system on hosts that a scheduler draws."""
    dice = random.Random(seed)
    lowered = system.lower()
    run = Simulation(
        lowered.spec,
        lowered.components,
        iterations,
        seed=seed,
        window=dice.choice([1, 2, 4]),
        run_ahead=dice.choice([1, 4, 32]),
        **options,
    )
    return run.run(stop_after)


def repeated(system: System, choices: Choices, ticks: int) -> SingleHost:
    """Run a system on one host with what another run decided."""
    lowered = system.lower()
    host = SingleHost(
        lowered.spec,
        lowered.components,
        record="all",
        choices=choices,
        worker=SimulatedWorker,
    )
    host.configure()
    host.activate()
    host.note(host.run(ticks))
    host.deactivate()
    host.shutdown()
    return host


def moved(system: System, seed: int) -> System:
    """Place the components of a system on other nodes."""
    dice = random.Random(seed)
    nodes = [Node(f"m{i}") for i in range(3)]
    for component in system.components:
        component.node = dice.choice(nodes)
    return system


def check(seed: int, *, skips: bool) -> Choices:
    """Run a system, and repeat it on one host and on others."""
    dice = random.Random(seed)
    iterations = dice.randint(1, 25)
    stop_after = dice.choice([None, None, None, 30, 80])
    outcome = simulated(loose(seed), seed, iterations, stop_after, skips=skips)
    choices = Choices.from_dict(outcome.choices.to_dict())
    ticks = outcome.ticks if skips else outcome.comparable(iterations)

    host = repeated(loose(seed), choices, ticks)
    report = host.report("single")
    assert dict(host.recorded()) == outcome.records, choices
    for name, item in report.components.items():
        assert (item.fired, item.absent) == outcome.components[name], (name, choices)
    for connection, carried in report.connections.items():
        source = connection.partition(" -> ")[0]
        assert carried.messages == outcome.messages[source], connection

    again = simulated(moved(loose(seed), seed), seed + 1, ticks, choices=choices)
    assert again.records == outcome.records, choices
    return choices


@pytest.mark.parametrize("skips", [False, True], ids=["wait", "skip"])
@pytest.mark.parametrize("start", range(0, 200, 20))
def test_a_run_is_repeated_by_what_its_clocks_decided(start: int, skips: bool) -> None:
    """On one host, and on others with other windows and another scheduler."""
    for seed in range(start, start + 20):
        check(seed, skips=skips)
