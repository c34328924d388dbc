"""How long it takes to lower, check and schedule a system, and how that grows.

A chain, and a grid in which each component joins two others, at 1,000 and 10,000
components. The last column is the growth from 1,000, divided by that of n log n: 1 is
as fast as promised.

Run it with `python benchmarks/lowering.py`.
"""

from __future__ import annotations

import gc
import math
import platform
from time import process_time

from like_keras_core import Component, System
from like_keras_core.graph.checks import check
from like_keras_core.issue import errors_in
from like_keras_core.runtime.host.single_host import SingleHost

LIMIT_S = 2.0


class Source(Component):
    def forward(self) -> int:
        return 1


class Increment(Component):
    def forward(self, x: int) -> int:
        return x + 1


class Add(Component):
    def forward(self, a: int, b: int) -> int:
        return a + b


def chain(count: int) -> System:
    """Return a source and `count - 1` components in a row."""
    return System([Source(), *(Increment() for _ in range(count - 1))])


def grid(count: int) -> System:
    """Return components that each join the one before and the one before that."""
    components: list[Component] = [Source(), Source()]
    ports = [component.outputs.output for component in components]
    for _ in range(count - 2):
        component = Add()
        ports.append(component(ports[-1], ports[-2]))
        components.append(component)
    return System(components)


def seconds(system: System) -> dict[str, float]:
    """Return the processor time of each stage [s]."""
    gc.collect()
    stamps = [process_time()]
    lowered = system.lower()
    stamps.append(process_time())
    if errors_in(check(lowered.spec)):
        raise AssertionError("the system is sound")
    stamps.append(process_time())
    SingleHost(lowered.spec, lowered.components).configure()
    stamps.append(process_time())
    names = ("lower", "check", "schedule")
    taken = {
        name: after - before
        for name, before, after in zip(names, stamps, stamps[1:], strict=False)
    }
    return {**taken, "total": stamps[-1] - stamps[0]}


def main() -> None:
    """Print a table, and fail where the limit is passed."""
    print(f"Python {platform.python_version()}; processor time [s], best of 3")
    print("                lower  check  schedule  total  growth / n log n")
    for make in (chain, grid):
        totals = {}
        for count in (1_000, 10_000):
            runs = [seconds(make(count)) for _ in range(3)]
            best = min(runs, key=lambda run: run["total"])
            totals[count] = best["total"]
            growth = totals[count] / totals[1_000]
            fair = count * math.log(count) / (1_000 * math.log(1_000))
            print(
                f"{make.__name__:<6}{count:>7,}  {best['lower']:6.3f} "
                f"{best['check']:6.3f}  {best['schedule']:8.3f} "
                f"{best['total']:6.3f}  {growth / fair:6.2f}"
            )
        if totals[10_000] > LIMIT_S:
            raise SystemExit(f"{make.__name__}: over {LIMIT_S} s")


if __name__ == "__main__":
    main()
