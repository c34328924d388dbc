"""A system as frozen data: what engines compile from, and what is saved.

A spec knows no live object. It goes to JSON and back without loss, and its
`digest()` is the same in every process and on every Python version. It is frozen as
deep as it goes, so equal specs are one key of a dict.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from like_keras_core.errors import SpecError, SpecVersionError
from like_keras_core.graph.elements import (
    ComponentSpec,
    ConnectionSpec,
    DelaySpec,
    NodeSpec,
    PortSpec,
    component_of,
    split_address,
)
from like_keras_core.graph.frozen_json import thaw
from like_keras_core.graph.once import RemembersAnswers, once_per_spec
from like_keras_core.graph.spec_json import (
    JsonObject,
    component_dict,
    connection_dict,
    node_dict,
    parse_json,
    read_component,
    read_connection,
    read_node,
)

if TYPE_CHECKING:
    from pathlib import Path

SPEC_VERSION = 1
DEFAULT_NODE = "main"
POLICIES = ("sync", "hold", "latest")
LATE = ("wait", "skip")

__all__ = [
    "DEFAULT_NODE",
    "LATE",
    "POLICIES",
    "SPEC_VERSION",
    "ComponentSpec",
    "ConnectionSpec",
    "DelaySpec",
    "HasSpec",
    "NodeSpec",
    "PortSpec",
    "SystemSpec",
    "as_spec",
    "component_of",
    "default_build_dir",
    "split_address",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSpec(RemembersAnswers):
    """A whole system as data."""

    name: str = "system"
    rate_hz: float | None = None
    late: str = "wait"
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
            **({} if self.late == "wait" else {"late": self.late}),
            "nodes": [node_dict(node) for node in self.nodes],
            "components": [component_dict(item) for item in self.components],
            "connections": [connection_dict(item) for item in self.connections],
        }

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the spec as strict JSON text."""
        return json.dumps(self._fields(), indent=indent, allow_nan=False)

    @once_per_spec
    def digest(self) -> str:
        """Return the SHA-256 of the spec's canonical JSON, in hexadecimal."""
        text = json.dumps(self._fields(), separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @classmethod
    def from_dict(cls, data: object) -> SystemSpec:
        """Read what `to_dict` gave.

        Raises:
            SpecVersionError: A newer like_keras wrote it.
            SpecError: It is not a spec; the message says which part, and why.
        """
        top = JsonObject(data, "the spec")
        version = top.get("version", int)
        if version > SPEC_VERSION or version < 1:
            raise SpecVersionError(version, SPEC_VERSION)
        try:
            spec = cls(
                version=version,
                name=top.get("name", str),
                rate_hz=top.get("rate_hz", float, optional=True, default=None),
                late=top.get("late", str, default="wait"),
                nodes=top.each("nodes", read_node),
                components=top.each("components", read_component),
                connections=top.each("connections", read_connection),
            )
        except RecursionError:
            raise SpecError("The spec is nested too deeply to be read.") from None
        top.finish()
        return spec

    @classmethod
    def from_json(cls, text: str) -> SystemSpec:
        """Read what `to_json` gave.

        Raises:
            SpecError: As `from_dict`, and for text that is not JSON.
        """
        return cls.from_dict(parse_json(text))

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
