"""What plain Python takes for the work of a system, and how others compare with it.

A candidate is a function that does the work once and returns the seconds it took per
component call. `compare` runs several of them in turn, round after round, so that all
of them see the same machine; only the ratios within one call mean anything.

Run it with `python benchmarks/floor.py [--rounds N]`.
"""

from __future__ import annotations

import argparse
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import cast

Forward = Callable[[int], int]
Run = Callable[[int], int]
Candidate = Callable[[], float]


class Increment:
    """The smallest component there is: it adds one."""

    def forward(self, x: int) -> int:
        return x + 1


class Total:
    """The component that ends a wide graph: it adds up what the branches gave."""

    def forward(self, values: Sequence[int]) -> int:
        return sum(values)


def increments(count: int) -> list[Forward]:
    """Make `count` components and return their bound `forward` methods."""
    return [Increment().forward for _ in range(count)]


def chain_loop(forwards: Sequence[Forward]) -> Run:
    """Run a chain as a loop over its components: the floor."""

    def run(ticks: int) -> int:
        x = 0
        for tick in range(ticks):
            x = tick
            for forward in forwards:
                x = forward(x)
        return x

    return run


def chain_lines(forwards: Sequence[Forward]) -> Run:
    """Run a chain as one line per component, as if it had been written by hand."""
    names = [f"f{index}" for index in range(len(forwards))]
    lines = [f"x = {name}(x)" for name in names]
    return write_run(names, ["x = tick", *lines], forwards)


def wide_loop(branches: Sequence[Forward]) -> Run:
    """Run a source, its branches and their sum with a list comprehension: the floor."""
    source, total = Increment().forward, Total().forward

    def run(ticks: int) -> int:
        x = 0
        for tick in range(ticks):
            sent = source(tick)
            x = total([branch(sent) for branch in branches])
        return x

    return run


def wide_lines(branches: Sequence[Forward]) -> Run:
    """Run a source, its branches and their sum as one line per component."""
    names = [f"f{index}" for index in range(len(branches))]
    lines = [f"v{name} = {name}(sent)" for name in names]
    values = ", ".join(f"v{name}" for name in names)
    body = ["sent = source(tick)", *lines, f"x = total([{values}])"]
    ends: list[Callable[..., int]] = [Increment().forward, Total().forward]
    return write_run(["source", "total", *names], body, [*ends, *branches])


def write_run(
    names: Sequence[str], body: Sequence[str], functions: Sequence[Callable[..., int]]
) -> Run:
    """Make a function that does `body` at each tick, with `names` as its locals."""
    parameters = ", ".join(f"{name}={name}" for name in names)
    text = "\n".join(
        [
            f"def run(ticks, {parameters}):",
            "    x = 0",
            "    for tick in range(ticks):",
            *(f"        {line}" for line in body),
            "    return x",
        ]
    )
    namespace: dict[str, object] = dict(zip(names, functions, strict=True))
    exec(text, namespace)
    return cast(Run, namespace["run"])


def per_call(run: Callable[[int], object], *, calls: int, ticks: int) -> Candidate:
    """Make a candidate of `run`, which makes `calls` component calls at each tick."""

    def candidate() -> float:
        start = perf_counter()
        run(ticks)
        return (perf_counter() - start) / (ticks * calls)

    return candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One candidate's result.

    Args:
        name: The candidate's name.
        ns: Median of the rounds, per component call [ns].
        ratio: Median of the rounds' ratios to the floor.
    """

    name: str
    ns: float
    ratio: float


def compare(
    candidates: Mapping[str, Candidate], *, floor: str, rounds: int = 9
) -> list[Row]:
    """Run each candidate once a round, in turn and back, after a round to warm up.

    Args:
        candidates: What is compared, by name.
        floor: Which of them the others are divided by.
        rounds: How many rounds count; a round's ratio is to the floor of that round.
    """
    if floor not in candidates:
        given = ", ".join(candidates)
        raise ValueError(f"No candidate is named {floor!r}. Given: {given}.")
    for candidate in candidates.values():
        candidate()
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    order = list(candidates)
    for _ in range(rounds):
        for name in order:
            seconds[name].append(candidates[name]())
        order.reverse()
    return [
        Row(
            name=name,
            ns=statistics.median(taken) * 1e9,
            ratio=statistics.median(
                own / base for own, base in zip(taken, seconds[floor], strict=True)
            ),
        )
        for name, taken in seconds.items()
    ]


def to_table(title: str, rows: Sequence[Row]) -> str:
    """Write rows as aligned plain text, in their order."""
    width = max(len(title), *(len(row.name) for row in rows))
    lines = [f"{title:<{width}}  {'ns per call':>12}  {'x floor':>9}"]
    lines += [f"{r.name:<{width}}  {r.ns:12,.1f}  {r.ratio:9,.2f}" for r in rows]
    return "\n".join(lines)


def calls_at(shape: str, count: int) -> int:
    """Return how many component calls one tick of a shape makes."""
    sizes = {"chain": count, "wide": count + 2}
    if shape not in sizes:
        raise ValueError(f"A shape is 'chain' or 'wide', not {shape!r}.")
    return sizes[shape]


def floors(shape: str, count: int, *, calls: int = 100_000) -> dict[str, Candidate]:
    """Return the floors of one shape, `loop` and `lines`.

    Args:
        shape: `chain`, of `count` components; or `wide`, a source, `count` branches
            and the component that adds them up.
        count: How many components, or branches.
        calls: About how many component calls make one round.
    """
    forwards, size = increments(count), calls_at(shape, count)
    if shape == "chain":
        runs = chain_loop(forwards), chain_lines(forwards)
    else:
        runs = wide_loop(forwards), wide_lines(forwards)
    ticks = max(1, calls // size)
    return {
        name: per_call(run, calls=size, ticks=ticks)
        for name, run in zip(("loop", "lines"), runs, strict=True)
    }


def main() -> None:
    """Print the floors of three chains and one wide graph."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    print(f"Python {platform.python_version()}")
    for shape, count in (("chain", 10), ("chain", 100), ("chain", 1000), ("wide", 100)):
        title = f"{shape} of {count}" if shape == "chain" else f"wide 1-{count}-1"
        rows = compare(floors(shape, count), floor="loop", rounds=options.rounds)
        print(f"\n{to_table(title, rows)}")


if __name__ == "__main__":
    main()
