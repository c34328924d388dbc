"""Runs of small systems under many schedules, and the first thing wrong with one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from like_keras_core import SystemSpec
from tests import oracle
from tests.links import Faults
from tests.simulation import Outcome, Simulation
from tests.splits import (
    Alone,
    Split,
    alone,
    defined,
    differences,
    differences_from_definition,
    split,
)

BAD = Faults(
    drop=0.2,
    duplicate=0.1,
    reorder=0.2,
    jitter_s=0.005,
    size_max=100,
    max_frame=100,
    chunk_window=2,
)

Watch = Callable[[Simulation], object]


@cache
def read(text: str) -> tuple[Split, SystemSpec]:
    """Return a system, and its spec."""
    system = split(text)
    return system, system.spec()


@cache
def single(text: str, iterations: int) -> Alone:
    """Return what the single host gives."""
    return alone(read(text)[0], iterations)


@cache
def by_definition(text: str, iterations: int) -> oracle.Outcome:
    """Return what the oracle gives."""
    return defined(read(text)[0], iterations)


def runs(
    text: str,
    iterations: int | None = 6,
    *,
    seeds: int = 48,
    windows: tuple[int, ...] = (1, 2, 8),
    run_aheads: tuple[int, ...] = (1, 2, 5, 256),
    stops: bool = False,
    faults: Faults | None = None,
    watch: Watch | None = None,
) -> Iterator[Outcome]:
    """Simulate a system under many schedules, windows and run-ahead limits.

    Args:
        text: The system, as `tests.splits` reads it.
        iterations: How many ticks; None until stopped.
        seeds: How many schedules.
        windows: Values in flight on a connection: each in turn.
        run_aheads: Ticks that a host may be ahead: each in turn.
        stops: Whether to stop at a random turn.
        faults: What the transport under flow does.
        watch: Called after each turn.
    """
    system, spec = read(text)
    for seed in range(seeds):
        simulation = Simulation(
            spec,
            system.components(),
            iterations,
            seed=seed,
            window=windows[seed % len(windows)],
            run_ahead=run_aheads[seed // len(windows) % len(run_aheads)],
            faults=faults,
            watch=watch,
        )
        yield simulation.run(random.Random(seed).randrange(99) if stops else None)


def trouble(text: str, iterations: int | None = 6, **options: Any) -> str:
    """Return the first deadlock or difference from the single host; or nothing.

    A difference from the definition is one, too, where nothing was taken by luck.
    """
    try:
        for outcome in runs(text, iterations, **options):
            ticks = outcome.comparable(iterations)
            found = differences(outcome, single(text, ticks))
            found += differences_from_definition(
                outcome, read(text)[0], by_definition(text, ticks)
            )
            if found:
                return "\n".join(found)
    except AssertionError as error:
        return f"{type(error).__name__}: {error}"
    return ""
