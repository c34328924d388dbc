"""What a spec is made of: components with ports, their connections, and nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from like_keras_core.graph.frozen_json import FrozenDict, freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class PortSpec:
    """One input or output port of a component.

    Args:
        name: Its name inside the component.
        type: The annotation as text, for people and for engines' type names.
        policy: `"sync"`, `"hold"` or `"latest"`; means nothing on an output.
        required: Whether an input must be connected.
        options: JSON that an engine reads.
    """

    name: str
    type: str = "Any"
    policy: str = "sync"
    required: bool = True
    options: Mapping[str, Any] = field(default_factory=FrozenDict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", freeze(self.options))


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """One component: which class, with which arguments, on which node.

    Args:
        name: Its address in the system: `"detector"`, `"perception.detector"`.
        node: The name of the node that it runs on.
        entry_point: `"package.module:Class"`, or `"file.py:Class"` for a script.
        config: The captured constructor arguments as encoded JSON; None where they
            cannot be captured, so that only an in-process engine can run it.
        every: It fires at the ticks `ceil(n * every)`, from tick 0; 1 or more, a
            Fraction only where it is not a whole number.
        takes: Ticks from the inputs of a firing to its results; 0 is the same tick.
        period: Ticks between its firings, if the graph does not show them: of what
            sends the values of another component in its place.
        inputs: Its input ports, in the order of `forward`'s parameters.
        outputs: Its output ports, in order.
        needs: Capabilities that an engine must have to run it.
    """

    name: str
    node: str
    entry_point: str
    config: Mapping[str, Any] | None = None
    every: int | Fraction = 1
    takes: int = 0
    period: int | Fraction | None = None
    inputs: tuple[PortSpec, ...] = ()
    outputs: tuple[PortSpec, ...] = ()
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", freeze(self.config))

    def address_of(self, port: PortSpec) -> str:
        """Return the address of one of its ports: `"detector.boxes"`."""
        return f"{self.name}.{port.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DelaySpec:
    """A register on a connection.

    Args:
        initial: The value before the first one arrives, as encoded JSON.
    """

    initial: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", freeze(self.initial))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSpec:
    """A flow from one output port to one input port, by address.

    Args:
        source: The output port: `"camera.output"`.
        target: The input port: `"detector.image"`.
        delay: Set where the value arrives one tick later.
        inferred: True where the order of the components implied it.
    """

    source: str
    target: str
    delay: DelaySpec | None = None
    inferred: bool = False

    @property
    def producer(self) -> str:
        """The name of the component that the values come from."""
        return component_of(self.source)

    @property
    def consumer(self) -> str:
        """The name of the component that reads the values."""
        return component_of(self.target)

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """One process: its name, the machine it runs on, the engine it asks for."""

    name: str
    machine: str = "local"
    engine: str | None = None
    options: Mapping[str, Any] = field(default_factory=FrozenDict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", freeze(self.options))


def split_address(address: str) -> tuple[str, str]:
    """Split `"perception.detector.boxes"` into component and port."""
    component, _, port = address.rpartition(".")
    return component, port


def component_of(address: str) -> str:
    """Return the component of a port: `"perception.detector"`."""
    return address.rpartition(".")[0]
