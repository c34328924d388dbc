"""The same work done by other frameworks, each used as well as its own manual teaches.

The work is one of two shapes. A `chain` is `count` components that add one. A `wide`
graph is a source that adds one, `count` branches that add one, and a component that
adds the branches up. All runs in this process; building the graph is not timed.

A peer that is not installed is left out, and said to be. Run it with
`python benchmarks/peers.py [--count N] [--rounds N]`.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

Peer = Callable[[str, int], float]
BUDGET_S = 0.25


class Increment:
    """The smallest component there is: it adds one."""

    def forward(self, x: int) -> int:
        return x + 1


def peers() -> dict[str, Peer]:
    """Return every peer by name, installed or not.

    A peer is called with a shape, `chain` or `wide`, and the number of components, or
    of branches. It checks its result and returns the seconds per component call.
    Calling one that is not installed raises ModuleNotFoundError.
    """
    return {
        "hamilton": run_hamilton,
        "reactivex": run_reactivex,
        "ezmsg": run_ezmsg,
        "dask": run_dask,
    }


def is_installed(name: str) -> bool:
    """Say whether a peer can be imported, without importing it."""
    return find_spec(name) is not None


def calls_per_tick(shape: str, count: int) -> int:
    """Count the component calls of one tick."""
    if shape not in ("chain", "wide"):
        raise ValueError(f"A shape is 'chain' or 'wide', not {shape!r}.")
    return count if shape == "chain" else count + 2


def expected(shape: str, count: int, tick: int) -> int:
    """Return what the last component gives at `tick`."""
    return tick + count if shape == "chain" else count * (tick + 2)


def check(shape: str, count: int, tick: int, received: object) -> None:
    """Refuse to time a graph that computes something else."""
    wanted = expected(shape, count, tick)
    if received != wanted:
        raise AssertionError(f"{shape} {count}: {wanted} expected, {received!r} given")


def time_steps(step: Callable[[int], object], calls: int) -> float:
    """Call `step` at tick after tick; return the seconds per component call."""
    step(0)
    start = perf_counter()
    for tick in itertools.count(1):
        step(tick)
        passed = perf_counter() - start
        if passed > BUDGET_S:
            return passed / (tick * calls)
    raise AssertionError("itertools.count() ended")


def run_hamilton(shape: str, count: int) -> float:
    """Hamilton: one function per component in one module, and one driver kept.

    The driver has no adapter beyond its defaults, and `execute` is asked for the last
    node alone, which is the fastest way that is public and not deprecated. It walks the
    graph by recursion: a chain of a thousand needs a higher recursion limit.
    """
    os.environ.setdefault("HAMILTON_TELEMETRY_ENABLED", "false")
    from hamilton import ad_hoc_utils, driver

    size = calls_per_tick(shape, count)
    if shape == "chain":
        names = ["tick", *(f"c{index}" for index in range(count))]
        lines = [
            f"def {name}({before}: int) -> int: return {before} + 1"
            for before, name in itertools.pairwise(names)
        ]
    else:
        branches = [f"b{index}" for index in range(count)]
        parameters = ", ".join(f"{name}: int" for name in branches)
        lines = [
            "def source(tick: int) -> int: return tick + 1",
            *(
                f"def {each}(source: int) -> int: return source + 1"
                for each in branches
            ),
            f"def total({parameters}) -> int: return sum(({', '.join(branches)},))",
        ]
        names = ["source", *branches, "total"]
    namespace: dict[str, object] = {}
    exec("\n".join(lines), namespace)
    module = ad_hoc_utils.create_temporary_module(
        *(namespace[name] for name in names if name != "tick")
    )
    built = driver.Builder().with_modules(module).build()
    last = [names[-1]]

    def step(tick: int) -> object:
        return built.execute(last, inputs={"tick": tick})[last[0]]

    check(shape, count, 7, step(7))
    return time_steps(step, size)


def run_reactivex(shape: str, count: int) -> float:
    """ReactiveX: one cold observable piped through `map`, pushed from an iterable.

    Subscribing runs everything at once, with no scheduler and no lock between the
    operators; a Subject would be slower. The wide graph shares its source with
    `publish` and joins with `with_latest_from`, five times faster than `zip` and right
    here, since the branch that triggers is the last to be served.
    """
    import reactivex
    from reactivex import operators

    size = calls_per_tick(shape, count)
    maps = [operators.map(Increment().forward) for _ in range(count)]

    def run(ticks: int) -> float:
        seen: list[int] = []
        source = reactivex.from_iterable(range(ticks))
        if shape == "chain":
            start = perf_counter()
            source.pipe(*maps).subscribe(seen.append)
        else:
            shared = source.pipe(
                operators.map(Increment().forward), operators.publish()
            )
            branches = [shared.pipe(each) for each in maps]
            joined = reactivex.with_latest_from(branches[-1], *branches[:-1])
            joined.pipe(operators.map(sum)).subscribe(seen.append)
            start = perf_counter()
            shared.connect()
        passed = perf_counter() - start
        if len(seen) != ticks:
            raise AssertionError(f"{ticks} results expected, {len(seen)} given")
        check(shape, count, ticks - 1, seen[-1])
        return passed

    once = run(10) / 10
    ticks = max(10, int(BUDGET_S / once))
    return run(ticks) / (ticks * size)


def run_ezmsg(shape: str, count: int) -> float:
    """Ezmsg: one unit per component, all in one process, messages handed over locally.

    Timed in the steady state, after the first fifth of the messages, so that neither
    starting the graph server nor filling the buffers counts. The units run ahead of one
    another as far as their buffers allow, which is its best throughput. The wide
    graph's last unit counts its messages instead of matching their ticks.
    """
    import ezmsg.core as ez

    size = calls_per_tick(shape, count)
    ticks = max(100, 20_000 // size)
    each = 1 if shape == "chain" else count
    offset = 0 if shape == "chain" else 1
    first, last = ticks // 5 * each, ticks * each
    stamps: dict[int, float] = {}
    total = 0

    class Source(ez.Unit):  # type: ignore[misc]
        OUTPUT = ez.OutputStream(int)

        @ez.publisher(OUTPUT)
        async def send(self):
            for tick in range(ticks):
                yield self.OUTPUT, tick + offset

    class Add(ez.Unit):  # type: ignore[misc]
        INPUT = ez.InputStream(int)
        OUTPUT = ez.OutputStream(int)

        @ez.subscriber(INPUT)
        @ez.publisher(OUTPUT)
        async def forward(self, x):
            yield self.OUTPUT, x + 1

    class Sink(ez.Unit):  # type: ignore[misc]
        INPUT = ez.InputStream(int)

        async def initialize(self):
            self.seen = 0

        @ez.subscriber(INPUT)
        async def take(self, x):
            nonlocal total
            total += x
            self.seen += 1
            if self.seen in (first, last):
                stamps[self.seen] = perf_counter()
            if self.seen == last:
                raise ez.NormalTermination

    logging.getLogger("ezmsg").setLevel(logging.ERROR)
    source, sink = Source(), Sink()
    adds = [Add() for _ in range(count)]
    if shape == "chain":
        units: list[Any] = [source, *adds, sink]
        pairs = [(one.OUTPUT, two.INPUT) for one, two in itertools.pairwise(units)]
    else:
        pairs = [(source.OUTPUT, add.INPUT) for add in adds]
        pairs += [(add.OUTPUT, sink.INPUT) for add in adds]
    ez.run(
        components={
            "SOURCE": source,
            "SINK": sink,
            **{f"ADD{index}": add for index, add in enumerate(adds)},
        },
        connections=pairs,
        force_single_process=True,
    )
    wanted = sum(expected(shape, count, tick) for tick in range(ticks))
    if total != wanted:
        raise AssertionError(f"{shape} {count}: {wanted} expected, {total} given")
    return (stamps[last] - stamps[first]) / ((last - first) / each * size)


def run_dask(shape: str, count: int) -> float:
    """Dask: a graph of `delayed` calls built once, given to the synchronous scheduler.

    `dask.get`, which is `get_sync`, on a graph that is kept skips what `compute` would
    do again at each tick; the source counts its own calls, so that the graph never has
    to change. That is four times faster than building and computing one graph per tick.
    """
    from dask.delayed import delayed
    from dask.local import get_sync

    size = calls_per_tick(shape, count)
    ticks = itertools.count(0 if shape == "chain" else 1)
    nodes = [delayed(Increment().forward, pure=False) for _ in range(count)]
    if shape == "chain":
        nodes[0] = delayed(lambda: next(ticks) + 1, pure=False)
        final = nodes[0]()
        for node in nodes[1:]:
            final = node(final)
    else:
        source = delayed(lambda: next(ticks), pure=False)()
        final = delayed(sum, pure=False)([node(source) for node in nodes])
    graph, key = dict(final.__dask_graph__()), final.key

    def step(tick: int) -> object:
        return get_sync(graph, key)

    for tick in range(3):
        check(shape, count, tick, step(tick))
    return time_steps(step, size)


def main() -> None:
    """Print each installed peer next to the floor, chain and wide."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from benchmarks.floor import compare, floors, to_table

    present = {name: peer for name, peer in peers().items() if is_installed(name)}
    print(f"Python {platform.python_version()}")
    for shape in ("chain", "wide"):
        candidates = {"loop": floors(shape, options.count)["loop"]}
        for name, peer in present.items():
            candidates[name] = partial(peer, shape, options.count)
        rows = compare(candidates, floor="loop", rounds=options.rounds)
        between = f"1-{options.count}-1" if shape == "wide" else f"of {options.count}"
        print(f"\n{to_table(f'{shape} {between}', rows)}")
    for name in peers():
        if name not in present:
            print(f"\n{name}: not installed")


if __name__ == "__main__":
    main()
