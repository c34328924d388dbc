"""The traces of a run as trace events: JSON that Perfetto and `chrome://tracing` open.

A process is a process there, and a component a thread. A firing is a slice, and a value
that crosses processes an arrow, with its time on the way as a slice of its own.

References:
    Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from like_keras_core.runtime.trace import TraceSet
from like_keras_core.spec import ConnectionSpec, SystemSpec

Event = dict[str, Any]
Firings = list[tuple[int, float, float]]
"""Tick, begin and end of each firing [us]."""


def write_trace(spec: SystemSpec, found: TraceSet, path: Path) -> None:
    """Write a run's trace events.

    Args:
        spec: The system that ran.
        found: Its traces.
        path: The file to write, as JSON.
    """
    with path.open("w", encoding="utf-8") as file:
        file.write('{"displayTimeUnit":"ms","traceEvents":[\n')
        for n, event in enumerate(events(spec, found)):
            file.write(",\n" if n else "")
            file.write(json.dumps(event, separators=(",", ":")))
        file.write("\n]}\n")


def events(spec: SystemSpec, found: TraceSet) -> Iterator[Event]:
    """Give the events of a run; its first firing begins at 0."""
    return _Run(spec, found).events()


class _Run:
    def __init__(self, spec: SystemSpec, found: TraceSet) -> None:
        self.spec = spec
        self.found = found
        begins = [
            rows[1] - found.offsets.get(process, 0)
            for process, trace in found.processes.items()
            for rows in trace.firings.values()
            if rows
        ]
        self.zero = min(begins, default=0)
        self.places: dict[str, tuple[int, int]] = {}
        self.firings: dict[str, Firings] = {}
        for pid, (process, trace) in enumerate(found.processes.items(), 1):
            for tid, (name, rows) in enumerate(trace.firings.items(), 1):
                self.places[name] = pid, tid
                self.firings[name] = [
                    (
                        rows[n],
                        self._time(process, rows[n + 1]),
                        self._time(process, rows[n + 2]),
                    )
                    for n in range(0, len(rows), 3)
                ]

    def _time(self, process: str, ns: int) -> float:
        """Return a time since the beginning of the run [us]."""
        return (ns - self.found.offsets.get(process, 0) - self.zero) / 1000

    def events(self) -> Iterator[Event]:
        yield from self._names()
        for name, firings in self.firings.items():
            for tick, begin, end in firings:
                yield _event(
                    *("X", name, "firing", self.places[name], begin),
                    dur=max(0.001, round(end - begin, 3)),
                    args={"tick": tick},
                )
        yield from self._overruns()
        number = 0
        for connection in self.spec.connections:
            for hop in self._hops(connection):
                number += 1
                for event in hop:
                    if event["cat"] == "hop":
                        # Local, so that it stands with the process that it came to.
                        yield {**event, "id2": {"local": hex(number)}}
                    else:
                        yield {**event, "id": number}

    def _overruns(self) -> Iterator[Event]:
        """Mark the results that were not there when they were due."""
        for process, trace in self.found.processes.items():
            for name, rows in trace.overruns.items():
                for n in range(0, len(rows) if name in self.places else 0, 2):
                    when = self._time(process, rows[n + 1])
                    yield _event(
                        *("i", f"{name} overran", "overrun", self.places[name], when),
                        s="t",
                        args={"tick": rows[n]},
                    )

    def _names(self) -> Iterator[Event]:
        machines = {node.name: node.machine for node in self.spec.nodes}
        for pid, (process, trace) in enumerate(self.found.processes.items(), 1):
            machine = f" on {machines[process]}" if process in machines else ""
            known = {"name": f"{process}{machine}"}
            yield _event("M", "process_name", "", (pid, 0), 0, args=known)
            for tid, name in enumerate(trace.firings, 1):
                known = {"name": name}
                yield _event("M", "thread_name", "", (pid, tid), 0, args=known)

    def _hops(self, connection: ConnectionSpec) -> Iterator[list[Event]]:
        """Give the events of each value that crossed processes."""
        source, target = connection.producer, connection.consumer
        if source not in self.places or target not in self.places:
            return
        start, end = self.places[source], self.places[target]
        process = list(self.found.processes)[end[0] - 1]
        rows = self.found.processes[process].arrivals.get(connection.source)
        if start[0] == end[0] or not rows:
            return
        sent = {tick: firing for tick, *firing in self.firings[source]}
        taken = self.firings[target]
        ticks = [firing[0] for firing in taken]
        is_delayed, name = connection.delay is not None, str(connection)
        for n in range(0, len(rows), 2):
            tick, came = rows[n], self._time(process, rows[n + 1])
            if tick not in sent:
                continue
            begin, left = sent[tick]
            hop = [
                _event("b", name, "hop", end, left, args={"tick": tick}),
                _event("e", name, "hop", end, max(left, came)),
            ]
            first = bisect_left(ticks, tick + is_delayed)
            if first < len(taken):
                middle = round((begin + left) / 2, 3)
                hop.append(_event("s", name, "value", start, middle))
                hop.append(_event("f", name, "value", end, taken[first][1], bp="e"))
            yield hop


def _event(
    phase: str, name: str, category: str, place: tuple[int, int], ts: float, **more: Any
) -> Event:
    """Return an event of a process and thread, at a time [us]."""
    event = {"ph": phase, "name": name, "cat": category, "ts": ts}
    return {**event, "pid": place[0], "tid": place[1], **more}
