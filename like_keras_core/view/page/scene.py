"""A spec laid out: its parts, each with its place and its description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from like_keras_core.spec import (
    ComponentSpec,
    ConnectionSpec,
    NodeSpec,
    SystemSpec,
    split_address,
)
from like_keras_core.view.page.coordinates import Ends, Layout, Size, lay_out
from like_keras_core.view.page.grid import Link
from like_keras_core.view.page.placement import place
from like_keras_core.view.page.routing import ways_of
from like_keras_core.view.plain_text import to_every, to_takes

if TYPE_CHECKING:
    from like_keras_core.report import RunReport

NARROWEST, WIDEST = 116.0, 232.0
HEIGHT, RUN_HEIGHT, _RUN_WIDTH = 50.0, 24.0, 172.0
_LETTER = 7.6
"""About the width of a letter of a component's name [px]; on the safe side."""

HERE = "this machine"


@dataclass(frozen=True, slots=True)
class Wire:
    """A connection whose ends are there.

    Args:
        spec: The connection.
        link: Its components, by number.
        policy: Of the input port.
        crosses: `""`, `"process"` or `"machine"`: what lies between its ends.
    """

    spec: ConnectionSpec
    link: Link
    policy: str
    crosses: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What is drawn.

    Args:
        spec: The system.
        report: Of a run of it.
        nodes: Those that have components, by name.
        wires: The connections whose ends are there.
        layout: Where everything is.
    """

    spec: SystemSpec
    report: RunReport | None
    nodes: dict[str, NodeSpec]
    wires: list[Wire]
    layout: Layout


def arrange(spec: SystemSpec, report: RunReport | None = None) -> Scene:
    """Lay out a system, an unsound one as far as it goes."""
    known = {node.name: node for node in spec.nodes}
    nodes = {
        item.node: known.get(item.node) or NodeSpec(name=item.node)
        for item in spec.components
    }
    wires, ends = _wires(spec, nodes)
    links = [wire.link for wire in wires]
    machines = {name: machine_name(node) for name, node in nodes.items()}
    homes = [item.node for item in spec.components]
    grid = place(homes, machines, links)
    sizes = [_size(item, spec.rate_hz, report is not None) for item in spec.components]
    layout = lay_out(grid, sizes, links, ends, ways_of(grid, homes, links))
    return Scene(spec, report, nodes, wires, layout)


def machine_name(node: NodeSpec) -> str:
    """Return what a node's machine is called."""
    return HERE if node.machine in ("local", "localhost") else node.machine


def title_of(component: ComponentSpec) -> str:
    """Return the last part of a component's name; the rest stands below it."""
    return component.name.rpartition(".")[2]


def class_of(component: ComponentSpec) -> str:
    """Return the name of a component's class."""
    return component.entry_point.rpartition(":")[2].rpartition(".")[2]


def subtitle_of(component: ComponentSpec, rate_hz: float | None) -> str:
    """Return what stands below a component's name: its subsystem, or its class.

    Args:
        component: The component.
        rate_hz: Ticks per second, if the system has a rate.
    """
    subsystem = component.name.rpartition(".")[0]
    text = f"in {subsystem}" if subsystem else class_of(component)
    if component.every > 1:
        text += f" · {to_every(component.every, rate_hz)}"
    if component.takes:
        text += f" · {to_takes(component.takes, rate_hz)}"
    return text


def shorten(text: str, width: float, letter: float = _LETTER) -> str:
    """Return text that fits into a width [px], cut in its middle if need be.

    Args:
        text: What to fit in.
        width: The room for it [px].
        letter: The width of a character [px].
    """
    room = max(4, int(width / letter))
    if len(text) <= room:
        return text
    head = room // 2
    return f"{text[:head]}…{text[len(text) - (room - 1 - head) :]}"


def _size(component: ComponentSpec, rate_hz: float | None, has_run: bool) -> Size:
    inputs, outputs = len(component.inputs), len(component.outputs)
    subtitle = subtitle_of(component, rate_hz)
    letters = max(len(title_of(component)), 0.85 * len(subtitle))
    width = min(WIDEST, max(NARROWEST, 36 + _LETTER * letters))
    if has_run:
        width = max(width, _RUN_WIDTH)
    height = HEIGHT + RUN_HEIGHT * has_run
    return Size(width, max(height, 18.0 * max(inputs, outputs) + 14), inputs, outputs)


def _wires(
    spec: SystemSpec, nodes: dict[str, NodeSpec]
) -> tuple[list[Wire], list[Ends]]:
    numbers = {item.name: n for n, item in enumerate(spec.components)}
    nets: dict[str, int] = {}
    wires, ends = [], []
    for connection in spec.connections:
        source, output = split_address(connection.source)
        target, port = split_address(connection.target)
        if source not in numbers or target not in numbers:
            continue
        sender, receiver = (spec.components[numbers[x]] for x in (source, target))
        outputs = [item.name for item in sender.outputs]
        inputs = [item.name for item in receiver.inputs]
        if output not in outputs or port not in inputs:
            continue
        link = Link(
            numbers[source],
            numbers[target],
            connection.delay is not None,
            nets.setdefault(connection.source, len(nets)),
        )
        policy = receiver.inputs[inputs.index(port)].policy
        crosses = _between(nodes[sender.node], nodes[receiver.node])
        wires.append(Wire(connection, link, policy, crosses))
        ends.append(Ends(outputs.index(output), inputs.index(port)))
    return wires, ends


def _between(one: NodeSpec, other: NodeSpec) -> str:
    if one.name == other.name:
        return ""
    return "process" if machine_name(one) == machine_name(other) else "machine"
