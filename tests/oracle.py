"""What a run of a system must give, worked out the slow and obvious way.

Nothing here is shared with the runtime. The whole history of every output is kept, and
an input finds what it gets by the definition of its policy, in that history. What a
clock has decided in a run is given as its `Choices`, so that the history is one again.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
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
        every: It fires at the ticks `ceil(n * every)`, if no sync input fires it.
        takes: Its results belong to the tick so many later; until then it is absent.
        compute: A pure function of the number of firings before this one and of the
            connected inputs. It gives a value for each output, None for nothing; or
            raises.
    """

    address: str
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("output",)
    every: int | Fraction = 1
    takes: int = 0
    compute: Callable[[int, Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the clocks of a run have decided.

    Args:
        skipped: The ticks at which a component was absent because they were over.
        took: By input: the tick of the value that it took at a tick; -1 for none.
        due: By component: the tick of the results of the firing that began at a tick.
        ended: By component: the tick to which a firing belongs that ended the run. The
            component is absent from then on, and the others are not.
    """

    skipped: Mapping[str, Collection[int]] = field(default_factory=dict)
    took: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    due: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What a launch must report.

    Args:
        iterations: Ticks that count as a whole.
        ended_by: `"iterations"`, `"end of stream"` or `"error"`.
        error: The exception, the component that raised it and the tick of its result.
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
    """Take the first part in the list whose sources of the same tick are taken; repeat.

    What is delayed, or comes from a part that takes ticks, is of an earlier firing.
    """
    slow = {part.address for part in parts if part.takes}
    left, order = list(parts), list[Part]()
    while left:
        taken = {part.address for part in order}
        index = next(
            n
            for n, part in enumerate(left)
            if all(
                owner(feed.source) in taken | slow
                for feed in part.feeds.values()
                if feed.initial is None
            )
        )
        order.append(left.pop(index))
    return order


def look_up(
    feed: Feed, sent: Mapping[int, Any], tick: int, took: int | None = None
) -> Any:
    """Return what an input gets at a tick, of all that its source has ever sent.

    Args:
        feed: The input.
        sent: What its source has sent, by tick.
        tick: When it is asked for.
        took: The tick of the value that a clock chose; -1 for none.
    """
    if took is not None:
        assert took <= tick - (feed.initial is not None), "a value of a later tick"
        if took >= 0:
            return sent[took]
        return None if feed.initial is None else feed.initial[0]
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
    return any(math.ceil(n * part.every) == tick for n in range(tick + 1))


@dataclass(slots=True)
class _Firing:
    """A firing that has begun: what it got and gives, and when that counts."""

    begun: int
    due: int
    inputs: Mapping[str, Any]
    results: Mapping[str, Any] | Exception


def evaluate(
    parts: Sequence[Part], iterations: int | None, choices: Choices | None = None
) -> Outcome:
    """Run a system of parts from tick 0 to its end.

    In each tick the results that belong to it come first, then components fire.

    Args:
        parts: In list order.
        iterations: How many ticks; None goes on until a part ends the run.
        choices: What the clocks of a run have decided; None where nothing was late.
    """
    chosen = choices or Choices()
    order = execution_order(parts)
    sent: dict[str, dict[int, Any]] = {
        f"{part.address}.{port}": {} for part in parts for port in part.outputs
    }
    firings: dict[str, dict[int, Any]] = {part.address: {} for part in parts}
    begun = dict.fromkeys(firings, 0)
    busy: dict[str, _Firing] = {}
    ended: set[str] = set()

    def end(part: Part, place: int, tick: int, firing: _Firing) -> Outcome | None:
        """Keep what a firing gives at a tick; return the outcome if that is the end."""
        if isinstance(firing.results, Exception):
            if chosen.ended.get(part.address) == tick:
                ended.add(part.address)
                return None
            if isinstance(firing.results, EndOfStream):
                return _cut(order, sent, firings, (tick, 0), "end of stream", None)
            event = (firing.results, part.address, tick)
            return _cut(order, sent, firings, (tick, place), "error", event)
        firings[part.address][tick] = firing.inputs
        for port in part.outputs:
            if firing.results[port] is not None:
                sent[f"{part.address}.{port}"][tick] = copy.deepcopy(
                    firing.results[port]
                )
        return None

    for tick in itertools.count():
        if tick == iterations:
            return _cut(order, sent, firings, (tick, 0), "iterations", None)
        for place, part in enumerate(order):
            firing = busy.get(part.address)
            if firing is not None and firing.due == tick:
                del busy[part.address]
                if outcome := end(part, place, tick, firing):
                    return outcome
        for place, part in enumerate(order, len(order)):
            name = part.address
            if name in busy or name in ended or tick in chosen.skipped.get(name, ()):
                continue
            inputs = {
                port: look_up(
                    feed,
                    sent[feed.source],
                    tick,
                    chosen.took.get(f"{name}.{port}", {}).get(tick),
                )
                for port, feed in part.feeds.items()
            }
            if not is_due(part, inputs, tick):
                continue
            due = chosen.due.get(name, {}).get(tick, tick + part.takes)
            firing = _Firing(tick, due, inputs, _computed(part, begun[name], inputs))
            begun[name] += 1
            if part.takes:
                assert due >= tick + part.takes, "a result before its time"
                busy[name] = firing
            elif outcome := end(part, place, tick, firing):
                return outcome
    raise AssertionError("unreachable")


def _computed(
    part: Part, firing: int, inputs: Mapping[str, Any]
) -> Mapping[str, Any] | Exception:
    try:
        return part.compute(firing, inputs)
    except Exception as error:  # noqa: BLE001 - a part may raise anything
        return error


def _cut(
    order: Sequence[Part],
    sent: Mapping[str, Mapping[int, Any]],
    firings: Mapping[str, Mapping[int, Any]],
    cut: tuple[int, int],
    ended_by: str,
    error: tuple[Exception, str, int] | None,
) -> Outcome:
    """Count only what lies below the cut, a (tick, place in the order)."""
    places = {
        part.address: place + (0 if part.takes else len(order))
        for place, part in enumerate(order)
    }
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
