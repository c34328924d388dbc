"""A report as plain text: what happened, and tables of components and connections."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from like_keras_core.view.plain_text import to_duration, to_rate, to_table

if TYPE_CHECKING:
    from like_keras_core.report import RunReport, TimingReport


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
    if notes := list(arrival_notes(report)):
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
    """Say what each component takes that takes ticks, and who held up whom."""
    for name, item in report.components.items():
        if (timing := item.timing) is None:
            continue
        if timing.takes and item.latency_p99_s is not None:
            yield _takes_note(name, item.latency_p99_s, timing)
        for by, held_s in timing.held_by.items():
            if by != name:
                yield f"{name}: held for up to {to_duration(held_s)} by {by}"
            elif not timing.takes:
                yield f"{name}: held for up to {to_duration(held_s)} by itself"


def arrival_notes(report: RunReport) -> Iterator[str]:
    """Say of each source what came for it from outside, and what became of that."""
    for name, item in report.components.items():
        for port, came in item.arrivals.items():
            counts = {
                "replaced by newer ones": came.replaced,
                "too old": came.expired,
                "left out": came.dropped,
                "lost on the way": came.lost,
                "waiting": came.waiting,
            }
            parts = [f"{came.taken} of {came.received} values taken"]
            parts += [f"{count} {what}" for what, count in counts.items() if count]
            if came.oldest_s is not None:
                parts.append(f"up to {to_duration(came.oldest_s)} old")
            if came.silent_s is not None:
                parts.append(f"silent for up to {to_duration(came.silent_s)}")
            yield f"{name}.{port}: {', '.join(parts)}"


def _takes_note(name: str, took_s: float, timing: TimingReport) -> str:
    said = f"{name}: takes {timing.takes} ticks = {to_duration(timing.takes_s)}, "
    said += f"took p99 {to_duration(took_s)}, max {to_duration(timing.took_max_s)}"
    enough = max(1, ceil(took_s / timing.takes_s * timing.takes))
    ticks = "1 tick" if enough == 1 else f"{enough} ticks"
    return said + (f": {ticks} would do" if enough != timing.takes else "")


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
