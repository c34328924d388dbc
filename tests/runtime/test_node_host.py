"""One meaning over many hosts: whatever the timing, the single host's results."""

import random
import warnings
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from like_keras_core import ComponentError, LkWarning, Node, System
from like_keras_core.testing import same
from simulation import Outcome, Simulation
from systems import Plan, plans


def without_latest(plan: Plan) -> Plan:
    """Return a system that holds where it took whatever came last."""
    return Plan(
        tuple(
            replace(
                member,
                wires=tuple(
                    wire
                    and replace(
                        wire, policy="hold" if wire.policy == "latest" else wire.policy
                    )
                    for wire in member.wires
                ),
            )
            for member in plan.members
        )
    )


def alone(system: System, iterations: int) -> dict[str, Any]:
    """Return what the single host gives."""
    error = None
    try:
        report = system.run(iterations, record="all")
    except ComponentError as raised:
        assert raised.report is not None
        report, error = raised.report, (raised.component, raised.tick)
    return {
        "error": error,
        "ticks": report.iterations,
        "components": {
            name: (item.fired, item.absent) for name, item in report.components.items()
        },
        "messages": {name: item.messages for name, item in report.connections.items()},
        "records": dict(report.records),
    }


def together(
    system: System, iterations: int | None, nodes: list[int], **options: Any
) -> tuple[Simulation, Outcome]:
    """Run a system split over hosts."""
    for component, node in zip(system.components, nodes, strict=False):
        component.node = Node(f"n{node}")
    lowered = system.lower()
    simulation = Simulation(lowered.spec, lowered.components, iterations, **options)
    return simulation, simulation.run()


def check(plan: Plan, nodes: list[int], iterations: int, **options: Any) -> None:
    """Compare a split run with the single host's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        expected = alone(plan.build(), iterations)
        system = plan.build()
        _, outcome = together(system, iterations, nodes, **options)

    assert outcome.error == expected["error"]
    assert outcome.cut.tick == expected["ticks"]
    assert outcome.components == expected["components"]
    for connection in system.to_spec().connections:
        assert (
            outcome.messages[connection.source] == expected["messages"][str(connection)]
        ), str(connection)
    assert outcome.records.keys() == expected["records"].keys()
    for address, values in expected["records"].items():
        assert same(outcome.records[address], values), address
    assert outcome.most_in_flight <= options["window"]


SPLITS = {
    "plan": plans().map(without_latest),
    "nodes": st.lists(st.integers(0, 5), min_size=20, max_size=20),
    "iterations": st.integers(0, 14),
    "seed": st.integers(0, 2**32),
    "window": st.sampled_from([1, 1, 2, 3, 8]),
    "run_ahead": st.sampled_from([1, 2, 3, 16, 256]),
}
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=300, deadline=None, suppress_health_check=QUIET)
@given(**SPLITS)
def test_a_split_run_equals_the_single_hosts(
    plan: Plan,
    nodes: list[int],
    iterations: int,
    seed: int,
    window: int,
    run_ahead: int,
) -> None:
    """Records, counts, messages and the end, for any split and any interleaving."""
    check(plan, nodes, iterations, seed=seed, window=window, run_ahead=run_ahead)
