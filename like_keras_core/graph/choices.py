"""What clocks and schedulers decided in a run, written down so that it can be repeated.

Where a run may depend on time at all, it depends on it through these decisions only:
given them, its values are those of every other run. They are kept as evenly spaced
runs of ticks, so that what goes on the same way takes a few numbers however long it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from typing import Any

Ticks = tuple[tuple[int, int, int], ...]
"""Ticks as `(first, count, step)`, ascending."""

Pairs = tuple[tuple[int, int, int, int, int], ...]
"""Ticks with one tick each, as `(first, count, step, other, rise)`: `other` belongs to
`first`, `other + rise` to `first + step`, and so on; ascending."""

NONE = -1
"""The tick of no value: an input that takes it has its initial value."""


class PairLog:
    """Ticks with one tick each, gathered in ascending order."""

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self.runs: list[list[int]] = []
        for tick, other in pairs:
            self.add(tick, other)

    def add(self, tick: int, other: int) -> None:
        """Note a tick and the one that belongs to it, unless that is done."""
        last = self.runs[-1] if self.runs else None
        if last is not None and tick <= last[0] + (last[1] - 1) * last[2]:
            return
        if last is not None and last[1] == 1:
            last[2], last[4] = tick - last[0], other - last[3]
        if last is not None and (
            tick == last[0] + last[1] * last[2] and other == last[3] + last[1] * last[4]
        ):
            last[1] += 1
        else:
            self.runs.append([tick, 1, 1, other, 0])

    def pairs(self) -> Pairs:
        """Return what was noted."""
        return tuple((a, b, c, d, e if b > 1 else 0) for a, b, c, d, e in self.runs)

    def ticks(self) -> Ticks:
        """Return the ticks alone."""
        return tuple((a, b, c) for a, b, c, _, _ in self.runs)


def pairs_in(runs: Pairs) -> Iterator[tuple[int, int]]:
    """Yield each tick with the one that belongs to it."""
    for first, count, step, other, rise in runs:
        for n in range(count):
            yield first + n * step, other + n * rise


def ticks_in(runs: Ticks) -> Iterator[int]:
    """Yield each tick."""
    for first, count, step in runs:
        yield from range(first, first + count * step, step)


class PairTable:
    """Finds what belongs to a tick.

    Args:
        runs: As in `Choices`.
    """

    def __init__(self, runs: Pairs) -> None:
        self._firsts = [run[0] for run in runs]
        self._runs = runs

    @classmethod
    def of_ticks(cls, runs: Ticks) -> PairTable:
        """Return one in which 0 belongs to each of some ticks."""
        return cls(tuple((*run, 0, 0) for run in runs))

    def __call__(self, tick: int) -> int | None:
        """Return what belongs to a tick; None if nothing does."""
        n = bisect_right(self._firsts, tick) - 1
        if n < 0:
            return None
        first, count, step, other, rise = self._runs[n]
        index, rest = divmod(tick - first, step)
        return None if rest or index >= count else other + index * rise


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a run did that no rule says, because a clock or a scheduler decided it.

    `launch(choices=...)` repeats it: then no clock decides any more, and the run has
    the same values on every engine. Ticks are kept as runs, `(first, count, step)`.

    Args:
        skipped: By component, the ticks at which it did not fire because they were
            over, or had no room for what it sends.
        took: By input port, at which ticks it did not have the value that the policy
            `hold` gives (after a delay, the value of the tick before): runs of ticks,
            each with the tick of the value that it had, -1 for none. `(5, 10, 1, 4, 1)`
            are the ticks 5 to 14, with the values of the ticks 4 to 13.
        due: By component, the ticks at which it began a firing whose result came late:
            runs of ticks, each with the tick to which the result belongs.
        ended: By component, the tick at which it failed, or at which its stream ended,
            in a run that others went on with until it was stopped.
    """

    skipped: Mapping[str, Ticks] = field(default_factory=dict)
    took: Mapping[str, Pairs] = field(default_factory=dict)
    due: Mapping[str, Pairs] = field(default_factory=dict)
    ended: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.skipped or self.took or self.due or self.ended)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        return {
            "skipped": {name: [*map(list, x)] for name, x in self.skipped.items()},
            "took": {name: [*map(list, x)] for name, x in self.took.items()},
            "due": {name: [*map(list, x)] for name, x in self.due.items()},
            "ended": dict(self.ended),
        }

    @classmethod
    def from_dict(cls, data: object) -> Choices:
        """Read what `to_dict` gave.

        Raises:
            ValueError: It is something else; the message says which part.
        """
        names = ("skipped", "took", "due", "ended")
        if not isinstance(data, Mapping) or not all(map(names.__contains__, data)):
            raise ValueError(
                "Choices are report.choices, or an object with the fields "
                f"{', '.join(names)}; got {data!r:.80}."
            )
        fields = {name: data.get(name, {}) for name in names}
        for name, value in fields.items():
            if not isinstance(value, Mapping):
                raise ValueError(
                    f"{name!r} of choices is not an object: {value!r:.80}."
                )
        return cls(
            skipped={
                x: _read(_at("skipped", x), v, 3) for x, v in fields["skipped"].items()
            },
            took={x: _read_took(x, v) for x, v in fields["took"].items()},
            due={x: _read_due(x, v) for x, v in fields["due"].items()},
            ended={x: _tick(_at("ended", x), v) for x, v in fields["ended"].items()},
        )

    def taken_by(self, port: str) -> Callable[[int], int | None]:
        """Return what says of which tick the value was that an input took at a tick.

        It gives None where that is what `hold`, or a delay, gives.

        Args:
            port: The input port's address.
        """
        return PairTable(self.took.get(port, ()))

    def below(self, tick: int) -> Choices:
        """Return those of the ticks below one."""
        return self._selected(lambda name: True, 0, tick)

    def moved(self, first: int, components: Container[str]) -> Choices:
        """Return those of some components, with ticks counted from another one.

        What an input took of a tick before that is as if nothing had been sent.

        Args:
            first: The tick that becomes tick 0.
            components: Their addresses.
        """
        return self._selected(components.__contains__, first, 1 << 62)

    def _selected(
        self, wanted: Callable[[str], object], first: int, end: int
    ) -> Choices:
        def pairs(found: Pairs) -> Pairs:
            return tuple(_floored(_between(found, first, end), first))

        def ticks(found: Ticks) -> Ticks:
            return tuple((a, b, c) for a, b, c in _between(found, first, end))

        def some(items: Mapping[str, Any], read: Callable[[Any], Any]) -> Any:
            read_items = ((x, read(v)) for x, v in items.items() if of(x))
            return {name: value for name, value in read_items if value}

        def of(name: str) -> object:
            return wanted(name) or wanted(name.rpartition(".")[0])

        return Choices(
            skipped=some(self.skipped, ticks),
            took=some(self.took, pairs),
            due=some(self.due, pairs),
            ended={
                x: max(0, t - first) for x, t in self.ended.items() if of(x) and t < end
            },
        )

    @classmethod
    def merged(cls, parts: Iterable[Choices]) -> Choices:
        """Return those of several processes, no two of which have one in common."""
        found = cls(skipped={}, took={}, due={}, ended={})
        for part in parts:
            for name in ("skipped", "took", "due", "ended"):
                mine = getattr(found, name)
                mine.update(getattr(part, name))
        return found


def _between(
    runs: Iterable[tuple[int, ...]], first: int, end: int
) -> Iterator[tuple[int, ...]]:
    """Yield the part of each run from one tick on and below another.

    Args:
        runs: As in `Choices`; whole, however long they are, and not tick by tick.
        first: The tick from which ticks are counted then.
        end: The tick below which they are.
    """
    for tick, count, step, *others in runs:
        left_out = max(0, -((tick - first) // step))
        kept = min(count, -((tick - end) // step)) - left_out
        if kept > 0:
            start = tick + left_out * step - first
            if others:
                others[0] += left_out * others[1]
            if kept == 1:
                step, others[1:] = 1, [0] * len(others[1:])
            yield (start, kept, step, *others)


def _floored(runs: Iterable[tuple[int, ...]], first: int) -> Iterator[Any]:
    """Yield runs with the others counted from a tick, too; none is below `NONE`."""
    for tick, count, step, absolute, rise in runs:
        other = absolute - first
        # How many are below it: the first of them where they rise, else the last.
        if rise > 0:
            below = min(count, max(0, -((other - NONE) // rise)))
        elif rise < 0:
            below = count - min(count, max(0, (other - NONE) // -rise + 1))
        else:
            below, other = 0, max(other, NONE)
        left, start, value = count - below, tick, other
        if below and rise > 0:
            yield (tick, below, step if below > 1 else 1, NONE, 0)
            start, value = tick + below * step, other + below * rise
        if left:
            yield (start, left, *((step, value, rise) if left > 1 else (1, value, 0)))
        if below and rise < 0:
            yield (tick + left * step, below, step if below > 1 else 1, NONE, 0)


def strangers(
    choices: Choices, components: Container[str], inputs: Container[str]
) -> list[str]:
    """Return the components and inputs of choices that a system does not have.

    Args:
        choices: The choices.
        components: The addresses of the system's components.
        inputs: Those of its input ports.
    """
    named = {*choices.skipped, *choices.due, *choices.ended}
    found = [name for name in named if name not in components]
    return sorted([*found, *(name for name in choices.took if name not in inputs)])


def overlaid(below: Pairs, above: Pairs) -> Pairs:
    """Return pairs of two; where both have a tick, those of `above`."""
    if not below:
        return above
    return PairLog(
        sorted({**dict(pairs_in(below)), **dict(pairs_in(above))}.items())
    ).pairs()


def as_choices(name: str, value: Any) -> Choices:
    """Return choices of what stands for them: themselves, their data, or a report's.

    Args:
        name: What they are, for the error.
        value: What was given.

    Raises:
        ValueError: It is something else.
    """
    found = getattr(value, "choices", None)
    if isinstance(found, Choices):
        value = found
    if isinstance(value, Choices):
        value = {x.name: getattr(value, x.name) for x in dataclass_fields(value)}
    if isinstance(value, Mapping) and "choices" in value:
        value = value["choices"]
    try:
        return Choices.from_dict(value)
    except ValueError as error:
        raise ValueError(f"{name} cannot be read. {error}") from None


def _at(kind: str, name: str) -> str:
    return f"{kind!r} of {name!r} in choices"


def _tick(where: str, value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{where} must be a tick, 0 or more; got {value!r:.80}.")
    return value


def _read(where: str, runs: object, width: int) -> Any:
    """Return runs of ticks, after a check that they are some and ascend."""
    if not isinstance(runs, (list, tuple)):
        raise ValueError(f"{where} must be a list of runs; got {runs!r:.80}.")
    end = 0
    for run in runs:
        is_run = isinstance(run, (list, tuple)) and len(run) == width
        if not is_run or any(type(item) is not int for item in run):
            raise ValueError(
                f"{where} must have runs of {width} whole numbers; got {run!r:.80}."
            )
        first, count, step, *others = run
        if (
            first < end
            or count < 1
            or step < 1
            or (others and min(others[0], others[0] + (count - 1) * others[1]) < NONE)
        ):
            raise ValueError(
                f"{where} must have ascending runs of one tick or more, of no tick "
                f"below {NONE}; got {run!r:.80}."
            )
        end = first + (count - 1) * step + 1
    return tuple(map(tuple, runs))


def _read_took(port: str, runs: object) -> Any:
    """Return what an input took, after a check that none of it is of a later tick."""
    where = _at("took", port)
    found = _read(where, runs, 5)
    for run in found:
        if any(other > tick for tick, other in _ends(run)):
            raise ValueError(
                f"{where} must have no value of a later tick than the one that took "
                f"it; got {[*run]!r:.80}."
            )
    return found


def _read_due(component: str, runs: object) -> Any:
    """Return when results were due, after a check that each is after its firing."""
    where = _at("due", component)
    found = _read(where, runs, 5)
    for run in found:
        if any(other <= tick for tick, other in _ends(run)):
            raise ValueError(
                f"{where} must have results at later ticks than their firings; got "
                f"{[*run]!r:.80}."
            )
    return found


def _ends(run: tuple[int, int, int, int, int]) -> tuple[tuple[int, int], ...]:
    """Return the first and the last pair of a run: what lies between is on a line."""
    first, count, step, other, rise = run
    last = count - 1
    return (first, other), (first + last * step, other + last * rise)
