"""What a run is asked to observe, and what the samples say of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from like_keras_core.errors import GraphError, nearest
from like_keras_core.issue import Issue
from like_keras_core.report import ComponentReport
from like_keras_core.spec import SystemSpec


def times_of(
    fired: int, absent: int, samples: list[float], limit_s: float
) -> ComponentReport:
    """Return a component's report; its times are estimated from sampled firings."""
    if not samples:
        return ComponentReport(fired=fired, absent=absent)
    first, rest = samples[0], samples[1:] or samples
    mean = sum(rest) / len(rest)
    ordered = sorted(samples)
    return ComponentReport(
        fired=fired,
        absent=absent,
        busy_s=min(limit_s, first + mean * (fired - 1)) if fired else 0.0,
        latency_p50_s=ordered[len(ordered) // 2],
        latency_p99_s=ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
    )


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
