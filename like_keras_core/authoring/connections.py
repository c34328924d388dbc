"""The connections of a live system as data: explicit ones, and those of list order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.flattening import Flat, Source
from like_keras_core.component import Component
from like_keras_core.errors import NotSerializableError
from like_keras_core.issue import Issue
from like_keras_core.port import Delay, InputPort, OutputPort, origin
from like_keras_core.spec import ConnectionSpec, DelaySpec
from like_keras_core.values.annotations import can_match, to_text, without_none
from like_keras_core.values.config_json import encode


def connections_of(
    system: Composition, flat: Flat, issues: list[Issue]
) -> list[ConnectionSpec]:
    """Return the connections of a system: those that were made, and those implied.

    Args:
        system: The live system.
        flat: The same, flattened.
        issues: Where what is wrong with them is added.
    """
    linked: dict[InputPort, tuple[Source, bool]] = {}
    for scope, _ in flat.scopes:
        for target, source in scope.links.items():
            linked[target] = (source, target in scope.inferred)
    for component in flat.components.values():
        for target in component.inputs:
            if target.source is not None and target not in linked:
                linked[target] = (target.source, False)
    for _, inside in sorted(flat.scopes, key=lambda scope: len(scope[1])):
        _infer(inside, linked)
    issues += _half_outside(system, flat, linked)
    specs = []
    for component in flat.components.values():
        for target in component.inputs:
            if target not in linked:
                continue
            source, inferred = linked[target]
            port = origin(source)
            if port.component in flat.addresses:
                specs.append(_connection(flat, source, target, inferred, issues))
    return specs


def _infer(
    inside: list[Component], linked: dict[InputPort, tuple[Source, bool]]
) -> None:
    """Chain components in list order where nothing says otherwise."""
    members = set(inside)
    for component in inside:
        for port in component.inputs:
            source, inferred = linked.get(port, (None, True))
            if source and not inferred and origin(source).component in members:
                return
    chain = []
    for before, after in pairwise(inside):
        inputs = [port for port in after.inputs if port.required] or list(after.inputs)
        if len(before.outputs) != 1 or len(inputs) != 1:
            return
        link = (next(iter(before.outputs)), inputs[0])
        if linked.get(link[1], (link[0], True)) != (link[0], True):
            return
        chain.append(link)
    if inside and any(
        port.required and port not in linked for port in inside[0].inputs
    ):
        return
    for source, target in chain:
        linked[target] = (source, True)


def _half_outside(
    system: Composition, flat: Flat, linked: Mapping[InputPort, tuple[Source, bool]]
) -> Iterator[Issue]:
    for target, (source, _) in linked.items():
        ends = origin(source).component, target.component
        missing = [end for end in ends if end not in flat.addresses]
        if missing:
            yield _outside(system, flat, origin(source), target, missing[0])
    for component in flat.components.values():
        for output in component.outputs:
            for target in sorted(output.targets, key=lambda port: port.address):
                if target.component not in flat.addresses:
                    yield _outside(system, flat, output, target, target.component)


def _outside(
    system: Composition,
    flat: Flat,
    source: OutputPort,
    target: InputPort,
    missing: Component,
) -> Issue:
    start, end = (
        f"{flat.addresses.get(port.component, port.component.name)}.{port.name}"
        for port in (source, target)
    )
    return Issue(
        f"The connection {start} -> {end} has one end outside: "
        f"{missing.name!r} is not in system {system.name!r}. Add it to the system's "
        f"components, or undo it: {target.component.name}.inputs.{target.name}"
        ".disconnect()",
        code="outside",
        address=end,
    )


def _connection(
    flat: Flat, source: Source, target: InputPort, inferred: bool, issues: list[Issue]
) -> ConnectionSpec:
    port = origin(source)
    start = f"{flat.addresses[port.component]}.{port.name}"
    end = f"{flat.addresses[target.component]}.{target.name}"
    wanted = without_none(target.type) if not target.required else target.type
    if port.type is not wanted and not can_match(port.type, wanted):
        issues.append(
            Issue(
                f"{start!r} gives {to_text(port.type)}, but {end!r} takes "
                f"{to_text(wanted)}. Put a component between them that converts, or "
                "correct the annotation.",
                code="type-mismatch",
                address=end,
            )
        )
    delay = None
    if isinstance(source, Delay):
        delay = DelaySpec(initial=_initial(source, start, end, issues))
    return ConnectionSpec(source=start, target=end, delay=delay, inferred=inferred)


def _initial(delay: Delay, start: str, end: str, issues: list[Issue]) -> Any:
    where = f"The initial value of the delay {start} -> {end}"
    kind = type(delay.initial)
    if delay.initial is not None and not can_match(kind, delay.port.type):
        issues.append(
            Issue(
                f"{where} is {delay.initial!r:.80} ({to_text(kind)}), but {start!r} "
                f"gives {to_text(delay.port.type)}.",
                code="type-mismatch",
                address=end,
            )
        )
    try:
        return encode(delay.initial, where)
    except NotSerializableError as error:
        issues.append(Issue(str(error), code="initial", address=end))
        return None


def whole_record_issues(
    flat: Flat, connections: list[ConnectionSpec]
) -> Iterator[Issue]:
    """Explain that fields are ports, where somebody waits for the whole record."""
    fed = {connection.target for connection in connections}
    givers = {
        signature.record: address
        for address, component in flat.components.items()
        if (signature := component._lk.signature).record is not None
    }
    for address, component in flat.components.items() if givers else ():
        for port in component.inputs:
            wanted = without_none(port.type)
            giver = givers.get(wanted) if isinstance(wanted, type) else None
            if (
                giver is not None
                and port.required
                and f"{address}.{port.name}" not in fed
            ):
                name = wanted.__name__
                fields = ", ".join(item.name for item in flat.components[giver].outputs)
                yield Issue(
                    f"{giver!r} returns a {name}, so its output ports are the fields "
                    f"({fields}), and {address}.{port.name} waits for a whole {name}. "
                    f"To send it whole, declare the port in the class of {giver!r}: "
                    f"output = OutputPort({name})",
                    code="fields-are-ports",
                    address=f"{address}.{port.name}",
                )
