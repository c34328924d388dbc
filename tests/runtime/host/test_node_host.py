"""One meaning over many hosts: whatever the timing, the single host's results."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from like_keras_core.runtime.host import tentative_counts
from tests.example_counts import share_of
from tests.links import Faults
from tests.simulation import Simulation
from tests.splits import Split, alone, differences, split, splits

SCHEDULES = {
    "system": splits(),
    "iterations": st.one_of(st.integers(0, 14), st.none()),
    "stop_after": st.one_of(st.none(), st.none(), st.integers(0, 600)),
    "seed": st.integers(0, 2**32),
    "window": st.sampled_from([1, 1, 2, 3, 8]),
    "run_ahead": st.sampled_from([1, 2, 3, 16, 256]),
}


FAULTS = st.builds(
    Faults,
    drop=st.sampled_from([0.0, 0.01, 0.1, 0.3]),
    duplicate=st.sampled_from([0.0, 0.1, 0.3]),
    reorder=st.sampled_from([0.0, 0.1, 0.5]),
    jitter_s=st.sampled_from([0.0, 0.002, 0.05]),
    size_max=st.sampled_from([0, 8, 100, 400]),
    max_frame=st.sampled_from([None, 64, 100, 300]),
    chunk_window=st.sampled_from([1, 2, 5, 16]),
    coalesce_bytes=st.sampled_from([0, 100, 4096]),
    mark_every=st.sampled_from([1, 3, 8]),
    joins=st.booleans(),
)


@pytest.fixture(autouse=True, scope="module")
def every_absence_is_folded() -> Iterator[None]:
    """Let hosts forget at once at which ticks below the floor somebody was absent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tentative_counts, "KEPT", 0)
        yield


def few(examples: int) -> Any:
    """Return settings for so many examples, drawn however slowly.

    Those of every day are always the same ones; those that search never are.
    """
    return settings(
        max_examples=share_of(examples),
        deadline=None,
        derandomize=examples < 2000,
        suppress_health_check=list(HealthCheck),
    )


def check(
    system: Split,
    iterations: int | None,
    stop_after: int | None,
    *,
    window: int,
    run_ahead: int,
    **options: Any,
) -> None:
    """Compare a split run with the single host's.

    A run that would go on for ever is stopped.
    """
    if iterations is None and stop_after is None and not ends_soon(system):
        stop_after = 200
    simulation = Simulation(
        system.spec(),
        system.components(),
        iterations,
        window=window,
        run_ahead=run_ahead,
        **options,
    )

    outcome = simulation.run(stop_after)

    note(f"{outcome.cut} after {simulation.turns} turns")
    assert differences(outcome, alone(system, outcome.comparable(iterations))) == []
    assert outcome.most_waiting <= window
    is_planned = outcome.ended_by == "iterations"
    for component in system.spec().components:
        # A firing that has begun before the end may belong to a tick above it.
        most = (0 if is_planned else run_ahead) + (component.takes > 0)
        assert outcome.beyond[component.name] <= most


def ends_soon(system: Split) -> bool:
    """Say whether a system ends by itself, so that it may run without a number."""
    return alone(system, 40).report.ended_by != "iterations"


@pytest.mark.timeout(600)  # most of it for the search of the smallest that fails
@few(200)
@given(**SCHEDULES)
def test_a_split_run_equals_the_single_hosts(**drawn: Any) -> None:
    """Records, counts, inputs and the end, for any split and any interleaving."""
    check(**drawn)


@pytest.mark.timeout(600)
@few(100)
@given(**SCHEDULES, faults=FAULTS)
def test_a_split_run_over_a_bad_transport_equals_the_single_hosts(**drawn: Any) -> None:
    """Frames may be lost, doubled, swapped, cut and joined: nobody can tell."""
    check(**drawn)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@few(1500)
@given(**SCHEDULES)
def test_many_split_runs_equal_the_single_hosts(**drawn: Any) -> None:
    """As above, for more systems and schedules."""
    check(**drawn)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@few(500)
@given(**SCHEDULES, faults=FAULTS)
def test_many_runs_over_a_bad_transport_equal_the_single_hosts(**drawn: Any) -> None:
    """As above, over channels of flow."""
    check(**drawn)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(20))
def test_fifty_thousand_split_runs_equal_the_single_hosts(part: int) -> None:
    """As above, in parts: hypothesis remembers what it has tried, and slows down."""

    @seed(part)
    @few(2_500)
    @given(**SCHEDULES)
    def search(**drawn: Any) -> None:
        check(**drawn)

    search()


@pytest.mark.soak
@pytest.mark.timeout(3600)
@few(2_000)
@given(**SCHEDULES, faults=FAULTS)
def test_two_thousand_runs_over_a_bad_transport_equal_the_single_hosts(
    **drawn: Any,
) -> None:
    """As above, over channels of flow."""
    check(**drawn)


def test_a_host_that_was_shut_down_can_go() -> None:
    """Generated code refers to it, and cycles through code are never found."""
    system = split("c0@A, c1@B(c0), c2@A(c0, c1)")
    simulation = Simulation(
        system.spec(), system.components(), 3, seed=1, window=1, run_ahead=4
    )
    simulation.run()
    hosts = [weakref.ref(host) for host in simulation.hosts.values()]

    del simulation
    gc.collect()

    assert [host() for host in hosts] == [None, None]
