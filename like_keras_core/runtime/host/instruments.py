"""What notes how the firings of one process go: a trace, and at a rate a timekeeper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from like_keras_core.component import Component
from like_keras_core.graph.checks import periods
from like_keras_core.report import ComponentReport
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.sampling import times_of
from like_keras_core.runtime.host.timekeeper import Timekeeper
from like_keras_core.runtime.trace import Trace
from like_keras_core.spec import SystemSpec

Forwards = Mapping[str, Callable[..., Any]]
"""What to call for each component."""


class Instruments:
    """Watches the firings of one process; without a rate and a trace it costs nothing.

    Args:
        spec: The system.
        components: Its components that run here, by address.
        pending: What those have under way that take ticks.
        skipped: Says at how many ticks one was left out since they were over.

    Attributes:
        trace: Notes when each fires, where that is wanted.
        timekeeper: Notes how well they keep their times, in a run at a rate.
    """

    def __init__(
        self,
        spec: SystemSpec,
        components: Mapping[str, Component],
        pending: Mapping[str, PendingResult],
        skipped: Callable[[str], int],
    ) -> None:
        self.trace: Trace | None = None
        self.timekeeper: Timekeeper | None = None
        self._spec = spec
        self._components = components
        self._pending = pending
        self._skipped = skipped

    def observed(self, forwards: Forwards) -> Forwards:
        """Return forwards that are watched; of what takes ticks, what begins it."""
        found = {}
        for name, forward in forwards.items():
            found[name] = self._watched(name, forward)
            if (pending := self._pending.get(name)) is not None:
                pending.forward, found[name] = found[name], pending.begin
                if self.trace is not None:
                    pending.overran = partial(self.trace.overran, name)
        return found

    def _watched(self, name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        clock = self._components[name]._lk.tick
        if self.timekeeper is not None:
            is_alone = name not in self._pending
            forward = self.timekeeper.wrap(name, forward, clock, is_alone=is_alone)
        if self.trace is not None:
            forward = self.trace.wrap(name, forward, clock)
        return forward

    def start(self, at: float) -> None:
        """Know when tick 0 is due, by `perf_counter` [s]."""
        if self.timekeeper is not None:
            self.timekeeper.start(at)

    def blocked(self, by: str) -> None:
        """Know whom the tick that begins had to wait for; nobody, if it is empty."""
        if self.timekeeper is not None:
            self.timekeeper.blocked_by = by

    def held(self, name: str, began: float) -> None:
        """Know that all else has waited for a component until now.

        Args:
            name: The component.
            began: Since when, by `perf_counter` [s].
        """
        if self.timekeeper is not None:
            self.timekeeper.held(name, began)

    def report(
        self,
        duration_s: float,
        name: str,
        fired: int,
        absent: int,
        samples: Sequence[float],
    ) -> ComponentReport:
        """Return what a component did, and how well it kept its times at a rate.

        Args:
            duration_s: How long the run took [s].
            name: The component.
            fired: How often it fired.
            absent: At how many ticks it did not.
            samples: Durations of some firings, where no timekeeper has them [s].
        """
        arrivals = self._components[name]._lk.arrivals
        came = {} if arrivals is None else arrivals()
        keeper = self.timekeeper
        if keeper is None:
            report = times_of(fired, absent, samples, duration_s)
            return replace(report, arrivals=came) if came else report
        report = times_of(fired, absent, keeper.durations(name), duration_s)
        pending = self._pending.get(name)
        timing = keeper.timing(
            name,
            float(periods(self._spec)[name]),
            fired,
            duration_s,
            takes=0 if pending is None else pending.takes,
            overruns=0 if pending is None else pending.overruns,
            skipped=self._skipped(name),
        )
        return replace(report, timing=timing, arrivals=came)
