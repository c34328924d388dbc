"""What a launch is asked for, checked and put into the terms of the spec."""

from __future__ import annotations

from collections.abc import Sequence

from like_keras_core.errors import GraphError, nearest
from like_keras_core.issue import Issue
from like_keras_core.lowering import Lowered
from like_keras_core.port import OutputPort


def check_numbers(
    iterations: int | None,
    rate_hz: float | None,
    timeout_s: float | None,
    seed: int,
    window: int | None,
    run_ahead: int,
) -> None:
    """Refuse numbers that a launch cannot have.

    Raises:
        ValueError: One is out of its range; the text names it.
    """
    for name, value, least in (
        ("iterations", iterations, 0),
        ("seed", seed, 0),
        ("window", window, 1),
        ("run_ahead", run_ahead, 1),
    ):
        if value is None and name in ("iterations", "window"):
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(
                f"{name} must be a whole number, {least} or more; got {value!r}."
            )
    for name, number in (("rate_hz", rate_hz), ("timeout_s", timeout_s)):
        if number is not None and not 0 < number < float("inf"):
            raise ValueError(f"{name} must be above zero; got {number!r}.")


def addresses_of(
    record: Sequence[OutputPort | str] | OutputPort | str, lowered: Lowered
) -> list[str] | str:
    """Return the addresses of ports to record, or `"all"`.

    Raises:
        GraphError: The system has no such output port.
    """
    if record == "all":
        return "all"
    items = [record] if isinstance(record, (str, OutputPort)) else list(record)
    return [address_of(item, lowered) for item in items]


def address_of(port: OutputPort | str, lowered: Lowered) -> str:
    """Return the address of an output port in a system.

    Raises:
        GraphError: The system has no such output port.
    """
    known = [
        f"{component.name}.{item.name}"
        for component in lowered.spec.components
        for item in component.outputs
    ]
    if isinstance(port, OutputPort):
        for name, component in lowered.components.items():
            if component is port.component:
                return f"{name}.{port.name}"
        raise GraphError([no_port(port.address, "output", known)], lowered.spec.name)
    if port not in known:
        raise GraphError([no_port(port, "output", known)], lowered.spec.name)
    return port


def no_port(address: str, what: str, known: list[str]) -> Issue:
    """Return the issue of an address that is no port, with the nearest that is."""
    near = nearest(address, known)
    hint = f"There are: {', '.join(known[:12]) or 'none'}."
    if near:
        hint = f"Did you mean {near!r}?"
    return Issue(
        f"There is no {what} port {address!r}. {hint}",
        code="unknown-port",
        address=address,
    )
