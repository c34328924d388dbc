"""Which ports a run is asked to observe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from like_keras_core.errors import GraphError
from like_keras_core.graph.checks import no_port
from like_keras_core.spec import SystemSpec


def ports_to_record(spec: SystemSpec, record: Sequence[str] | str) -> list[str]:
    """Return the addresses that `record` asks for; `"all"` is every output port.

    Raises:
        GraphError: There is no such port.
    """
    if record == "all":
        return list(spec.outputs())
    addresses = [record] if isinstance(record, str) else list(record)
    check_ports(spec, addresses, "record")
    return addresses


def check_ports(spec: SystemSpec, addresses: Iterable[str], what: str) -> None:
    """Refuse addresses that are not output ports.

    Args:
        spec: The system.
        addresses: What was given.
        what: What the ports were to be for, a verb.

    Raises:
        GraphError: There is no such port; the nearest is named.
    """
    known = spec.outputs()
    issues = [
        no_port(address, "output", known, f"to {what}")
        for address in addresses
        if address not in known
    ]
    if issues:
        raise GraphError(issues, spec.name)
