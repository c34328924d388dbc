"""A report as plain text: what happened, and tables of components and connections."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from like_keras_core.view.plain_text import to_duration, to_rate, to_table

if TYPE_CHECKING:
    from like_keras_core.report import ComponentReport, RunReport, TimingReport


def report_text(report: RunReport) -> str:
    """Return a report as text."""
    parts = [
        "\n".join((_head(report), *report.waited_for, *report.realtime)),
        _components(report),
    ]
    if any(item.timing for item in report.components.values()):
        parts.append(_timings(report))
        if notes := list(timing_notes(report)):
            parts.append("\n".join(notes))
    if report.connections:
        parts.append(_connections(report))
    parts.append("~ estimated from sampled ticks")
    return "\n\n".join(parts)


def _head(report: RunReport) -> str:
    head = (
        f"{report.system} on {report.engine}: {report.iterations} ticks in "
        f"{to_duration(report.duration_s)} ({report.rate_hz:.1f} Hz)"
    )
    if report.ended_by != "iterations":
        head += f", ended by {report.ended_by}"
    if report.late_ticks:
        head += f", {report.late_ticks} late"
    for name, value in report.environment.items():
        head += f", {name}={value}"
    return head


def _components(report: RunReport) -> str:
    rows = [("component", "fired", "absent", "busy ~", "p50 ~", "p99 ~")]
    rows += [
        (
            name,
            str(item.fired),
            str(item.absent),
            to_duration(item.busy_s),
            to_duration(item.latency_p50_s),
            to_duration(item.latency_p99_s),
        )
        for name, item in report.components.items()
    ]
    return to_table(rows)


def _timings(report: RunReport) -> str:
    rows = [
        (
            "time",
            "wanted",
            "had",
            "period p50",
            "p99",
            "max",
            "late p99",
            "max",
            "overruns",
            "skipped",
        )
    ]
    for name, item in report.components.items():
        if (timing := item.timing) is not None:
            rows.append(
                (
                    name,
                    to_rate(timing.target_hz, 1.0),
                    to_rate(timing.rate_hz, 1.0),
                    to_duration(timing.period_p50_s),
                    to_duration(timing.period_p99_s),
                    to_duration(timing.period_max_s),
                    to_duration(timing.late_p99_s),
                    to_duration(timing.late_max_s),
                    str(timing.overruns),
                    str(timing.skipped),
                )
            )
    return to_table(rows)


def timing_notes(report: RunReport) -> Iterator[str]:
    """Say of each component that was held by whom, and which takes more than it says.

    Args:
        report: What is said; its spec, if it has one, knows what components take.
    """
    takes, rate_hz = {}, 0.0
    if report.spec is not None:
        takes = {item.name: item.takes for item in report.spec.components}
        rate_hz = report.spec.rate_hz or 0.0
    for name, item in report.components.items():
        if (timing := item.timing) is None:
            continue
        if (ticks := takes.get(name)) and rate_hz:
            yield from _overrun_note(name, item, timing, ticks, rate_hz)
        for by, held_s in timing.held_by.items():
            whom = "itself" if by == name else by
            yield f"{name}: held for up to {to_duration(held_s)} by {whom}"


def _overrun_note(
    name: str, item: ComponentReport, timing: TimingReport, ticks: int, rate_hz: float
) -> Iterator[str]:
    took_s = item.latency_p99_s
    if not timing.overruns or took_s is None:
        return
    said = f"{name}: takes {ticks} ticks = {to_duration(ticks / rate_hz)}, "
    said += f"took p99 {to_duration(took_s)}, max {to_duration(timing.took_max_s)}"
    enough = ceil(took_s * rate_hz)
    yield said + (f": {enough} ticks would do" if enough > ticks else "")


def _connections(report: RunReport) -> str:
    wires = [("connection", "messages", "bytes", "dropped", "p50 ~")]
    wires += [
        (
            name,
            str(item.messages),
            str(item.bytes),
            str(item.dropped),
            to_duration(item.latency_p50_s),
        )
        for name, item in report.connections.items()
    ]
    return to_table(wires)
