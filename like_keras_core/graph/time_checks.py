"""What is wrong with a system whose components take ticks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from like_keras_core.issue import Issue
from like_keras_core.spec import ConnectionSpec, SystemSpec, split_address


def slow_issues(spec: SystemSpec) -> Iterator[Issue]:
    """List what can never fire, and what is busy when it is due."""
    if any(component.takes for component in spec.components):
        yield from _never_firing(spec)
        yield from _busy_when_due(spec)


def _awaited(spec: SystemSpec) -> dict[str, dict[str, ConnectionSpec]]:
    """Return for each component those whose values it needs before it fires at all."""
    inputs = spec.inputs()
    found: dict[str, dict[str, ConnectionSpec]] = {x.name: {} for x in spec.components}
    for connection in spec.connections:
        port = inputs.get(connection.target)
        if port is not None and port.policy == "sync" and connection.delay is None:
            producer, consumer = connection.producer, connection.consumer
            if producer in found and consumer in found:
                found[consumer].setdefault(producer, connection)
    return found


def _never_firing(spec: SystemSpec) -> Iterator[Issue]:
    """Name cycles in which each component waits for the first value of another."""
    takes = {component.name: component.takes for component in spec.components}
    awaited = _awaited(spec)
    while cycle := _cycle_in(awaited):
        slow = [item for item in cycle if takes[item.producer]]
        if slow:
            yield _cycle_issue(cycle, slow[0])
        # One without is an error for another reason: its values have no order.
        for item in cycle:
            del awaited[item.consumer]


def _cycle_in(
    awaited: Mapping[str, Mapping[str, ConnectionSpec]],
) -> list[ConnectionSpec]:
    """Return one cycle, in the direction of its values; nothing if there is none."""
    stuck = {name: dict(needs) for name, needs in awaited.items()}
    while free := [
        name for name, needs in stuck.items() if not needs.keys() & stuck.keys()
    ]:
        for name in free:
            del stuck[name]
    if not stuck:
        return []
    here = next(iter(stuck))
    seen: dict[str, int] = {}
    path: list[ConnectionSpec] = []
    while here not in seen:
        seen[here] = len(path)
        path.append(next(x for name, x in stuck[here].items() if name in stuck))
        here = path[-1].producer
    return path[seen[here] :][::-1]


def _cycle_issue(cycle: list[ConnectionSpec], cut: ConnectionSpec) -> Issue:
    path = ", then ".join(map(str, cycle))
    component, port = split_address(cut.source)
    return Issue(
        f"These connections form a cycle of sync inputs: {path}. Each component in it "
        "waits for the first value of the one before, so none of them ever fires. Give "
        f"the input {cut.target!r} policy='hold', or its connection a delay: "
        f"{component}.outputs.{port}.delay(initial=...).",
        code="never-fires",
        address=cut.target,
    )


def _busy_when_due(spec: SystemSpec) -> Iterator[Issue]:
    """Warn of components that are not free at each of the ticks that `every` says."""
    for component in spec.components:
        every = component.every
        if every > 1 and component.takes > every:
            period = ceil(component.takes / every) * every
            yield Issue(
                f"Component {component.name!r} has every={every} and takes="
                f"{component.takes}: it is still busy when it is due again, and fires "
                f"only once in {period} ticks. Set "
                f"every={component.takes} or more, or takes={int(every)} or less.",
                code="unequal-every",
                address=component.name,
                severity="warning",
            )
