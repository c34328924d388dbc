"""What the drawing shows, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from like_keras_core.spec import PortSpec
from like_keras_core.view.page.notes import Notes
from like_keras_core.view.page.scene import Scene, machine_name
from like_keras_core.view.plain_text import (
    to_duration,
    to_every,
    to_rate,
    to_share,
    to_size,
    to_takes,
)

if TYPE_CHECKING:
    from like_keras_core.report import TimingReport


TIMES = ["wanted", "period p99", "max", "late p99", "overruns", "skipped"]
"""What is said of each component of a run at a rate."""


def components_table(scene: Scene, notes: Notes) -> str:
    """Return the components with their places and ports."""
    header = ["component", "class", "node", "machine", "inputs", "outputs"]
    report = scene.report
    if report is not None:
        header += ["rate", "fired", "busy", "p50", "p99"]
        is_timed = any(item.timing for item in report.components.values())
        header += TIMES if is_timed else []
    rows = []
    for item in scene.spec.components:
        node = scene.nodes[item.node]
        name = item.name
        if item.every > 1:
            name += f" ({to_every(item.every, scene.spec.rate_hz)})"
        if item.takes:
            name += f" ({to_takes(item.takes, scene.spec.rate_hz)})"
        row = [
            *(name, item.entry_point, node.name, machine_name(node)),
            *(_ports(item.inputs), _ports(item.outputs)),
        ]
        if report is not None:
            run = report.components.get(item.name)
            row += (
                ["-"] * (5 + len(TIMES) * is_timed)
                if run is None
                else [
                    to_rate(run.fired, report.duration_s),
                    str(run.fired),
                    to_share(run.busy_s, report.duration_s),
                    to_duration(run.latency_p50_s),
                    to_duration(run.latency_p99_s),
                    *_times(run.timing, is_timed),
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


def _times(timing: TimingReport | None, is_timed: bool) -> list[str]:
    if timing is None:
        return ["-"] * len(TIMES) * is_timed
    return [
        to_rate(timing.target_hz, 1.0),
        to_duration(timing.period_p99_s),
        to_duration(timing.period_max_s),
        to_duration(timing.late_p99_s),
        str(timing.overruns),
        str(timing.skipped),
    ]


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
