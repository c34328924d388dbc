"""What a component reads of its system's clock: `tick`, `time_s` and `dt`.

They are attributes that its own may take the place of, as with `rng`: none of the names
is reserved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from like_keras_core.authoring.code_mentions import mentions
from like_keras_core.values.quantities import exact

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
        """Return the timing of a component of a system.

        Args:
            spec: The component.
            period: How many ticks lie between its firings.
            rate_hz: Ticks per second of the system.
        """
        return cls(spec.every, spec.takes, period, rate_hz)

    @cached_property
    def period_s(self) -> float:
        """Its period [s], for a system with a rate."""
        assert self.rate_hz is not None
        return float(self.period / exact(self.rate_hz))


def has_ours(component: Any, name: str) -> bool:
    """Say whether neither a component nor its class has its own of a name."""
    return name not in vars(component) and class_has_ours(type(component), name)


def class_has_ours(cls: type, name: str) -> bool:
    """Say whether a component class has no attribute of its own of a name."""
    owner = next(base for base in cls.__mro__ if name in vars(base))
    return isinstance(vars(owner)[name], TimeAttribute)


class TimeAttribute:
    """An attribute that a component's own may take the place of.

    Classes have none of that name: else it would be the default of a dataclass's field.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        """Know its name."""
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        """Return what the component's record says."""
        if instance is None:
            raise AttributeError(f"A {self.name} is that of an instance.")
        return self.value(instance._lk)

    def value(self, record: ComponentState) -> Any:
        """Return what it is for a component."""
        raise NotImplementedError


class Tick(TimeAttribute):
    """The tick of the inputs of this firing; None outside of ticks."""

    def value(self, record: ComponentState) -> Any:
        """Return the tick."""
        return record.tick[1]


class TimeS(TimeAttribute):
    """The time of this tick by the system's clock [s]: its number by the rate."""

    def value(self, record: ComponentState) -> Any:
        """Return the time."""
        tick, timing = record.tick[1], record.timing
        if tick is None or timing is None or timing.rate_hz is None:
            raise _no_time(record, "time_s", is_there=tick is not None)
        return tick / timing.rate_hz


class Dt(TimeAttribute):
    """How long ago this component fired before, by the system's clock [s]."""

    def value(self, record: ComponentState) -> Any:
        """Return the time."""
        begins, timing = record.begins, record.timing
        if begins is None or timing is None or timing.rate_hz is None:
            raise _no_time(record, "dt", is_there=True)
        before, now = begins
        if before is None or now is None:
            return timing.period_s
        return (now - before) / timing.rate_hz


def _no_time(record: ComponentState, name: str, *, is_there: bool) -> AttributeError:
    """Return the error for a component that reads a time which is not there.

    Args:
        record: The component's.
        name: What it reads.
        is_there: Whether a tick runs, if it has to.
    """
    where = record.address or record.name
    timing = record.timing
    if timing is None or not is_there:
        return AttributeError(
            f"{name} of {where!r} is the time of a firing in a launch, and there is "
            "none. To fire it by hand, use like_keras_core.testing.run(component, "
            f"rate_hz=...), or assign component.{name} yourself."
        )
    if timing.rate_hz is None:
        return AttributeError(
            f"{name} of {where!r} is in seconds of the system's clock, and the system "
            "has no rate. Write System(..., rate_hz=200), or launch(rate_hz=200); "
            "or count ticks: self.tick."
        )
    return AttributeError(
        f"{name} of {where!r} is read by code outside of its class, so that nobody "
        "noted when it fired. Read self.dt in its forward, and hand it on."
    )


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
        begins[0] = begins[1]
        begins[1] = record.tick[1]
        return forward(*args, **kwargs)

    return fire
