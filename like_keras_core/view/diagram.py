"""A spec for people: a page to explore, a Mermaid flowchart, a summary table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from like_keras_core.graph.checks import by_node
from like_keras_core.spec import ConnectionSpec, PortSpec, SystemSpec, split_address
from like_keras_core.view.plain_text import to_every, to_table, to_takes


def draw(spec: SystemSpec, path: str | os.PathLike[str]) -> Path:
    """Draw a system into a file and return where it is.

    Args:
        spec: The system.
        path: A name that ends in `.html`, for a page, or in `.mmd`, for Mermaid text.

    Raises:
        ValueError: It ends in something else.
    """
    target = Path(path)
    if target.suffix == ".html":
        from like_keras_core.view.page.document import write_page

        return write_page(spec, target)
    if target.suffix == ".mmd":
        target.write_text(to_mermaid(spec), encoding="utf-8")
        return target
    raise ValueError(
        "A system is drawn into a file that ends in .html (a page to explore) or .mmd "
        f"(Mermaid text); got {str(target)!r}."
    )


def to_mermaid(spec: SystemSpec) -> str:
    """Return the system as a Mermaid flowchart: a box per component in one per node."""
    ids = {component.name: f"c{n}" for n, component in enumerate(spec.components)}
    lines = ["flowchart LR"]
    for n, (name, components) in enumerate(by_node(spec).items()):
        if not components:
            continue
        machine = next((x.machine for x in spec.nodes if x.name == name), "local")
        lines.append(f'  subgraph n{n}["{_text(name)} ({_text(machine)})"]')
        for component in components:
            label = _text(component.name)
            if component.every > 1:
                label += f" {to_every(component.every, spec.rate_hz)}"
            if component.takes:
                label += f" {to_takes(component.takes, spec.rate_hz)}"
            lines.append(f'    {ids[component.name]}["{label}"]')
        lines.append("  end")
    inputs = spec.inputs()
    for connection in spec.connections:
        source, output = split_address(connection.source)
        target, port = split_address(connection.target)
        dotted = connection.delay is not None
        arrow = "-.->" if dotted else "-->"
        label = f"{output} → {port}{_marks(connection, inputs.get(connection.target))}"
        ends = ids.get(source, "missing"), ids.get(target, "missing")
        lines.append(f'  {ends[0]} {arrow}|"{_text(label)}"| {ends[1]}')
    return "\n".join(lines) + "\n"


def _marks(connection: ConnectionSpec, target: PortSpec | None) -> str:
    marks = []
    if connection.delay is not None:
        marks.append("delay")
    if target is not None and target.policy != "sync":
        marks.append(target.policy)
    return f" ({', '.join(marks)})" if marks else ""


def _count(items: Sequence[object], what: str) -> str:
    return f"{len(items)} {what}{'s' if len(items) != 1 else ''}"


def _text(text: str) -> str:
    return text.replace('"', "#quot;").replace("<", "&lt;").replace(">", "&gt;")


def to_summary(spec: SystemSpec) -> str:
    """Return the system as tables: its components with their ports, its connections."""
    rows = [("component", "node", "inputs", "outputs", "class")]
    for component in spec.components:
        name = component.name
        if component.every > 1:
            name += f" ({to_every(component.every, spec.rate_hz)})"
        if component.takes:
            name += f" ({to_takes(component.takes, spec.rate_hz)})"
        rows.append(
            (
                name,
                component.node,
                ", ".join(f"{port.name}: {port.type}" for port in component.inputs),
                ", ".join(f"{port.name}: {port.type}" for port in component.outputs),
                component.entry_point,
            )
        )
    text = f"System {spec.name!r}"
    if spec.rate_hz:
        text += f" at {spec.rate_hz:g} Hz"
    text += f", {_count(spec.components, 'component')} on {_count(spec.nodes, 'node')}"
    text += "\n\n" + to_table(rows, numbers=False)
    if spec.connections:
        wires = [("from", "to", "kind")]
        for connection in spec.connections:
            kind = "delayed" if connection.delay is not None else "direct"
            kind += ", inferred" if connection.inferred else ""
            wires.append((connection.source, connection.target, kind))
        text += "\n\n" + to_table(wires, numbers=False)
    return text
