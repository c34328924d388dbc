"""Questions about a graph, answered from its spec alone."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from types import MappingProxyType

from like_keras_core.errors import nearest
from like_keras_core.graph.once import once_per_spec
from like_keras_core.graph.time_checks import slow_issues
from like_keras_core.issue import Issue
from like_keras_core.spec import (
    LATE,
    POLICIES,
    ComponentSpec,
    ConnectionSpec,
    PortSpec,
    SystemSpec,
    component_of,
    split_address,
)

_ADDRESS = re.compile(r"\w[\w-]*(\.\w[\w-]*)*")
_MOST_CANDIDATES = 20
"""For how many unfed inputs a source is looked for; more suggestions are not read."""


@once_per_spec
def within_tick(spec: SystemSpec) -> tuple[ConnectionSpec, ...]:
    """Return the connections that carry a value within the tick of its firing.

    They alone say who fires before whom: what a delay holds back, or what comes from a
    component that takes ticks, is of an earlier firing.
    """
    slow = {component.name for component in spec.components if component.takes}
    return tuple(
        connection
        for connection in spec.connections
        if connection.delay is None and connection.producer not in slow
    )


@once_per_spec
def execution_order(spec: SystemSpec) -> tuple[int, ...]:
    """Return the components' indexes in the order in which they fire within a tick.

    Topological over the connections that carry a value within the tick; ties go by
    list order. Components in a cycle of them are left out.
    """
    index = {component.name: n for n, component in enumerate(spec.components)}
    after: list[list[int]] = [[] for _ in spec.components]
    waits = [0] * len(spec.components)
    for connection in within_tick(spec):
        source = index.get(connection.producer)
        target = index.get(connection.consumer)
        if source is not None and target is not None:
            after[source].append(target)
            waits[target] += 1
    ready = [n for n, count in enumerate(waits) if count == 0]
    order = []
    while ready:
        first = heapq.heappop(ready)
        order.append(first)
        for target in after[first]:
            waits[target] -= 1
            if waits[target] == 0:
                heapq.heappush(ready, target)
    return tuple(order)


@once_per_spec
def fires_itself(spec: SystemSpec) -> frozenset[str]:
    """Return the components that no sync input fires: time alone does."""
    inputs = spec.inputs()
    fired = {
        connection.consumer
        for connection in spec.connections
        if connection.delay is None and inputs[connection.target].policy == "sync"
    }
    return frozenset(item.name for item in spec.components if item.name not in fired)


def find_cycle(spec: SystemSpec, order: Sequence[int]) -> list[ConnectionSpec]:
    """Return the connections of one cycle among what is not in the execution order."""
    stuck = set(range(len(spec.components))) - set(order)
    names = {spec.components[n].name for n in stuck}
    back: dict[str, ConnectionSpec] = {}
    for connection in within_tick(spec):
        source = connection.producer
        target = connection.consumer
        if source in names and target in names:
            back.setdefault(target, connection)
    here = next(iter(back))
    seen: dict[str, int] = {}
    path: list[ConnectionSpec] = []
    while here not in seen:
        seen[here] = len(path)
        path.append(back[here])
        here = component_of(back[here].source)
    return path[seen[here] :][::-1]


def by_node(spec: SystemSpec) -> dict[str, list[ComponentSpec]]:
    """Return the components of each node, in order of appearance.

    A node without components is there, too, with an empty list.
    """
    nodes: dict[str, list[ComponentSpec]] = {node.name: [] for node in spec.nodes}
    for component in spec.components:
        nodes.setdefault(component.node, []).append(component)
    return nodes


@once_per_spec
def check(spec: SystemSpec) -> tuple[Issue, ...]:
    """List everything that is wrong with a system, whatever the engine.

    Such as inputs that nothing feeds, names that are used twice, and cycles without a
    delay. Each issue names an address and says what to do; warnings are among them.
    The core has done this before it calls an engine; an engine that may be called by
    hand does it for the specs that it is given.
    """
    issues = [*_nothing_there(spec), *_bad_names(spec), *_names_twice(spec)]
    issues += _bad_nodes(spec)
    issues += _bad_connections(spec)
    issues += unfed_inputs(spec)
    issues += _bad_times(spec)
    order = execution_order(spec)
    issues += _unequal_joins(spec, order)
    issues += slow_issues(spec)
    if len(order) < len(spec.components):
        issues.append(_cycle_issue(find_cycle(spec, order)))
    return tuple(issues)


def _nothing_there(spec: SystemSpec) -> Iterator[Issue]:
    if not spec.components:
        yield Issue(
            f"System {spec.name!r} has no components. Give it some: "
            "System(components=[...]).",
            code="empty",
            address=spec.name,
        )


def _bad_names(spec: SystemSpec) -> Iterator[Issue]:
    names = [("system", spec.name)]
    names += [("node", node.name) for node in spec.nodes]
    for component in spec.components:
        names.append(("component", component.name))
        ports = (*component.inputs, *component.outputs)
        names += [("port", port.name) for port in ports]
    for what, name in names:
        if not _ADDRESS.fullmatch(name):
            yield Issue(
                f"{name!r} cannot be a {what}'s name: names are made of letters, "
                "digits, '_' and '-'.",
                code="bad-name",
                address=ascii(name),
            )


def _names_twice(spec: SystemSpec) -> Iterator[Issue]:
    for what, names in (
        ("component", Counter(component.name for component in spec.components)),
        ("node", Counter(node.name for node in spec.nodes)),
    ):
        for name, count in names.items():
            if count > 1:
                yield Issue(
                    f"The name {name!r} is given to {count} {what}s of system "
                    f"{spec.name!r}; a {what}'s name is unique. Rename all but one.",
                    code="duplicate-name",
                    address=name,
                )


def _bad_nodes(spec: SystemSpec) -> Iterator[Issue]:
    known = {node.name for node in spec.nodes}
    for component in spec.components:
        if component.node not in known:
            yield Issue(
                f"Component {component.name!r} is on node {component.node!r}, which "
                f"the system does not have; it has: {', '.join(sorted(known))}.",
                code="unknown-node",
                address=component.name,
            )


def _bad_connections(spec: SystemSpec) -> Iterator[Issue]:
    outputs, inputs = spec.outputs(), spec.inputs()
    sources: dict[str, str] = {}
    for connection in spec.connections:
        for side, address, ports in (
            ("output", connection.source, outputs),
            ("input", connection.target, inputs),
        ):
            if address not in ports:
                yield no_port(address, side, ports, f"for '{connection}'")
        before = sources.setdefault(connection.target, connection.source)
        if before != connection.source:
            yield Issue(
                f"Input {connection.target!r} has two sources, {before!r} and "
                f"{connection.source!r}; an input takes one. Disconnect one of them.",
                code="two-sources",
                address=connection.target,
            )


def no_port(address: str, side: str, known: Iterable[str], use: str = "") -> Issue:
    """Return the issue of an address that is not a port's, with the nearest that is.

    Args:
        address: What was given.
        side: `"output"` or `"input"`.
        known: The addresses of that side's ports.
        use: What the port was to be for: `"to record"`.
    """
    known = list(known)
    near = nearest(address, known)
    listed = f"There are: {', '.join(known[:12]) or 'none'}."
    return Issue(
        f"There is no {side} port {address!r}{use and ' '}{use}. "
        + (f"Did you mean {near!r}?" if near else listed),
        code="unknown-port",
        address=address,
    )


def unfed_inputs(spec: SystemSpec) -> list[Issue]:
    """Name each required input that nothing feeds, and the line that would feed it."""
    fed = {connection.target for connection in spec.connections}
    issues: list[Issue] = []
    for component in spec.components:
        for port in component.inputs:
            address = component.address_of(port)
            if port.required and address not in fed:
                text = f"Input {address!r} ({port.type}) is not connected."
                if len(issues) < _MOST_CANDIDATES:
                    source = _candidate(spec, component, port)
                    text += f' Connect it: system.connect("{source}", "{address}")'
                issues.append(Issue(text, code="unfed-input", address=address))
    return issues


def _may_fit(source: str, target: str) -> bool:
    """Say whether types that are known as text alone may fit."""
    numbers = ("bool", "int", "float", "complex")
    if source in numbers and target in numbers:
        return numbers.index(source) <= numbers.index(target)
    return "Any" in (source, target) or source == target


def _candidate(spec: SystemSpec, component: ComponentSpec, port: PortSpec) -> str:
    """Name the output that fits an input best: by name, type, and being unread."""
    read = {connection.source for connection in spec.connections}
    here = spec.components.index(component)
    nearest_first = [*reversed(spec.components[:here]), *spec.components[here + 1 :]]
    best, best_score = "COMPONENT.PORT", 0
    for other in nearest_first:
        for output in other.outputs:
            address = other.address_of(output)
            if not _may_fit(output.type, port.type):
                continue
            score = 1 + 4 * (output.name == port.name) + 2 * (address not in read)
            score += 3 * (output.type == port.type and port.type != "Any")
            score += 2 * (port.name in (other.name, other.name.rpartition(".")[2]))
            if score > best_score:
                best, best_score = address, score
    return best


def sync_inputs(
    component: ComponentSpec, fed: Mapping[str, ConnectionSpec]
) -> list[ConnectionSpec]:
    """Return the connections to a component's connected sync inputs."""
    return [
        fed[address]
        for port in component.inputs
        if port.policy == "sync" and (address := component.address_of(port)) in fed
    ]


def _bad_times(spec: SystemSpec) -> Iterator[Issue]:
    fed = {connection.target: connection for connection in spec.connections}
    if spec.rate_hz is not None and not 0 < spec.rate_hz < float("inf"):
        yield Issue(
            f"rate_hz is a rate above zero in ticks per second; got {spec.rate_hz!r}.",
            code="rate",
            address=spec.name,
        )
    if spec.late not in LATE:
        yield Issue(
            f"late is one of {', '.join(map(repr, LATE))}; got {spec.late!r}.",
            code="late",
            address=spec.name,
        )
    for address, port in spec.inputs().items():
        if port.policy not in POLICIES:
            yield Issue(
                f"The policy of {address} is {port.policy!r}; "
                f"expected one of {', '.join(map(repr, POLICIES))}.",
                code="policy",
                address=address,
            )
    for component in spec.components:
        if component.every < 1:
            yield Issue(
                f"every of {component.name!r} counts ticks, so it is 1 or more; got "
                f"{component.every}.",
                code="every",
                address=component.name,
            )
        elif component.every > 1 and (sync := sync_inputs(component, fed)):
            yield Issue(
                f"Component {component.name!r} has every={component.every} and the "
                f"sync input {sync[0].target!r}, which fires it already. Set every on "
                "the source, or give the input policy='hold'.",
                code="every",
                address=component.name,
            )


Period = int | Fraction
"""From one firing to the next, in ticks."""


@once_per_spec
def periods(spec: SystemSpec) -> Mapping[str, Period]:
    """Return by component how many ticks lie between its firings, if nothing is absent.

    What its sync inputs fire has the longest period among what feeds them, and what is
    busy for longer than its period fires at the next multiple.
    """
    fed = {connection.target: connection for connection in spec.connections}
    found: dict[str, Period] = {}
    before: dict[str, Period] | None = None
    # What takes ticks may come after those that read it: then one round is not enough.
    while before != found:
        before = dict(found)
        for n in execution_order(spec):
            component = spec.components[n]
            due = _joined_periods(component, fed, found)
            period = max(due, default=max(1, component.every))
            found[component.name] = period * max(1, ceil(component.takes / period))
    return MappingProxyType(found)


def _joined_periods(
    component: ComponentSpec,
    fed: Mapping[str, ConnectionSpec],
    periods: Mapping[str, Period],
) -> dict[Period, str]:
    """Return the periods at which a component's sync inputs come, each with a port."""
    found: dict[Period, str] = {}
    for item in sync_inputs(component, fed):
        if item.delay is None:
            found.setdefault(periods.get(item.producer, 1), item.target)
    return found


def _unequal_joins(spec: SystemSpec, order: Sequence[int]) -> Iterator[Issue]:
    """Warn of sync joins whose inputs come at different rates."""
    fed = {connection.target: connection for connection in spec.connections}
    if all(item.every == 1 and not item.takes for item in spec.components):
        return
    for n in order:
        component = spec.components[n]
        found = _joined_periods(component, fed, periods(spec))
        if len(found) > 1:
            listed = ", ".join(
                f"{address} (every {rate})" for rate, address in sorted(found.items())
            )
            yield Issue(
                f"Component {component.name!r} joins inputs of different rates: "
                f"{listed}. It fires only when all have a value; give the slower one "
                "policy='hold' to fire at the faster rate.",
                code="unequal-every",
                address=component.name,
                severity="warning",
            )


def _cycle_issue(cycle: Iterable[ConnectionSpec]) -> Issue:
    links = list(cycle)
    path = ", then ".join(str(link) for link in links)
    component, port = split_address(links[-1].source)
    return Issue(
        f"These connections form a cycle without a delay: {path}. Put a delay on one "
        f"of them, for example {component}.outputs.{port}.delay(initial=...).",
        code="cycle",
        address=links[-1].target,
    )
