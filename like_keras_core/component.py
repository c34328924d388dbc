"""The atomic unit of computation: a class with a `forward` method."""

from __future__ import annotations

from abc import ABCMeta
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from fractions import Fraction
from typing import Any, ClassVar, NoReturn

from like_keras_core.authoring.attribute_watch import AttributeWatch
from like_keras_core.authoring.component_state import (
    ComponentState,
    Log,
    Rng,
    facts_of,
)
from like_keras_core.authoring.component_time import Dt, Tick, TimeS
from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.constructor_args import capture
from like_keras_core.authoring.declared_times import (
    RateHz,
    Takes,
    TakesS,
    as_every,
    declare,
    whole_ticks,
)
from like_keras_core.authoring.reserved_names import (
    is_kept_from_classes,
    is_kept_from_instances,
    taken,
)
from like_keras_core.lifecycle import LifecycleState
from like_keras_core.node import Node, check_name
from like_keras_core.port import Delay, InputPort, OutputPort, PortCollection
from like_keras_core.values.semantics import fingerprint


class ComponentType(ABCMeta):
    """Captures constructor arguments before the constructor runs."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance, and keep what it was made from."""
        captured = capture(cls, args, kwargs)
        component = super().__call__(*args, **kwargs)
        record = component._lk
        for name in vars(component):
            if is_kept_from_instances(name):
                raise TypeError(taken(cls, "assigns", name))
        if "config" not in vars(component):
            component.config = _default_config(cls)
        record.captured = captured
        config = vars(component)["config"]
        if config is not None:
            record.config_print = fingerprint(config)
        record.as_made = facts_of(record)
        record.made = True
        return component


def _default_config(cls: type) -> Any:
    config = getattr(cls, "Config", None)
    if not isinstance(config, type):
        return None
    try:
        return config()
    except TypeError as error:
        name = cls.__qualname__
        raise TypeError(
            f"{name} needs a config, since {name}.Config has fields without defaults "
            f"({error}). Pass one: {name}(config={name}.Config(...))"
        ) from None


class Component(AttributeWatch, metaclass=ComponentType):
    """An atomic unit of computation: subclass it and write `forward`.

    Each parameter of `forward` is an input port, its result the output port `output`;
    a NamedTuple, TypedDict or dataclass as return annotation gives one port a field.
    None as a result, or as a field, sends nothing at that tick.

    Args:
        name: Its name in a system; the class name in snake case when omitted.
        node: Where it runs; the system's default node when omitted.
        config: Its own parameters; `Config()` when the class has a nested `Config`.
        every: Fire at the ticks `ceil(n * every)`, an int or a Fraction of 1 or more;
            for components without a sync input.
        rate_hz: The same as a rate: `every` is the system's rate divided by it.
        takes: How many ticks a firing takes; the class's own when omitted. With 0 its
            results belong to the tick of its inputs, with k to the tick k later.
        takes_s: The same in seconds of the system's clock, rounded up to ticks.

    Raises:
        ValueError: The name cannot be a name, a number is none that it can be, or two
            of them say the same thing.
    """

    _lk: ComponentState
    config: Any

    needs: ClassVar[Sequence[str]] = ()
    """Capabilities that an engine must have to run such a component: names from
    `CAPABILITIES`. Most components need none."""

    rng = Rng()
    """`numpy.random.Generator`, seeded by the launch's seed and this address."""

    takes: Any = Takes()
    """How many ticks a firing takes: `takes = 8` in a class is the default of its
    constructor's `takes`."""

    rate_hz: Any = RateHz()
    """The rate that it was given [Hz]; None where it was given none."""

    takes_s: Any = TakesS()
    """What a firing takes, where that was given in seconds [s]; else None."""

    tick: Any = Tick()
    """The tick of the inputs of this firing; None outside of ticks."""

    time_s: Any = TimeS()
    """The time of this tick by the system's clock, `tick / rate` [s]."""

    dt: Any = Dt()
    """The time by the system's clock since this component fired before [s]; at its
    first firing its period."""

    log = Log()
    """`logging` adapter whose records carry `address` and `tick`."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Component:
        """Make the record first, so that any constructor may use it."""
        component = super().__new__(cls)
        object.__setattr__(component, "_lk", ComponentState(component))
        return component

    def __init__(
        self,
        name: str | None = None,
        node: Node | None = None,
        config: Any = None,
        every: int | Fraction = 1,
        *,
        rate_hz: float | Fraction | None = None,
        takes: int | None = None,
        takes_s: float | Fraction | None = None,
    ) -> None:
        if name is not None:
            self.name = name
        self.node = node
        declare(self._lk, every, rate_hz=rate_hz, takes=takes, takes_s=takes_s)
        self.config = _default_config(type(self)) if config is None else config

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in vars(cls):
            if is_kept_from_classes(name):
                raise TypeError(taken(cls, "defines", name))
        if type(takes := vars(cls).get("takes")) is int:
            cls.takes = Takes(whole_ticks(takes, cls.__qualname__))
        config = vars(cls).get("Config")
        has_fields = bool(getattr(config, "__annotations__", None))
        if isinstance(config, type) and has_fields and not is_dataclass(config):
            raise TypeError(
                f"{cls.__qualname__}.Config has fields but is not a dataclass. Write "
                "@dataclass above it."
            )

    def declare_ports(
        self,
        inputs: Mapping[str, InputPort] | Iterable[str] | None = None,
        outputs: Mapping[str, OutputPort] | Iterable[str] | None = None,
    ) -> None:
        """Give this instance other ports than its class implies; call it in `__init__`.

        For a component whose arguments decide what ports it has. What is declared
        takes the place of all ports that were read from the class on that side.
        `forward` is given the inputs by name, so it may take `**inputs`; for declared
        outputs it returns a dict by their names, and a name left out sends nothing.

        Args:
            inputs: The input ports: their names, or a dict from names to `InputPort`s.
                A name alone takes any value. None leaves those of the class.
            outputs: Likewise the output ports, as `OutputPort`s.

        Raises:
            RuntimeError: The component is made already.
            TypeError: An argument is of another type, or `forward` cannot take an
                input.
            ValueError: A name is given twice, or it cannot be a port's name.
        """
        from like_keras_core.authoring.declared_ports import declare

        declare(self, inputs, outputs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute one tick: inputs by parameter, outputs as the result."""
        raise NotImplementedError(f"{type(self).__qualname__} has no forward().")

    def on_configure(self) -> None:
        """Open devices and load models, where the component runs and before tick 0."""

    def on_activate(self) -> None:
        """Called after all components are configured, before the first tick."""

    def on_deactivate(self) -> None:
        """Called after the last tick, before any component shuts down."""

    def on_shutdown(self) -> None:
        """Give back what `on_configure` took."""

    @property
    def name(self) -> str:
        """Its name in a system."""
        return self._lk.name

    @name.setter
    def name(self, value: str) -> None:
        self._lk.name = check_name(value, "component")
        self._lk.has_default_name = False

    @property
    def node(self) -> Node | None:
        """Where it runs; None is the system's default node."""
        return self._lk.node

    @node.setter
    def node(self, value: Node | None) -> None:
        if not isinstance(value, (Node, type(None))):
            raise TypeError(_no_node(self.name, value))
        self._lk.node = value

    @property
    def every(self) -> int | Fraction:
        """It fires at the ticks `ceil(n * every)`; 1 while a `rate_hz` says so."""
        return self._lk.ticks_between

    @every.setter
    def every(self, value: int | Fraction) -> None:
        self._lk.every, self._lk.rate_hz = as_every(value, self.name), None

    @property
    def inputs(self) -> PortCollection[InputPort]:
        """Its input ports: `component.inputs.image`."""
        return self._lk.inputs

    @inputs.setter
    def inputs(self, value: NoReturn) -> None:
        raise AttributeError(taken(type(self), "assigns", "inputs"))

    @property
    def outputs(self) -> PortCollection[OutputPort]:
        """Its output ports: `component.outputs.boxes`."""
        return self._lk.outputs

    @outputs.setter
    def outputs(self, value: NoReturn) -> None:
        raise AttributeError(taken(type(self), "assigns", "outputs"))

    @property
    def lifecycle_state(self) -> LifecycleState:
        """Where it stands between construction and shutdown."""
        return self._lk.state

    @lifecycle_state.setter
    def lifecycle_state(self, value: NoReturn) -> None:
        raise AttributeError(taken(type(self), "assigns", "lifecycle_state"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Connect ports, or compute values by hand.

        Without arguments, or with output ports, it connects them to the inputs and
        returns the output port, or a named tuple of ports. With values it returns
        `forward`'s result.

        Raises:
            TypeError: Ports and values are mixed, or an input of that name is missing.
            GraphError: An input has another source already.
        """
        given = [*args, *kwargs.values()]
        ports = [isinstance(item, (OutputPort, Delay)) for item in given]
        for item in given:
            if isinstance(item, (Component, Composition, PortCollection)):
                giver = getattr(item, "name", "camera")
                raise TypeError(
                    f"{self.name}(...) takes output ports or values; got {item!r:.60}. "
                    f"Pass its output: {self.name}({giver}()), or "
                    f"{self.name}({giver}.outputs.output)."
                )
        if given and not any(ports) and not _is_ports(given[0]):
            self._lk.called = True
            return self.forward(*args, **kwargs)
        if not all(ports):
            value = given[ports.index(False)]
            if _is_ports(value):
                giver = value[0].component.name
                names = ", ".join(port.name for port in value)
                raise TypeError(
                    f"{giver!r} has several output ports ({names}); pass one of them: "
                    f"{self.name}({giver}.outputs.{value[0].name})"
                )
            raise TypeError(
                f"{self.name}(...) takes ports, to connect them, or values, to compute "
                f"by hand; not both. {value!r:.60} is a value."
            )
        for port, source in self._targets(args, kwargs):
            port.connect(source)
        return self._result()

    def _targets(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[tuple[InputPort, Any]]:
        inputs = list(self.inputs)
        if len(args) > len(inputs):
            raise TypeError(
                f"{self.name!r} has {len(inputs)} inputs, got {len(args)} ports."
            )
        yield from zip(inputs, args, strict=False)
        for name, source in kwargs.items():
            if name not in self.inputs:
                names = ", ".join(port.name for port in inputs) or "none"
                raise TypeError(
                    f"{self.name!r} has no input {name!r}; it has: {names}."
                )
            yield self.inputs[name], source

    def _result(self) -> Any:
        outputs = list(self.outputs)
        if len(outputs) < 2:
            return outputs[0] if outputs else None
        names = [port.name for port in outputs]
        # A port that a component declares may be called "left-eye".
        ports: Any = namedtuple("Ports", names, rename=True)  # type: ignore[misc]
        return ports(*outputs)

    def __repr__(self) -> str:
        place = f", node={self._lk.node.name!r}" if self._lk.node else ""
        return f"{type(self).__qualname__}(name={self.name!r}{place})"


setattr(Component.forward, "is_missing", True)  # noqa: B010 - unlike users' own


def _no_node(name: str, found: object) -> str:
    """Say what to write where something else than a node was given."""
    cure = "For an attribute of your own, choose another name."
    if isinstance(found, str):
        cure = f"Write Node({found!r})."
    return (
        f"The node of {name!r}, where it runs, must be a Node or None; "
        f"got {found!r:.80}. {cure}"
    )


def _is_ports(value: Any) -> bool:
    """Say whether a value is what a call of a component with several outputs gave."""
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], OutputPort)


def fresh(component: Component) -> Component:
    """Make a component again, from the arguments that it was made with."""
    old = component._lk
    twin: Component = old.captured.build(type(component), old.node)
    twin._lk.name, twin._lk.has_default_name = old.name, old.has_default_name
    twin._lk.node, twin._lk.every, twin._lk.rate_hz = old.node, old.every, old.rate_hz
    twin._lk.takes, twin._lk.takes_s = old.takes, old.takes_s
    twin._lk.period = old.period
    return twin
