"""A system as frozen data: what engines compile from, and what is saved.

A spec knows no live object. It goes to JSON and back without loss, and its
`digest()` is the same in every process and on every Python version. It is frozen as
deep as it goes, so equal specs are one key of a dict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from like_keras_core.errors import SpecError, SpecVersionError
from like_keras_core.graph.frozen_json import FrozenDict, freeze, thaw

if TYPE_CHECKING:
    from pathlib import Path

SPEC_VERSION = 1
DEFAULT_NODE = "main"
POLICIES = ("sync", "hold", "latest")

_T = TypeVar("_T")
_REQUIRED: Any = object()


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
        every: Fire on each k-th tick, from tick 0.
        inputs: Its input ports, in the order of `forward`'s parameters.
        outputs: Its output ports, in order.
        needs: Capabilities that an engine must have to run it.
    """

    name: str
    node: str
    entry_point: str
    config: Mapping[str, Any] | None = None
    every: int = 1
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSpec:
    """A whole system as data."""

    name: str = "system"
    rate_hz: float | None = None
    nodes: tuple[NodeSpec, ...] = ()
    components: tuple[ComponentSpec, ...] = ()
    connections: tuple[ConnectionSpec, ...] = ()
    version: int = SPEC_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON data, with every field written.

        The data is the caller's own: it may be changed, and read by `from_dict`.
        """
        found: dict[str, Any] = thaw(self._fields())
        return found

    def _fields(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "name": self.name,
            "rate_hz": self.rate_hz,
            "nodes": [_node_dict(node) for node in self.nodes],
            "components": [_component_dict(item) for item in self.components],
            "connections": [_connection_dict(item) for item in self.connections],
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the spec as strict JSON text."""
        return json.dumps(self._fields(), indent=indent, allow_nan=False)

    def digest(self) -> str:
        """Return the SHA-256 of the spec's canonical JSON, in hexadecimal."""
        text = json.dumps(self._fields(), separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def from_dict(cls, data: object) -> SystemSpec:
        """Read what `to_dict` gave.

        Raises:
            SpecVersionError: A newer like_keras wrote it.
            SpecError: It is not a spec; the text says which part, and why.
        """
        top = _Reader(data, "the spec")
        version = top.get("version", int)
        if version > SPEC_VERSION or version < 1:
            raise SpecVersionError(version, SPEC_VERSION)
        try:
            spec = cls(
                version=version,
                name=top.get("name", str),
                rate_hz=top.get("rate_hz", float, optional=True, default=None),
                nodes=top.each("nodes", _read_node),
                components=top.each("components", _read_component),
                connections=top.each("connections", _read_connection),
            )
        except RecursionError:
            raise SpecError("The spec is nested too deeply to be read.") from None
        top.finish()
        return spec

    @classmethod
    def from_json(cls, text: str) -> SystemSpec:
        """Read what `to_json` gave.

        Raises:
            SpecError: As `from_dict`, and for text that is no JSON.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SpecError(f"A saved system is JSON; this is not: {error}") from None
        return cls.from_dict(data)

    def node(self, name: str) -> NodeSpec:
        """Return the node of that name.

        Raises:
            KeyError: There is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def component(self, name: str) -> ComponentSpec:
        """Return the component of that address.

        Raises:
            KeyError: There is none.
        """
        for component in self.components:
            if component.name == name:
                return component
        raise KeyError(name)

    def inputs(self) -> dict[str, PortSpec]:
        """Return every input port by its address, component by component."""
        return {
            component.address_of(port): port
            for component in self.components
            for port in component.inputs
        }

    def outputs(self) -> dict[str, PortSpec]:
        """Return every output port by its address, component by component."""
        return {
            component.address_of(port): port
            for component in self.components
            for port in component.outputs
        }


@runtime_checkable
class HasSpec(Protocol):
    """What can say its own spec: a live `System`."""

    def to_spec(self) -> SystemSpec:
        """Return the spec."""
        ...


def as_spec(system: HasSpec | SystemSpec) -> SystemSpec:
    """Return the spec of a live system, or the spec itself.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(system, SystemSpec):
        return system
    if isinstance(system, HasSpec):
        return system.to_spec()
    raise TypeError(f"Expected a System or a SystemSpec, got {system!r}.")


def default_build_dir(engine: str) -> Path:
    """Return the folder that an engine compiles into: `.lk_build/<engine>`."""
    from pathlib import Path

    return Path(".lk_build") / engine


def split_address(address: str) -> tuple[str, str]:
    """Split `"perception.detector.boxes"` into component and port."""
    component, _, port = address.rpartition(".")
    return component, port


def component_of(address: str) -> str:
    """Return the component of a port: `"perception.detector"`."""
    return address.rpartition(".")[0]


def _port_dict(port: PortSpec) -> dict[str, Any]:
    return {
        "name": port.name,
        "type": port.type,
        "policy": port.policy,
        "required": port.required,
        "options": port.options,
    }


def _component_dict(component: ComponentSpec) -> dict[str, Any]:
    needs = {"needs": list(component.needs)} if component.needs else {}
    return {
        "name": component.name,
        "node": component.node,
        "entry_point": component.entry_point,
        "config": component.config,
        "every": component.every,
        "inputs": [_port_dict(port) for port in component.inputs],
        "outputs": [_port_dict(port) for port in component.outputs],
        **needs,
    }


def _connection_dict(connection: ConnectionSpec) -> dict[str, Any]:
    delay = connection.delay
    return {
        "source": connection.source,
        "target": connection.target,
        "delay": None if delay is None else {"initial": delay.initial},
        "inferred": connection.inferred,
    }


def _node_dict(node: NodeSpec) -> dict[str, Any]:
    return {
        "name": node.name,
        "machine": node.machine,
        "engine": node.engine,
        "options": node.options,
    }


class _Reader:
    """Takes fields out of JSON data and says exactly what does not fit."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            kind = type(data).__name__
            raise SpecError(f"In {where}: expected an object, got {kind}.")
        self.rest: dict[str, Any] = dict(data)
        self.where = where

    def get(
        self,
        key: str,
        kind: type[_T],
        *,
        optional: bool = False,
        default: Any = _REQUIRED,
    ) -> Any:
        value = self.rest.pop(key, default)
        if value is _REQUIRED:
            raise SpecError(f"In {self.where}: the field {key!r} is missing.")
        if value is None and optional:
            return None
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise SpecError(
                f"In {self.where}: {key!r} must be {kind.__name__}, got {value!r:.200}."
            )
        return value

    def each(self, key: str, read: Callable[[object, str], _T]) -> tuple[_T, ...]:
        items: Sequence[object] = self.get(key, list)
        return tuple(read(item, f"{key}[{n}]") for n, item in enumerate(items))

    def finish(self) -> None:
        if self.rest:
            names = ", ".join(map(repr, self.rest))
            raise SpecError(f"In {self.where}: unknown field {names:.200}.")


def _read_port(data: object, where: str) -> PortSpec:
    reader = _Reader(data, where)
    port = PortSpec(
        name=reader.get("name", str),
        type=reader.get("type", str),
        policy=reader.get("policy", str),
        required=reader.get("required", bool),
        options=reader.get("options", dict),
    )
    reader.finish()
    return port


def _read_component(data: object, where: str) -> ComponentSpec:
    reader = _Reader(data, where)
    component = ComponentSpec(
        name=reader.get("name", str),
        node=reader.get("node", str),
        entry_point=reader.get("entry_point", str),
        config=reader.get("config", dict, optional=True),
        every=reader.get("every", int),
        inputs=reader.each("inputs", _read_port),
        outputs=reader.each("outputs", _read_port),
        needs=tuple(map(str, reader.get("needs", list, default=[]))),
    )
    reader.finish()
    return component


def _read_connection(data: object, where: str) -> ConnectionSpec:
    reader = _Reader(data, where)
    delay = reader.get("delay", dict, optional=True)
    connection = ConnectionSpec(
        source=reader.get("source", str),
        target=reader.get("target", str),
        delay=None if delay is None else _read_delay(delay, f"{where}.delay"),
        inferred=reader.get("inferred", bool),
    )
    reader.finish()
    return connection


def _read_delay(data: object, where: str) -> DelaySpec:
    reader = _Reader(data, where)
    delay = DelaySpec(initial=reader.get("initial", object, optional=True))
    reader.finish()
    return delay


def _read_node(data: object, where: str) -> NodeSpec:
    reader = _Reader(data, where)
    node = NodeSpec(
        name=reader.get("name", str),
        machine=reader.get("machine", str),
        engine=reader.get("engine", str, optional=True),
        options=reader.get("options", dict),
    )
    reader.finish()
    return node
