"""Which ports a run is asked to observe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from like_keras_core.errors import GraphError, nearest
from like_keras_core.issue import Issue
from like_keras_core.spec import SystemSpec


def ports_to_record(spec: SystemSpec, record: Sequence[str] | str) -> list[str]:
    """Return the addresses that `record` asks for; `"all"` is every output port.

    Raises:
        GraphError: There is no such port.
    """
    if record == "all":
        return [
            f"{component.name}.{port.name}"
            for component in spec.components
            for port in component.outputs
        ]
    addresses = [record] if isinstance(record, str) else list(record)
    check_ports(spec, addresses, "record")
    return addresses


def check_ports(spec: SystemSpec, addresses: Iterable[str], what: str) -> None:
    """Refuse addresses that are no output ports.

    Raises:
        GraphError: There is no such port; the nearest is named.
    """
    known = [
        f"{component.name}.{port.name}"
        for component in spec.components
        for port in component.outputs
    ]
    issues = []
    every = set(known)
    for address in addresses:
        if address not in every:
            near = nearest(address, known)
            hint = f"Did you mean {near!r}?" if near else f"There are: {known}."
            issues.append(
                Issue(
                    f"There is no output port {address!r} to {what}. {hint}",
                    code="unknown-port",
                    address=address,
                )
            )
    if issues:
        raise GraphError(issues, spec.name)
