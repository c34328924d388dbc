"""What is declared of when a component fires and how long that takes.

In ticks by `every` and `takes`; by `rate_hz` and `takes_s` in seconds, from which the
ticks follow once it is known in which system the component runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil
from numbers import Number
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from like_keras_core.authoring.component_time import TimeAttribute, has_ours
from like_keras_core.values.quantities import exact, quantity

if TYPE_CHECKING:
    from like_keras_core.authoring.component_state import ComponentState


def as_every(value: Any, owner: str) -> int | Fraction:
    """Return an `every`, as an int where it is a whole number.

    Args:
        value: What was given.
        owner: The component, for the error.

    Raises:
        ValueError: It is not an int or a Fraction of 1 or more.
    """
    if (type(value) is int or isinstance(value, Fraction)) and value >= 1:
        return int(value) if value.denominator == 1 else value
    cure = "For an attribute of your own, choose another name."
    if isinstance(value, float) and value > 1:
        cure = f"Write Fraction(20, 3) for 20/3 ticks, or rate_hz= in Hz. {cure}"
    raise ValueError(
        f"every of {owner!r} counts ticks, so it is 1 or more, an int or a Fraction; "
        f"got {value!r:.80}. {cure}"
    )


def whole_ticks(value: Any, owner: str) -> int:
    """Return how many ticks a firing takes.

    Args:
        value: What was given.
        owner: The component or class, for the error.

    Raises:
        ValueError: It is not a whole number of 0 or more.
    """
    if type(value) is not int or value < 0:
        cure = "takes_s= takes seconds." if isinstance(value, float) else ""
        raise ValueError(
            f"takes of {owner!r} counts ticks, so it is a whole number of 0 or more; "
            f"got {value!r:.80}. {cure}".rstrip()
        )
    return value


def _as_number(name: str, value: Any, owner: str) -> int | float | Fraction:
    """Return a number above zero; an int or a Fraction stays one."""
    number = quantity(f"{name} of {owner!r}", value)
    return value if isinstance(value, (int, Fraction)) else number


def declare(
    record: ComponentState,
    every: int | Fraction,
    *,
    rate_hz: float | Fraction | None,
    takes: int | None,
    takes_s: float | Fraction | None,
) -> None:
    """Note what a constructor was given of a component's times.

    Args:
        record: The component's.
        every: In ticks.
        rate_hz: The same as a rate [Hz].
        takes: In ticks.
        takes_s: The same as a time [s].

    Raises:
        ValueError: One of them cannot be what it is, or two say the same thing.
    """
    record.every = as_every(every, record.name)
    if rate_hz is not None:
        if record.every != 1:
            raise ValueError(
                f"{record.name!r} has rate_hz={rate_hz!r:.80} and "
                f"every={every!r:.80}; both say when it fires. Leave one out."
            )
        _DECLARED["rate_hz"](record, rate_hz)
    if takes is not None and takes_s is not None:
        raise ValueError(
            f"{record.name!r} has takes={takes!r:.80} and takes_s={takes_s!r:.80}; "
            "both say how long a firing takes. Leave one out."
        )
    if takes is not None:
        _DECLARED["takes"](record, takes)
    if takes_s is not None:
        _DECLARED["takes_s"](record, takes_s)


def _declare_rate_hz(record: ComponentState, value: Any) -> None:
    record.rate_hz, record.every = _as_number("rate_hz", value, record.name), None


def _declare_takes(record: ComponentState, value: Any) -> None:
    record.takes, record.takes_s = whole_ticks(value, record.name), None


def _declare_takes_s(record: ComponentState, value: Any) -> None:
    record.takes_s, record.takes = _as_number("takes_s", value, record.name), None


_DECLARED: Mapping[str, Callable[[ComponentState, Any], None]] = MappingProxyType(
    {
        "rate_hz": _declare_rate_hz,
        "takes": _declare_takes,
        "takes_s": _declare_takes_s,
    }
)


def is_declared(component: Any, name: str, value: object) -> bool:
    """Declare what is assigned to a component from outside, if it is such a time.

    A number for `takes`, say, is; where the component has an attribute of its own of
    that name, or the value is another one, nothing is done.

    Args:
        component: The component.
        name: The attribute's name.
        value: What is assigned.

    Raises:
        ValueError: The number cannot be what it is.
    """
    if name not in _DECLARED or not isinstance(value, Number):
        return False
    if not has_ours(component, name):
        return False
    _DECLARED[name](component._lk, value)
    return True


def resolved(
    record: ComponentState, rate_hz: float | None
) -> tuple[int | Fraction, int]:
    """Return how often a component fires and how long that takes, in ticks.

    Args:
        record: What is known of the component.
        rate_hz: Ticks per second of the system that it runs in.

    Raises:
        ValueError: They are given in seconds, and the system has no rate; or the
            component's rate is above that of the system.
    """
    every, takes = record.every, record.takes
    if every is None:
        assert record.rate_hz is not None
        every = exact(_rate(rate_hz, "rate_hz", record.rate_hz)) / exact(record.rate_hz)
        if every < 1:
            raise ValueError(
                f"rate_hz={record.rate_hz} is above the system's rate of {rate_hz:g} "
                "Hz, and nothing fires more than once a tick. Give the system the "
                "fastest rate of its components."
            )
        every = int(every) if every.denominator == 1 else every
    if takes is None:
        assert record.takes_s is not None
        rate = exact(_rate(rate_hz, "takes_s", record.takes_s))
        takes = ceil(exact(record.takes_s) * rate)
    return every, takes


def _rate(rate_hz: float | None, name: str, value: object) -> float:
    if rate_hz is None:
        instead = {"rate_hz": "every", "takes_s": "takes"}[name]
        raise ValueError(
            f"{name}={value} needs a system with a rate. Write System(..., "
            f"rate_hz=200), or launch(rate_hz=200); or count ticks: {instead}=..."
        )
    return rate_hz


class Takes(TimeAttribute):
    """How many ticks a firing takes.

    Args:
        default: What the class says, if it does.
    """

    def __init__(self, default: int | None = None) -> None:
        self.default = default

    def __get__(self, instance: Any, owner: type) -> Any:
        """Return the ticks; of a class what it says."""
        if instance is None and self.default is not None:
            return self.default
        return super().__get__(instance, owner)

    def value(self, record: ComponentState) -> Any:
        """Return the ticks."""
        return record.ticks_taken


class RateHz(TimeAttribute):
    """The rate that a component was given [Hz]; None where it was given none."""

    def value(self, record: ComponentState) -> Any:
        """Return the rate."""
        return record.rate_hz


class TakesS(TimeAttribute):
    """How long a firing takes, where that was given in seconds [s]; else None."""

    def value(self, record: ComponentState) -> Any:
        """Return the time."""
        return record.takes_s
