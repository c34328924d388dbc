"""Systems on the dora engine that do what the programs in `_dora_by_hand.py` do."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from _dora_by_hand import (  # type: ignore[import-not-found]
    POOL,
    make,
    seen,
    template_of,
)

import like_keras_core as lk

WINDOW = 8


class Source(lk.Component):
    """Makes arrays."""

    def __init__(self, size: int, node: lk.Node | None = None) -> None:
        super().__init__(node=node)
        self.template, self.number = template_of(size), 0

    def forward(self) -> np.ndarray:
        """Return the next one."""
        self.number += 1
        made: np.ndarray = make(self.template, self.number - 1)
        return made


class Relay(lk.Component):
    """Passes arrays on."""

    def forward(self, array: np.ndarray) -> np.ndarray:
        """Return it."""
        return array


class Sink(lk.Component):
    """Measures how old arrays are, and when they come.

    Args:
        sleep_s: How long it takes for each [s].
        node: Where it runs.
    """

    def __init__(self, sleep_s: float = 0.0, node: lk.Node | None = None) -> None:
        super().__init__(node=node)
        self.sleep_s = sleep_s

    def forward(self, array: np.ndarray) -> tuple[float, float, int]:
        """Return the age [s], the time [s] and the number."""
        age_s, now, number = seen(array)
        if self.sleep_s:
            time.sleep(self.sleep_s)
        return age_s, now, number


class Clock(lk.Component):
    """Sends the time."""

    def forward(self) -> float:
        """Return it [s]."""
        return time.monotonic()


class Pass(lk.Component):
    """Passes numbers on."""

    def forward(self, stamp: float) -> float:
        """Return it."""
        return stamp


class Age(lk.Component):
    """Measures how old times are, and when they come."""

    def forward(self, stamp: float) -> tuple[float, float]:
        """Return the age [s] and the time [s]."""
        now = time.monotonic()
        return now - stamp, now


class Meter(lk.Component):
    """Measures how many times come a second.

    Args:
        count: How many there are.
        node: Where it runs.
    """

    def __init__(self, count: int, node: lk.Node | None = None) -> None:
        super().__init__(node=node)
        self.left, self.began = count, 0.0

    def forward(self, stamp: float) -> float | None:
        """Return how long all took since the first was sent [s], with the last one."""
        self.left -= 1
        self.began = self.began or stamp
        return None if self.left else time.monotonic() - self.began


def run(
    size: int,
    count: int,
    *,
    rate_hz: float = 0.0,
    window: int = WINDOW,
    relays: int = 0,
    sleep_s: float = 0.0,
    pool: int | None = POOL,
    is_fused: bool = False,
) -> tuple[np.ndarray, float]:
    """Run a chain; return what arrived, as by hand, and when it was started [s].

    Args:
        size: Of an array [byte].
        count: How many the source sends.
        rate_hz: Its pace; 0 is none.
        window: How many may be under way between two nodes.
        relays: How many nodes are between source and sink.
        sleep_s: How long the sink takes for each [s].
        pool: Each sending node's shared memory [byte]; None is what the engine takes.
        is_fused: Whether all of it is on one node.
    """
    names = ["source", *(f"relay{n}" for n in range(relays)), "sink"]
    options: dict[str, Any] = {"shared_memory_pool_size": pool} if pool else {}
    nodes = [lk.Node(name, **(options if name != "sink" else {})) for name in names]
    if is_fused:
        nodes = nodes[:1] * len(names)
    parts: list[lk.Component] = [Source(size, nodes[0])]
    parts += [Relay(names[n], node=nodes[n]) for n in range(1, relays + 1)]
    parts += [Sink(sleep_s, nodes[-1])]
    launch: dict[str, Any] = {"window": window, "record": ["sink.output"]}
    began = time.monotonic()
    report = lk.System(parts).launch(
        count, engine="dora", rate_hz=rate_hz or None, **launch
    )
    return np.array([row for _, row in report.records["sink.output"]]), began


def fused(
    size: int, count: int, *, rate_hz: float, relays: int
) -> tuple[np.ndarray, float]:
    """Run a chain of numbers on one node; return what arrived, as `run` does.

    Args:
        size: Of a number [byte]; 8.
        count: How many the source sends.
        rate_hz: Its pace; 0 is none.
        relays: How many components are between source and sink.
    """
    assert size == 8, "a number has 8 bytes"
    node = lk.Node("source")
    parts: list[lk.Component] = [Clock(node=node)]
    parts += [Pass(f"relay{n}", node=node) for n in range(relays)]
    parts += [Age(node=node)]
    began = time.monotonic()
    report = lk.System(parts).launch(
        count, engine="dora", rate_hz=rate_hz or None, record=["age.output"]
    )
    return np.array([row for _, row in report.records["age.output"]]), began


def burst(count: int) -> float:
    """Send numbers without a pace; return how many came a second.

    With a window of 256 a source that may be only 256 ticks ahead would wait for the
    launching process's word.
    """
    parts = [Clock(node=lk.Node("source")), Meter(count, lk.Node("sink"))]
    launch: dict[str, Any] = {"window": 256, "run_ahead": 2048}
    launch["record"] = ["meter.output"]
    report = lk.System(parts).launch(count, engine="dora", **launch)
    return count / float(report.records["meter.output"][0][1])
