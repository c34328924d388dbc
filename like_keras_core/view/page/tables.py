"""What the drawing shows, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from like_keras_core.spec import PortSpec
from like_keras_core.view.page.notes import Notes
from like_keras_core.view.page.scene import Scene, machine_name
from like_keras_core.view.plain_text import (
    to_duration,
    to_every,
    to_rate,
    to_share,
    to_size,
)


def components_table(scene: Scene, notes: Notes) -> str:
    """Return the components with their places and ports."""
    header = ["component", "class", "node", "machine", "inputs", "outputs"]
    report = scene.report
    if report is not None:
        header += ["rate", "fired", "busy", "p50", "p99"]
    rows = []
    for item in scene.spec.components:
        node = scene.nodes[item.node]
        name = item.name
        if item.every > 1:
            name += f" ({to_every(item.every, scene.spec.rate_hz)})"
        row = [
            *(name, item.entry_point, node.name, machine_name(node)),
            *(_ports(item.inputs), _ports(item.outputs)),
        ]
        if report is not None:
            run = report.components.get(item.name)
            row += (
                ["-"] * 5
                if run is None
                else [
                    to_rate(run.fired, report.duration_s),
                    str(run.fired),
                    to_share(run.busy_s, report.duration_s),
                    to_duration(run.latency_p50_s),
                    to_duration(run.latency_p99_s),
                ]
            )
        rows.append(row)
    return _table("Components", header, rows, numbers=6)


def connections_table(scene: Scene, notes: Notes) -> str:
    """Return the connections and how they bring their values."""
    if not scene.wires:
        return ""
    header = ["from", "to", "type", "kind"]
    report = scene.report
    if report is not None:
        header += ["messages", "bytes", "dropped", "p50"]
    rows = []
    for wire in scene.wires:
        row = [wire.spec.source, wire.spec.target]
        row += [notes.type_of(wire), notes.kind_of(wire)]
        if report is not None:
            run = report.connections.get(str(wire.spec))
            row += (
                ["-"] * 4
                if run is None
                else [
                    str(run.messages),
                    to_size(run.bytes),
                    str(run.dropped),
                    to_duration(run.latency_p50_s),
                ]
            )
        rows.append(row)
    return _table("Connections", header, rows, numbers=4)


def _ports(ports: Sequence[PortSpec]) -> str:
    return ", ".join(f"{port.name}: {port.type}" for port in ports)


def _table(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int
) -> str:
    """Return a table; the columns from `numbers` on hold numbers."""
    mark = title.lower()
    head = "".join(
        f'<th scope="col"{_kind(n, numbers)}>{text}</th>'
        for n, text in enumerate(header)
    )
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(
            f"<td{_kind(n, numbers)}>{escape(text)}</td>"
            for n, text in enumerate(row[1:], 1)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<h2 id="{mark}">{title}</h2>\n'
        f'<div class="table" role="region" aria-labelledby="{mark}" tabindex="0">\n'
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n"
        "</div>"
    )


def _kind(column: int, numbers: int) -> str:
    return ' class="number"' if column >= numbers else ""
