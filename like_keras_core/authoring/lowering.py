"""Live systems become specs: flattened, named, wired, with every config captured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from like_keras_core.authoring.changed_constants import changed_constants
from like_keras_core.authoring.component_time import class_has_ours
from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.config_check import config_issues
from like_keras_core.authoring.connections import connections_of, whole_record_issues
from like_keras_core.authoring.declared_times import resolved
from like_keras_core.authoring.flattening import Flat, flatten
from like_keras_core.component import Component
from like_keras_core.errors import LkError, NotSerializableError
from like_keras_core.graph.checks import periods
from like_keras_core.issue import Issue
from like_keras_core.node import Node
from like_keras_core.plugins.session import session_without_engine
from like_keras_core.port import InputPort, OutputPort
from like_keras_core.spec import (
    DEFAULT_NODE,
    ComponentSpec,
    HasSpec,
    NodeSpec,
    PortSpec,
    SystemSpec,
    as_spec,
)
from like_keras_core.values.annotations import (
    Unresolved,
    to_text,
)
from like_keras_core.values.class_refs import entry_point_of
from like_keras_core.values.config_json import encode
from like_keras_core.values.gc_pause import collection_paused
from like_keras_core.values.semantics import fingerprint

LOST = frozenset({"assigned-attribute", "changed-constant"})
"""Codes of issues about what components have here and would not have elsewhere."""

REBUILT = LOST | {"not-serializable"}
"""Codes of issues that matter only where components are made again elsewhere."""

UNFED = frozenset({"outside", "fields-are-ports"})
"""Codes of issues that say why an input is not fed."""


@dataclass(slots=True)
class Lowered:
    """A live system as data, with what only the live one knows.

    Args:
        spec: The system as data.
        issues: What was wrong on the way.
        components: The live components by address.
    """

    spec: SystemSpec
    issues: list[Issue]
    components: dict[str, Component]

    def periods(self) -> Mapping[str, int | Fraction]:
        """Return by component how many ticks lie between its firings."""
        return periods(self.spec)


_kept: ContextVar[tuple[Composition, Lowered] | None] = ContextVar("kept", default=None)
"""The system that this thread launches, lowered once for all of it."""


def lower(system: Composition, rate_hz: float | None = None) -> Lowered:
    """Return a live system as data, with every issue that only the live one shows.

    Args:
        system: The system.
        rate_hz: Ticks per second, for a system without a rate.
    """
    kept = _kept.get()
    if kept is not None and kept[0] is system:
        return kept[1]
    with collection_paused():
        return _lower(system, rate_hz if system.rate_hz is None else system.rate_hz)


def spec_at(system: HasSpec | SystemSpec, rate_hz: float | None) -> SystemSpec:
    """Return a system as data; one without a rate with that of its launch.

    Args:
        system: A live system, or its spec.
        rate_hz: Ticks per second of the launch.
    """
    if isinstance(system, Composition) and rate_hz is not None:
        return system.lower(rate_hz).spec
    spec = as_spec(system)
    return replace(spec, rate_hz=rate_hz) if spec.rate_hz is None else spec


@contextmanager
def lowered_once(
    system: Composition, rate_hz: float | None = None
) -> Iterator[Lowered]:
    """Lower a system once for all that asks for it inside.

    Args:
        system: The system.
        rate_hz: Ticks per second, for a system without a rate.
    """
    lowered = system.lower() if rate_hz is None else system.lower(rate_hz)
    token = _kept.set((system, lowered))
    try:
        yield lowered
    finally:
        _kept.reset(token)


def _lower(system: Composition, rate_hz: float | None) -> Lowered:
    flat = flatten(system)
    issues = flat.issues
    nodes = _nodes(flat, issues)
    connections = connections_of(system, flat, issues)
    serialize = session_without_engine().serialize_component
    issues += whole_record_issues(flat, connections)
    components = []
    for address, component in flat.components.items():
        issues += _nested(component, address)
        issues += _assigned(component, address)
        issues += config_issues(component, address)
        issues += _unresolved(component, address)
        every, takes = _times(component, address, rate_hz, issues)
        issues += _own_takes(component, address, takes)
        found = _component_spec(component, address, issues, serialize)
        components.append(replace(found, every=every, takes=takes))
    issues += changed_constants(flat.components)
    spec = SystemSpec(
        name=system.name,
        rate_hz=None if rate_hz is None else float(rate_hz),
        late=system.late,
        nodes=tuple(nodes),
        components=tuple(components),
        connections=tuple(connections),
    )
    return Lowered(spec, issues, dict(flat.components))


def node_of(component: Component) -> Node:
    """Return a component's node, or the default one."""
    return component.node or Node(DEFAULT_NODE)


def nodes_of(components: Iterable[Component]) -> dict[Node, list[Component]]:
    """Return the nodes, in order of appearance, each with its components.

    Of several nodes of one name the first one stands for all.
    """
    first: dict[str, Node] = {}
    found: dict[Node, list[Component]] = {}
    for component in components:
        node = node_of(component)
        node = first.setdefault(node.name, node)
        found.setdefault(node, []).append(component)
    return found


def _nodes(flat: Flat, issues: list[Issue]) -> list[NodeSpec]:
    found: dict[str, Node] = {}
    for address, component in flat.components.items():
        node = node_of(component)
        first = found.setdefault(node.name, node)
        if first is not node and first != node:
            issues.append(
                Issue(
                    f"Two different nodes are called {node.name!r}: {first!r}, and "
                    f"{node!r} of {address!r}. Rename one, or use one Node object.",
                    code="duplicate-node",
                    address=address,
                )
            )
    specs = []
    for node in found.values():
        try:
            options = {
                key: _plain_json(value, f"option {key!r} of node {node.name!r}")
                for key, value in node.options.items()
            }
        except NotSerializableError as error:
            issues.append(Issue(str(error), code="option", address=node.name))
            options = {}
        specs.append(
            NodeSpec(
                name=node.name,
                machine=node.machine,
                engine=node.engine,
                options=options,
            )
        )
    return specs


def _plain_json(value: Any, where: str) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain_json(item, where) for item in value]
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {key: _plain_json(item, where) for key, item in value.items()}
    raise NotSerializableError(
        f"The {where} is {value!r:.80}; options are plain JSON: numbers, "
        "strings, booleans, lists, and dicts with strings as keys."
    )


def _nested(component: Component, address: str) -> Iterator[Issue]:
    for name, value in vars(component).items():
        if name == "_lk":
            continue
        if isinstance(value, dict):
            items = list(value.values())
        else:
            items = list(value) if type(value) in (list, tuple, set) else [value]
        for item in items:
            if isinstance(item, (Component, Composition)):
                yield Issue(
                    f"Component {address!r} holds another component in its attribute "
                    f"{name!r} ({item!r:.60}). A component is atomic: put both into a "
                    f"System and connect them.",
                    code="nested-component",
                    address=address,
                )
                return


def _assigned(component: Component, address: str) -> Iterator[Issue]:
    record = component._lk
    names = list(record.assigned)
    config = vars(component).get("config")
    changed = record.config_print is not None and not record.launched
    if changed and "config" not in names and fingerprint(config) != record.config_print:
        names.append("config")
    if names:
        listed = ", ".join(f"{address}.{name}" for name in names)
        yield Issue(
            f"{listed} was assigned after {type(component).__qualname__} was made, so "
            "an instance that another process or launch makes does not have "
            "it. Pass it to __init__ instead.",
            code="assigned-attribute",
            address=address,
        )


def _times(
    component: Component, address: str, rate_hz: float | None, issues: list[Issue]
) -> tuple[int | Fraction, int]:
    """Return how often a component fires and how long that takes, in ticks."""
    try:
        return resolved(component._lk, rate_hz)
    except ValueError as error:
        text = f"Component {address!r}: {error}"
        issues.append(Issue(text, code="rate", address=address))
        return 1, 0


def _own_takes(component: Component, address: str, takes: int) -> Iterator[Issue]:
    own, cls = vars(component).get("takes", takes), type(component)
    if type(own) is int and own != takes and class_has_ours(cls, "takes"):
        yield Issue(
            f"{cls.__qualname__} assigns self.takes = {own}, an attribute of its own: "
            f"the run goes by takes={takes} of {address!r}. To say how many ticks a "
            f"firing takes: super().__init__(takes={own}). Else choose another name.",
            code="own-takes",
            address=address,
            severity="warning",
        )


def _unresolved(component: Component, address: str) -> Iterator[Issue]:
    for text in component._lk.signature.unresolved:
        yield Issue(
            f"The annotation {text!r} on {type(component).__qualname__}.forward cannot "
            "be resolved, so it counts as Any. Import the name at run time, not only "
            "under TYPE_CHECKING.",
            code="unresolved-annotation",
            address=address,
            severity="warning",
        )


def _component_spec(
    component: Component, address: str, issues: list[Issue], serialize: Any
) -> ComponentSpec:
    record = component._lk
    entry_point, config = _identity(component, address, issues, serialize)
    return ComponentSpec(
        name=address,
        node=node_of(component).name,
        entry_point=entry_point,
        config=config,
        period=record.period,
        needs=tuple(component.needs),
        inputs=tuple(
            PortSpec(
                name=port.name,
                type=_type_text(port.type),
                policy=port.policy,
                required=port.required,
                options=_options(port, address, issues),
            )
            for port in record.inputs
        ),
        outputs=tuple(
            PortSpec(
                name=port.name,
                type=_type_text(port.type),
                options=_options(port, address, issues),
            )
            for port in record.outputs
        ),
    )


def _type_text(annotation: Any) -> str:
    if isinstance(annotation, Unresolved):
        return "Any"
    return to_text(annotation)


def _options(
    port: InputPort | OutputPort, address: str, issues: list[Issue]
) -> dict[str, Any]:
    if not port.options:
        return {}
    where = f"{address}.{port.name}"
    try:
        return {
            key: _plain_json(value, f"option {key!r} of port {where!r}")
            for key, value in port.options.items()
        }
    except NotSerializableError as error:
        issues.append(Issue(str(error), code="option", address=where))
        return {}


def _identity(
    component: Component, address: str, issues: list[Issue], serialize: Any
) -> tuple[str, Mapping[str, Any] | None]:
    answer = serialize(component)
    if answer is not None:
        return answer.entry_point, answer.config
    cls = type(component)
    where = f"component {address!r}"
    try:
        entry_point = entry_point_of(cls, f"Component {address!r}")
    except NotSerializableError as error:
        issues.append(Issue(str(error), code="not-serializable", address=address))
        return f"{cls.__module__}:{cls.__qualname__}", None
    try:
        config = {
            name: encode(value, f"Argument {name!r} of {where}")
            for name, value in component._lk.captured.arguments.items()
        }
    except LkError as error:
        issues.append(Issue(str(error), code="not-serializable", address=address))
        return entry_point, None
    return entry_point, config
