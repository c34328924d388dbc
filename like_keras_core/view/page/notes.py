"""What the page says of each component and connection, in tips and to screen readers.

A note is a title and rows of label and text, so that the page's script and its tables
need to know nothing of systems.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from like_keras_core.spec import ComponentSpec, PortSpec
from like_keras_core.view.page.scene import Scene, Wire, class_of, machine_name
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

Rows = list[tuple[str, str]]

POLICIES = {
    "hold": "holds the newest value",
    "latest": "takes whatever came last",
}
CROSSES = {
    "": "within a process",
    "process": "between processes",
    "machine": "between machines",
}


@dataclass(frozen=True, slots=True)
class Note:
    """The description of one thing.

    Args:
        title: Its address.
        rows: What it is, line by line.
        spoken: The same as a sentence.
    """

    title: str
    rows: Rows
    spoken: str = ""


class Notes:
    """Writes the notes of a scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._outputs = scene.spec.outputs()
        self._sources: dict[str, Wire] = {}
        self._targets: dict[str, list[str]] = defaultdict(list)
        for wire in scene.wires:
            self._sources[wire.spec.target] = wire
            self._targets[wire.spec.source].append(wire.spec.target)

    def of_component(self, component: ComponentSpec) -> Note:
        """Return the note of a component."""
        node = self.scene.nodes[component.node]
        engine = f", engine {node.engine}" if node.engine else ""
        rows: Rows = [
            ("class", component.entry_point),
            ("node", f"{node.name}, {machine_name(node)}{engine}"),
        ]
        if component.every > 1:
            rate_hz = self.scene.spec.rate_hz
            rows.append(("fires", to_every(component.every, rate_hz, " ticks")))
        if component.takes:
            text = to_takes(component.takes, self.scene.spec.rate_hz)
            rows.append(("takes", text.removeprefix("takes ")))
        said = [f"{component.name}, {class_of(component)}, on node {node.name}."]
        for port in component.inputs:
            text = self._input(component, port)
            rows.append((f"input {port.name}", text))
            said.append(f"Input {port.name}: {text}.")
        for port in component.outputs:
            text = self._output(component, port)
            rows.append((f"output {port.name}", text))
            said.append(f"Output {port.name}: {text}.")
        run = self.run_of_component(component.name)
        rows += run
        said += [f"{label} {text}." for label, text in run]
        return Note(component.name, rows, " ".join(said))

    def run_of_component(self, name: str) -> Rows:
        """Return what a component did in the run."""
        report = self.scene.report
        if report is None or name not in report.components:
            return []
        found, duration = report.components[name], report.duration_s
        p50, p99 = to_duration(found.latency_p50_s), to_duration(found.latency_p99_s)
        return [
            ("rate", to_rate(found.fired, duration)),
            ("fired", f"{found.fired}, absent {found.absent}"),
            ("busy", to_share(found.busy_s, duration)),
            ("latency", f"{p50} median, {p99} at 99 %"),
            *_times(found.timing),
        ]

    def of_wire(self, wire: Wire) -> Note:
        """Return the note of a connection."""
        rows: Rows = [
            ("from", wire.spec.source),
            ("to", wire.spec.target),
            ("type", self.type_of(wire)),
            ("kind", self.kind_of(wire)),
            *self.run_of_wire(wire),
        ]
        return Note("connection", rows)

    def type_of(self, wire: Wire) -> str:
        """Return the type of the values that a connection carries."""
        return self._outputs[wire.spec.source].type

    def kind_of(self, wire: Wire) -> str:
        """Say how a connection brings its values."""
        parts = [CROSSES[wire.crosses]]
        if wire.spec.delay is not None:
            parts.append("delayed by a tick")
        if wire.policy in POLICIES:
            parts.append(POLICIES[wire.policy])
        if wire.spec.inferred:
            parts.append("inferred from the order")
        return ", ".join(parts)

    def run_of_wire(self, wire: Wire) -> Rows:
        """Return what a connection carried in the run."""
        report = self.scene.report
        found = report and report.connections.get(str(wire.spec))
        if not report or not found:
            return []
        rows = [
            ("messages", str(found.messages)),
            ("rate", to_rate(found.messages, report.duration_s)),
        ]
        if wire.crosses:
            rows.append(("bytes", to_size(found.bytes)))
            rows.append(("latency", f"{to_duration(found.latency_p50_s)} median"))
        if found.dropped:
            rows.append(("dropped", str(found.dropped)))
        return rows

    def _input(self, component: ComponentSpec, port: PortSpec) -> str:
        wire = self._sources.get(component.address_of(port))
        if wire is None:
            return f"{port.type}, not connected"
        text = f"{port.type}, from {wire.spec.source}"
        if wire.spec.delay is not None:
            text += ", delayed"
        return f"{text}, {port.policy}" if port.policy in POLICIES else text

    def _output(self, component: ComponentSpec, port: PortSpec) -> str:
        targets = self._targets.get(component.address_of(port))
        return f"{port.type}, to {', '.join(targets)}" if targets else port.type


def _times(timing: TimingReport | None) -> Rows:
    """Return how a component kept its times."""
    if timing is None:
        return []
    longest = to_duration(timing.period_max_s)
    period = f"{to_duration(timing.period_p99_s)} at 99 %, {longest} at most"
    late = f"{to_duration(timing.late_p99_s)} at 99 %"
    rows: Rows = [("wanted", to_rate(timing.target_hz, 1.0)), ("period", period)]
    rows.append(("late", f"{late}, {to_duration(timing.late_max_s)} at most"))
    if timing.overruns or timing.skipped:
        rows.append(
            ("in time", f"{timing.overruns} overruns, {timing.skipped} skipped")
        )
    for by, held_s in timing.held_by.items():
        rows.append(("held", f"for up to {to_duration(held_s)} by {by}"))
    return rows
