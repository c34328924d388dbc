"""Specs become live components again; live systems give theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from like_keras_core.authoring.component_state import ComponentState, facts_of
from like_keras_core.authoring.constructor_args import construct
from like_keras_core.authoring.declared_times import resolved
from like_keras_core.component import Component, fresh
from like_keras_core.errors import (
    ComponentError,
    GraphError,
    LkError,
    LoadError,
    SpecError,
)
from like_keras_core.graph.checks import check
from like_keras_core.graph.node_trust import check_foreign, check_nodes
from like_keras_core.issue import errors_in
from like_keras_core.node import Node
from like_keras_core.port import Delay, InputPort, OutputPort
from like_keras_core.runtime.stop_signals import came_by_signal
from like_keras_core.runtime.tracebacks import place_of, text_of, traceback_of
from like_keras_core.spec import (
    DEFAULT_NODE,
    ComponentSpec,
    HasSpec,
    SystemSpec,
    split_address,
)
from like_keras_core.values.class_refs import resolve
from like_keras_core.values.config_json import decode

_FOREIGN = "foreign-nodes"


def instantiate(
    system: HasSpec | SystemSpec,
    spec: SystemSpec,
    *,
    allow: Iterable[str] | None = None,
    folders: Sequence[Path] = (),
) -> dict[str, Component]:
    """Return the components to run, by address.

    A live system gives its own objects for their first launch, if they were not
    called by hand before; else, and for a spec, they are made again, from the
    arguments that they were made with.

    Args:
        system: What is launched, live or as a spec.
        spec: The part of it that runs here: its components are made.
        allow: Module prefixes that may be imported; None allows all.
        folders: Where scripts are looked for.

    Raises:
        ComponentError: A constructor raised.
        LoadError: The code of a component cannot be loaded.
    """
    live: dict[str, Component] = {}
    if not isinstance(system, SystemSpec):
        live = getattr(system, "lower")().components  # noqa: B009
    made = {}
    for component in spec.components:
        authored = live.get(component.name)
        if authored is None:
            made[component.name] = build(component, spec, allow=allow, folders=folders)
        elif authored._lk.launched or authored._lk.called:
            made[component.name] = _again(authored, component)
        else:
            made[component.name] = authored
    return made


def rebuild(
    spec: SystemSpec, *, allow: Sequence[str] | None, folders: Sequence[Path]
) -> dict[str, Component]:
    """Make the components of a system again, by address.

    Args:
        spec: The system.
        allow: Module prefixes that may be imported; None allows all.
        folders: Where scripts are looked for.

    Raises:
        GraphError: The spec is not a sound system.
        LoadError: The code of a component cannot be loaded, or is not allowed.
    """
    errors = errors_in(check(spec))
    if errors:
        raise GraphError(errors, spec.name)
    check_nodes(spec.nodes, allow)
    components = instantiate(spec, spec, allow=allow, folders=folders)
    check_foreign(
        [x for x in spec.components if _FOREIGN in components[x.name].needs], allow
    )
    for component in spec.components:
        for port in component.inputs:
            live = components[component.name].inputs
            if port.name in live:
                live[port.name].policy = port.policy
    return components


def _again(authored: Component, spec: ComponentSpec) -> Component:
    try:
        return fresh(authored)
    except BaseException as error:
        if came_by_signal(error):
            raise
        raise failed_to_build(spec, error) from error


def build(
    component: ComponentSpec,
    spec: SystemSpec,
    *,
    allow: Iterable[str] | None = None,
    folders: Sequence[Path] = (),
) -> Component:
    """Make one component from its spec.

    Nothing is called before its entry point has proved to be a Component.

    Args:
        component: What to make.
        spec: The system that it belongs to, for its node.
        allow: Prefixes of modules that may be imported; None allows all.
        folders: Where to look for scripts.

    Raises:
        SpecError: Its config was not captured, or does not fit its class.
        LoadError: Its entry point is not a component, or cannot be loaded.
        ComponentError: Its constructor raised.
    """
    find = partial(
        resolve, allow=None if allow is None else list(allow), folders=folders
    )
    cls = find(component.entry_point)
    if not issubclass(cls, Component):
        raise LoadError(
            f"The entry point {component.entry_point!r} of {component.name!r} is "
            f"{cls.__qualname__}, which is not a Component; it was not called."
        )
    if component.config is None:
        raise SpecError(
            f"The spec of {component.name!r} has no config: its arguments could not be "
            "captured where it was written, so it cannot be made again."
        )
    arguments = decode(dict(component.config), find)
    node = None
    if component.node != DEFAULT_NODE:
        node = Node.from_spec(spec.node(component.node))
    try:
        made: Component = construct(cls, arguments, node)
    except BaseException as error:
        if came_by_signal(error):
            raise
        raise failed_to_build(component, error) from error
    record = made._lk
    default = record.name
    record.name, record.node = component.name, node
    is_as_made = _times(record, spec) == (component.every, component.takes)
    record.every, record.takes = component.every, component.takes
    record.period = component.period
    if is_as_made:
        record.as_made = facts_of(record)
    record.has_default_name = record.has_default_name and default == component.name
    return made


def _times(record: ComponentState, spec: SystemSpec) -> object:
    """Return the times that a constructor says, in ticks; None where they have none."""
    try:
        return resolved(record, spec.rate_hz)
    except ValueError:
        return None


def failed_to_build(spec: ComponentSpec, error: BaseException) -> LkError:
    """Return the error for a constructor that raised."""
    return ComponentError(
        spec.name,
        spec.node,
        "__init__",
        None,
        text_of(error, "__init__"),
        traceback_of(error),
        place=place_of(error),
    )


def connections_between(
    components: Mapping[str, Component],
    spec: SystemSpec,
    *,
    allow: Iterable[str] | None = None,
    folders: Sequence[Path] = (),
) -> Iterator[tuple[OutputPort | Delay, InputPort, bool]]:
    """Give each connection of a spec by its live ports, and whether it was inferred.

    Args:
        components: The components by address, as `instantiate` gives them.
        spec: The system.
        allow: Module prefixes that may be imported; None allows all.
        folders: Where scripts are looked for.

    Raises:
        SpecError: A component no longer has a port that the spec names.
    """
    find = partial(
        resolve, allow=None if allow is None else list(allow), folders=folders
    )
    for connection in spec.connections:
        source, output = split_address(connection.source)
        target, port = split_address(connection.target)
        try:
            start: OutputPort | Delay = components[source].outputs[output]
            end = components[target].inputs[port]
        except KeyError as error:
            raise SpecError(
                f"The saved connection '{connection}' does not fit the code: "
                f"{error.args[0]}"
            ) from None
        if connection.delay is not None:
            start = start.delay(decode(connection.delay.initial, find))
        yield start, end, connection.inferred
