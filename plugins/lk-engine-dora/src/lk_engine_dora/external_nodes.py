"""Existing dora nodes in a system: how they are found in its spec."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from like_keras_core.engine_kit import decode_json, once_per_spec
from like_keras_core.spec import ComponentSpec, SystemSpec

ENTRY_POINT = "lk_engine_dora.foreign:DoraNode"
"""What a spec says of a `DoraNode`; saved systems hold it, so the class stays there."""

ARRIVAL, FRESH = "arrival", "fresh"
"""Outputs of a `DoraNode` that say when what it gives has come."""

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a spec says of a `DoraNode`.

    Args:
        name: The component's address.
        path: What dora starts.
        args: Its arguments as one string.
        env: Its environment.
        build: The command that makes it.
        ticks: How its messages are numbered.
        read: How its messages are read that have no numbers.
        max_age_s: What came longer ago is not given [s].
        stale_after_s: After how long without a message it counts as silent [s].
        backlog: How many messages of an output wait at most.
        arrival: Whether there is an output that says when they came.
    """

    name: str
    path: str
    args: str | None = None
    env: Mapping[str, Scalar] = field(default_factory=dict)
    build: str | None = None
    ticks: str | None = None
    read: str | None = None
    max_age_s: float | None = None
    stale_after_s: float | None = None
    backlog: int | None = None
    arrival: bool = False

    @property
    def added(self) -> frozenset[str]:
        """Its component's outputs that are none of the dora node's."""
        given = {ARRIVAL: self.arrival, FRESH: self.stale_after_s is not None}
        return frozenset(port for port, is_given in given.items() if is_given)

    @classmethod
    def from_spec(cls, component: ComponentSpec) -> Foreign:
        """Read the arguments that a spec has kept."""
        given = decode_json(dict(component.config or {}))
        args = given.get("args")
        return cls(
            component.name,
            given.get("path", ""),
            args if args is None or isinstance(args, str) else shlex.join(args),
            given.get("env") or {},
            given.get("build"),
            given.get("ticks"),
            given.get("read"),
            given.get("max_age_s"),
            given.get("stale_after_s"),
            given.get("backlog"),
            given.get("arrival", False),
        )


@once_per_spec
def foreign_nodes(spec: SystemSpec) -> Mapping[str, Foreign]:
    """Return the dora nodes of a system that are not ours, by their node's name."""
    return MappingProxyType(
        {
            component.node: Foreign.from_spec(component)
            for component in spec.components
            if component.entry_point == ENTRY_POINT
        }
    )


def shows_numpy(spec: SystemSpec, address: str) -> bool:
    """Say whether the values of a dora node's output are handed over as numpy's."""
    types = types_of(spec, address)
    return any(map(is_numpy, types)) and not any(map(is_arrow, types))


def types_of(spec: SystemSpec, address: str) -> dict[str, str]:
    """Return how an output and the inputs that it feeds are annotated.

    Returns:
        By annotation, the address of the first of these ports that has it.
    """
    targets = {item.target for item in spec.connections if item.source == address}
    outputs = spec.outputs()
    found = {outputs[address].type: address} if address in outputs else {}
    for name, port in spec.inputs().items():
        if name in targets:
            found.setdefault(port.type, name)
    return found


def is_numpy(annotation: str) -> bool:
    """Say whether an annotation, given as text, has numpy's arrays in it."""
    return "numpy.ndarray" in annotation


def is_arrow(annotation: str) -> bool:
    """Say whether an annotation, given as text, has Arrow's arrays in it."""
    return "pyarrow" in annotation
