"""When a component fires and how long that takes: as declared, and as it runs.

`self.takes`, `rate_hz`, `takes_s`, `tick`, `time_s` and `dt` are attributes that a
component's own may take the place of, as with `rng`: none of the names is reserved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from numbers import Number
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from like_keras_core.authoring.code_mentions import mentions
from like_keras_core.values.quantities import exact, quantity

if TYPE_CHECKING:
    from like_keras_core.authoring.component_state import ComponentState
    from like_keras_core.spec import ComponentSpec


@dataclass(frozen=True)
class Timing:
    """When a component fires in a launch.

    Args:
        every: It fires at the ticks `ceil(n * every)`, if nothing else fires it.
        takes: How many ticks a firing takes.
        period: How many ticks lie between its firings, if nothing is absent.
        rate_hz: Ticks per second; None where the system has no rate.
    """

    every: int | Fraction
    takes: int
    period: int | Fraction
    rate_hz: float | None

    @classmethod
    def of(
        cls, spec: ComponentSpec, period: int | Fraction, rate_hz: float | None
    ) -> Timing:
        """Return the timing of a component of a system."""
        return cls(spec.every, spec.takes, period, rate_hz)

    @cached_property
    def period_s(self) -> float:
        """Its period [s], for a system with a rate."""
        assert self.rate_hz is not None
        return float(self.period / exact(self.rate_hz))


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
    """Return a number above zero; a Fraction stays one."""
    number = quantity(f"{name} of {owner!r}", value)
    return value if isinstance(value, Fraction) else number


def declare(
    record: ComponentState,
    every: int | Fraction,
    *,
    rate_hz: float | Fraction | None,
    takes: int | None,
    takes_s: float | Fraction | None,
) -> None:
    """Note what a constructor was given of a component's times.

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

    Raises:
        ValueError: The number cannot be what it is.
    """
    if name not in _DECLARED or not isinstance(value, Number):
        return False
    if not has_ours(component, name):
        return False
    _DECLARED[name](component._lk, value)
    return True


def has_ours(component: Any, name: str) -> bool:
    """Say whether neither a component nor its class has its own of a name."""
    return name not in vars(component) and class_has_ours(type(component), name)


def class_has_ours(cls: type, name: str) -> bool:
    """Say whether a component class has no attribute of its own of a name."""
    owner = next(base for base in cls.__mro__ if name in vars(base))
    return isinstance(vars(owner)[name], TimeAttribute)


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


class TimeAttribute:
    """An attribute that a component's own may take the place of."""

    def __get__(self, instance: Any, owner: type) -> Any:
        """Return what the component's record says."""
        return self if instance is None else self.value(instance, instance._lk)

    def value(self, component: Any, record: ComponentState) -> Any:
        """Return what it is for a component."""
        raise NotImplementedError


class Takes(TimeAttribute):
    """How many ticks a firing takes.

    Args:
        default: What the class says.
    """

    def __init__(self, default: int) -> None:
        self.default = default

    def __get__(self, instance: Any, owner: type) -> int:
        """Return the ticks; of a class its default."""
        takes: int = self.default if instance is None else instance._lk.ticks_taken
        return takes


class RateHz(TimeAttribute):
    """The rate that a component was given [Hz]; None where it was given none."""

    def value(self, component: Any, record: ComponentState) -> Any:
        """Return the rate."""
        return record.rate_hz


class TakesS(TimeAttribute):
    """How long a firing takes, where that was given in seconds [s]; else None."""

    def value(self, component: Any, record: ComponentState) -> Any:
        """Return the time."""
        return record.takes_s


class Tick(TimeAttribute):
    """The tick of the inputs of this firing; None outside of ticks."""

    def value(self, component: Any, record: ComponentState) -> Any:
        """Return the tick."""
        return record.tick[1]


class TimeS(TimeAttribute):
    """The time of this tick by the system's clock [s]: its number by the rate."""

    def value(self, component: Any, record: ComponentState) -> Any:
        """Return the time."""
        tick = record.tick[1]
        return tick / _launched(record, "time_s", tick is not None).rate_hz


class Dt(TimeAttribute):
    """How long ago this component fired before, by the system's clock [s]."""

    def value(self, component: Any, record: ComponentState) -> Any:
        """Return the time."""
        timing = _launched(record, "dt", True)
        if record.begins is None:
            raise AttributeError(
                f"The dt of {record.name!r} is read by code outside of its class, so "
                "that nobody noted when it fired. Read self.dt in its forward, and "
                "hand it on."
            )
        before, now = record.begins
        if before is None:
            return timing.period_s
        return (now - before) / timing.rate_hz


def _launched(record: ComponentState, name: str, is_there: bool) -> Any:
    """Return the timing of a component that runs in a system with a rate."""
    where = record.address or record.name
    timing = record.timing
    if timing is None or not is_there:
        raise AttributeError(
            f"{name} of {where!r} is the time of a firing in a launch, and there is "
            "none. To fire it by hand, use like_keras_core.testing.run(component, "
            f"rate_hz=...), or assign component.{name} yourself."
        )
    if timing.rate_hz is None:
        raise AttributeError(
            f"{name} of {where!r} is in seconds of the system's clock, and the system "
            "has no rate. Write System(..., rate_hz=200), or launch(rate_hz=200); "
            "or count ticks: self.tick."
        )
    return timing


def begins_of(component: Any) -> list[int | None] | None:
    """Return where to note the ticks of a component's last two firings.

    None where its class says nothing of `dt`, so that nobody will ask.
    """
    if has_ours(component, "dt") and mentions(type(component), "dt"):
        return [None, None]
    return None


def noting(component: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `forward` that notes when it is called, for those who read `dt`."""
    record: ComponentState = component._lk
    begins = record.begins
    if begins is None or not has_ours(component, "dt"):
        return forward

    def fire(*args: Any, **kwargs: Any) -> Any:
        begins[:] = begins[1], record.tick[1]
        return forward(*args, **kwargs)

    return fire
