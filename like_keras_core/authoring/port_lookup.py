"""Ports by address, and what to say of an address that is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import GraphError
from like_keras_core.graph.checks import no_port
from like_keras_core.issue import Issue
from like_keras_core.port import Delay, InputPort, OutputPort, PortCollection
from like_keras_core.spec import split_address

_OTHER = {"output": "input", "input": "output"}
_PLACE = {"output": "first", "input": "second"}


def ends_of(
    source: Any, target: Any, components: Mapping[str, Component], system: str
) -> tuple[OutputPort | Delay, InputPort]:
    """Return the two ports that a connection names.

    Args:
        source: An output port, a delayed one, or an address.
        target: An input port, or an address.
        components: The components that addresses speak of.
        system: The system's name, for the error.

    Raises:
        GraphError: There is no such port, or the two are swapped.
        TypeError: One of the two is neither a port nor an address.
    """
    start = _find(source, "output", components)
    end = _find(target, "input", components)
    if isinstance(start, InputPort) and isinstance(end, (OutputPort, Delay)):
        raise GraphError([_swapped(source, target)], system)
    for given, port, what, kinds in (
        (source, start, "output", (OutputPort, Delay)),
        (target, end, "input", InputPort),
    ):
        if isinstance(port, kinds):
            continue
        if isinstance(given, str):
            raise GraphError([_unfit(given, what, components)], system)
        raise TypeError(
            "connect goes from an output port to an input port: "
            "connect(camera.outputs.output, detector.inputs.image); the "
            f"{_PLACE[what]} is {port!r:.80}."
        )
    return start, end


def _find(port: Any, what: str, components: Mapping[str, Component]) -> Any:
    """Return the port of an address, one of the other side if need be, or None."""
    if not isinstance(port, str):
        return port
    component, name = split_address(port)
    if component not in components:
        return None
    for side in (what, _OTHER[what]):
        ports = _ports(components[component], side)
        if name in ports:
            return ports[name]
    return None


def _ports(component: Component, what: str) -> PortCollection[Any]:
    return component.outputs if what == "output" else component.inputs


def _swapped(source: Any, target: Any) -> Issue:
    first, second = (_written(port) for port in (source, target))
    return Issue(
        f"The ports are swapped: {first} is an input and {second} an output, and "
        "connect goes from an output to an input. Write: "
        f"system.connect({second}, {first})",
        code="swapped",
        address=source if isinstance(source, str) else source.address,
    )


def _written(port: Any) -> str:
    """Return a port as the line of code that names it."""
    if isinstance(port, str):
        return f'"{port}"'
    if isinstance(port, Delay):
        return f"{_written(port.port)}.delay(initial={port.initial!r:.40})"
    side = "inputs" if isinstance(port, InputPort) else "outputs"
    owner, name = split_address(port.address)
    return f"{owner}.{side}.{name}"


def _unfit(address: str, what: str, components: Mapping[str, Component]) -> Issue:
    known = [
        f"{name}.{port.name}"
        for name, component in components.items()
        for port in _ports(component, what)
    ]
    if _find(address, what, components) is None:
        return no_port(address, what, known)
    return Issue(
        f"{address!r} is an {_OTHER[what]} port; the {_PLACE[what]} that connect takes "
        f"is an {what} port. {_listed(known)}",
        code="unknown-port",
        address=address,
    )


def _listed(known: list[str]) -> str:
    return f"There are: {', '.join(known[:12]) or 'none'}."
