"""What a launch gives back: counts, estimated times, records, and a table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from like_keras_core.graph.choices import Choices
from like_keras_core.spec import SystemSpec

if TYPE_CHECKING:
    import os
    from pathlib import Path

__all__ = [
    "ArrivalReport",
    "Choices",
    "ComponentReport",
    "ConnectionReport",
    "Progress",
    "RunReport",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingReport:
    """How well one component kept its times, in a run at a rate.

    A firing is late by the time from the tick's deadline, by the clock of its process,
    to its begin.

    Args:
        target_hz: How often it was to fire, as far as the system says that [Hz].
        rate_hz: How often it fired [Hz].
        period_p50_s: Median time from the begin of a firing to that of the next [s];
            None where it fired less than twice, as for the next two.
        period_p99_s: 99th percentile of the same [s].
        period_max_s: The longest [s].
        late_p99_s: 99th percentile of how late its firings began [s]; None where it
            never fired.
        late_max_s: How late the latest one began [s].
        took_max_s: How long the longest firing took [s].
        takes: How many ticks a firing takes, as the component says.
        takes_s: How long those were in this run, at the speed that it had [s].
        overruns: Firings whose results were not there when they were due, of a
            component that takes ticks.
        skipped: Ticks, of those at which it was absent, that were over when their turn
            came.
        held_by: By component that it had to wait for, itself among them, or by `"a
            reader of PORT"`, for how long at most [s]; the longest first.
    """

    target_hz: float
    rate_hz: float = 0.0
    period_p50_s: float | None = None
    period_p99_s: float | None = None
    period_max_s: float | None = None
    late_p99_s: float | None = None
    late_max_s: float | None = None
    took_max_s: float | None = None
    takes: int = 0
    takes_s: float = 0.0
    overruns: int = 0
    skipped: int = 0
    held_by: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalReport:
    """What came for one output of a source from outside of the run.

    Args:
        read: How it is read: `"count"`, `"each"`, `"newest"` or `"all"`.
        received: How many values came.
        taken: How many were given at a tick.
        replaced: How many were not, as a newer one had come by then.
        expired: How many were not, as they were older than `max_age_s`.
        dropped: How many were not, as too many waited.
        lost: How many did not come, where that is known.
        waiting: How many wait.
        oldest_s: The greatest age of a value when it was given [s]; None of none.
        silent_s: The longest time without a value after the first [s]; None if none
            came.
    """

    read: str
    received: int = 0
    taken: int = 0
    replaced: int = 0
    expired: int = 0
    dropped: int = 0
    lost: int = 0
    waiting: int = 0
    oldest_s: float | None = None
    silent_s: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentReport:
    """What one component did.

    Args:
        fired: How often `forward` ran to its end.
        absent: Ticks at which it did not fire.
        busy_s: Estimated time spent in `forward` over the whole run [s].
        latency_p50_s: Median duration of the sampled firings [s]; None unsampled.
        latency_p99_s: 99th percentile of the same [s].
        timing: How well it kept its times; None where no rate was asked for.
        arrivals: By output, what came for it from outside of the run; the whole of it,
            whatever the run's end leaves out.
    """

    fired: int = 0
    absent: int = 0
    busy_s: float = 0.0
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    timing: TimingReport | None = None
    arrivals: Mapping[str, ArrivalReport] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionReport:
    """What one connection carried.

    Args:
        messages: Values emitted into it.
        bytes: Encoded bytes that crossed a process boundary; 0 inside a process.
        dropped: Values that never fired anything; 0 unless the policy is `latest`.
        latency_p50_s: Median time from emission to firing between processes of one
            machine [s]; None inside a process.
        in_flight: Values that their reader has not finished with, between processes,
            while the run goes on.
    """

    messages: int = 0
    bytes: int = 0
    dropped: int = 0
    latency_p50_s: float | None = None
    in_flight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What one launch did. `str(report)` is a table.

    Args:
        engine: The engine's name.
        system: The system's name.
        iterations: Ticks that count.
        duration_s: From tick 0 to the end of the last tick [s].
        late_ticks: Ticks that began after their deadline, where a rate was asked for.
        ended_by: What ended it: `"iterations"`, `"end of stream"`, `"stop"`,
            `"interrupt"`, `"timeout"`, or `"error"`; before that, `"running"`.
        components: By address. Times are estimates from sampled ticks.
        connections: By `"camera.output -> detector.image"`.
        instances: The component objects that ran, where they ran in this process.
        records: By port address, `(tick, value)` in order.
        choices: What clocks decided; `launch(choices=...)` repeats it.
        waited_for: What was running, or was waited for, when Ctrl-C or `timeout_s`
            ended the run: a sentence each.
        environment: What the engine ran it in, such as the domain of a middleware:
            what another program needs to look on.
        realtime: What `launch(realtime=True)` has got of the system, or was refused and
            what would help: a sentence each.
        spec: The system as data; `System.launch` adds it.
    """

    engine: str
    system: str
    iterations: int = 0
    duration_s: float = 0.0
    late_ticks: int = 0
    ended_by: str = "iterations"
    components: Mapping[str, ComponentReport] = field(default_factory=dict)
    connections: Mapping[str, ConnectionReport] = field(default_factory=dict)
    instances: Mapping[str, Any] = field(default_factory=dict, repr=False)
    records: Mapping[str, Sequence[tuple[int, Any]]] = field(
        default_factory=dict, repr=False
    )
    choices: Choices = field(default_factory=Choices, repr=False)
    waited_for: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    realtime: Sequence[str] = ()
    spec: SystemSpec | None = field(default=None, repr=False, compare=False)

    @property
    def rate_hz(self) -> float:
        """Mean ticks per second; 0.0 for a run of no duration."""
        return self.iterations / self.duration_s if self.duration_s > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON data: counts of records, and no instances."""
        return {
            "schema": 1,
            "engine": self.engine,
            "system": self.system,
            "iterations": self.iterations,
            "duration_s": self.duration_s,
            "rate_hz": self.rate_hz,
            "late_ticks": self.late_ticks,
            "ended_by": self.ended_by,
            "components": {
                name: {
                    "fired": item.fired,
                    "absent": item.absent,
                    "busy_s": item.busy_s,
                    "latency_p50_s": item.latency_p50_s,
                    "latency_p99_s": item.latency_p99_s,
                    "timing": item.timing and item.timing.to_dict(),
                    "arrivals": {
                        port: came.to_dict() for port, came in item.arrivals.items()
                    },
                }
                for name, item in self.components.items()
            },
            "connections": {
                name: {
                    "messages": item.messages,
                    "bytes": item.bytes,
                    "dropped": item.dropped,
                    "latency_p50_s": item.latency_p50_s,
                }
                for name, item in self.connections.items()
            },
            "records": {name: len(values) for name, values in self.records.items()},
            "choices": self.choices.to_dict(),
            "waited_for": list(self.waited_for),
            "environment": dict(self.environment),
            "realtime": list(self.realtime),
        }

    def plot(self, path: str | os.PathLike[str]) -> Path:
        """Write the system as an HTML page with what the run was like.

        Raises:
            ValueError: The report does not know its system, or the name does not end
                in `.html`.
        """
        from like_keras_core.view.page.document import write_page

        if self.spec is None:
            raise ValueError(
                "This report does not know its system; one that System.launch returns "
                "does. Give it: dataclasses.replace(report, spec=system.to_spec())."
            )
        return write_page(self.spec, path, self)

    def __str__(self) -> str:
        from like_keras_core.view.report_text import report_text

        return report_text(self)


class Progress(int):
    """How many ticks are done: what `launch(progress=...)` calls with, now and then.

    It is an int. `report()` says more, while the call lasts.
    """

    def __new__(cls, ticks: int, report: Callable[[], RunReport | None]) -> Progress:
        """Keep what gives the report; it is made only for who asks."""
        progress = super().__new__(cls, ticks)
        progress._report = report
        return progress

    _report: Callable[[], RunReport | None]

    def report(self) -> RunReport | None:
        """Return what has been done so far, without records.

        Over several processes it is what they last reported, which is asked for by this
        very call: None, until all of them have answered once.
        """
        return self._report()
