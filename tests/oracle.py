"""What a run of a system must give, worked out the slow and obvious way.

Nothing here is shared with the runtime. The whole history of every output is kept, and
an input finds what it gets by the definition of its policy, in that history.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from like_keras_core import EndOfStream

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feed:
    """What a connected input is fed with, and how it takes it.

    Args:
        source: The address of an output.
        policy: `"sync"`, `"hold"` or `"latest"`.
        initial: A tuple of the delay's initial value; None where there is no delay.
    """

    source: str
    policy: str = "sync"
    initial: tuple[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One component: what it is fed with, and what it computes.

    Args:
        address: Its name in the flat system.
        feeds: Its connected inputs.
        outputs: The names of its output ports.
        every: It fires on each k-th tick, if no sync input fires it.
        compute: A pure function of the number of firings before this one and of the
            connected inputs. It gives a value for each output, None for nothing; or
            raises.
    """

    address: str
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("output",)
    every: int = 1
    compute: Callable[[int, Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What a launch must report.

    Args:
        iterations: Ticks that count as a whole.
        ended_by: `"iterations"`, `"end of stream"` or `"error"`.
        error: The exception, the component that raised it and the tick.
        records: What was sent, by the output's address: `(tick, value)`.
        fired: How often each component fired.
        absent: At how many ticks it did not.
        messages: Values sent, by connection.
        received: The inputs of each firing, by component.
    """

    iterations: int
    ended_by: str
    error: tuple[Exception, str, int] | None
    records: Mapping[str, list[tuple[int, Any]]]
    fired: Mapping[str, int]
    absent: Mapping[str, int]
    messages: Mapping[str, int]
    received: Mapping[str, list[Mapping[str, Any]]]


def owner(address: str) -> str:
    """Return the component of a port's address."""
    return address.rpartition(".")[0]


def execution_order(parts: Sequence[Part]) -> list[Part]:
    """Take the first part in the list whose undelayed sources are taken; repeat."""
    left, order = list(parts), list[Part]()
    while left:
        taken = {part.address for part in order}
        index = next(
            n
            for n, part in enumerate(left)
            if all(
                owner(feed.source) in taken
                for feed in part.feeds.values()
                if feed.initial is None
            )
        )
        order.append(left.pop(index))
    return order


def look_up(feed: Feed, sent: Mapping[int, Any], tick: int) -> Any:
    """Return what an input gets at a tick, of all that its source has ever sent."""
    if feed.initial is not None:
        before = [sent[t] for t in sorted(sent) if t < tick]
        return before[-1] if before else feed.initial[0]
    if feed.policy == "sync":
        return sent.get(tick, ABSENT)
    so_far = [sent[t] for t in sorted(sent) if t <= tick]
    return so_far[-1] if so_far else None


def is_due(part: Part, inputs: Mapping[str, Any], tick: int) -> bool:
    """Say whether a component fires at a tick."""
    awaited = [
        inputs[name] for name, feed in part.feeds.items() if feed.policy == "sync"
    ]
    if awaited:
        return all(value is not ABSENT for value in awaited)
    return tick % part.every == 0


def evaluate(parts: Sequence[Part], iterations: int | None) -> Outcome:
    """Run a system of parts from tick 0 to its end.

    Args:
        parts: In list order.
        iterations: How many ticks; None goes on until a part ends the run.
    """
    order = execution_order(parts)
    sent: dict[str, dict[int, Any]] = {
        f"{part.address}.{port}": {} for part in parts for port in part.outputs
    }
    firings: dict[str, dict[int, Any]] = {part.address: {} for part in parts}
    for tick in itertools.count():
        if tick == iterations:
            return _cut(order, sent, firings, (tick, 0), "iterations", None)
        for place, part in enumerate(order):
            inputs = {
                name: look_up(feed, sent[feed.source], tick)
                for name, feed in part.feeds.items()
            }
            if not is_due(part, inputs, tick):
                continue
            try:
                results = part.compute(len(firings[part.address]), inputs)
            except EndOfStream:
                return _cut(order, sent, firings, (tick, 0), "end of stream", None)
            except Exception as error:  # noqa: BLE001 - a part may raise anything
                event = (error, part.address, tick)
                return _cut(order, sent, firings, (tick, place), "error", event)
            firings[part.address][tick] = inputs
            for port in part.outputs:
                if results[port] is not None:
                    sent[f"{part.address}.{port}"][tick] = copy.deepcopy(results[port])
    raise AssertionError("unreachable")


def _cut(
    order: Sequence[Part],
    sent: Mapping[str, Mapping[int, Any]],
    firings: Mapping[str, Mapping[int, Any]],
    cut: tuple[int, int],
    ended_by: str,
    error: tuple[Exception, str, int] | None,
) -> Outcome:
    """Count only what lies below the cut, a (tick, place in the order)."""
    places = {part.address: place for place, part in enumerate(order)}
    ticks = {
        address: [tick for tick in range(cut[0] + 1) if (tick, place) < cut]
        for address, place in places.items()
    }
    records = {
        address: [
            (tick, sent[address][tick])
            for tick in ticks[owner(address)]
            if tick in sent[address]
        ]
        for address in sent
    }
    received = {
        address: [
            firings[address][tick]
            for tick in ticks[address]
            if tick in firings[address]
        ]
        for address in places
    }
    return Outcome(
        iterations=cut[0],
        ended_by=ended_by,
        error=error,
        records=records,
        fired={address: len(received[address]) for address in places},
        absent={
            address: len(ticks[address]) - len(received[address]) for address in places
        },
        messages={
            f"{feed.source} -> {part.address}.{name}": len(records[feed.source])
            for part in order
            for name, feed in part.feeds.items()
        },
        received=received,
    )
