"""The loop that runs the components of one process, and all that it counts.

A host knows no engine. It brings its components through their lifecycle, fires them
tick by tick through a generated schedule, and says what counts when the run ends: all
that lies below the cut, which is the tick of an end or the place of an error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import EndOfStream
from like_keras_core.graph.checks import execution_order
from like_keras_core.graph.port_selection import check_ports, ports_to_record
from like_keras_core.lifecycle import AFTER
from like_keras_core.report import ComponentReport, ConnectionReport, RunReport
from like_keras_core.runtime.failure import Failed, Failure
from like_keras_core.runtime.host.mutation_check import MutationCheck
from like_keras_core.runtime.host.pacer import Pacer
from like_keras_core.runtime.host.plan import Plan, Value, last_readers, plan
from like_keras_core.runtime.host.record_buffer import Column
from like_keras_core.runtime.host.sampling import FIRST, Sampler, times_of
from like_keras_core.runtime.host.schedule import Schedule, generate
from like_keras_core.runtime.taps import Taps
from like_keras_core.runtime.trace import Trace
from like_keras_core.runtime.tracebacks import users_part
from like_keras_core.spec import SystemSpec, component_of
from like_keras_core.tap import Tap
from like_keras_core.values.config_json import decode
from like_keras_core.values.gc_pause import collection_paused
from like_keras_core.values.semantics import snapshot

PROGRESS_S = 0.05
"""About how often progress is told, where somebody wants to know."""

_FOREVER = sys.maxsize


@dataclass(slots=True)
class HostStopPoint:
    """Where a run ends: before `tick`, or inside it before the step `order`.

    Args:
        tick: The first tick that does not count as a whole.
        order: Steps before it count at that tick too; 0 for an end or a stop.
        values: Ports whose value at that tick had not yet been looked at, and whether
            they had one.
    """

    tick: int
    order: int
    values: Mapping[str, bool]


class Host:
    """Runs the components of one process.

    Args:
        spec: The system.
        components: Those of its components that run here, by address.
        seed: Seeds each component's `rng`, with its address.
        record: Addresses of output ports to record, or `"all"`.
        taps: What to call after emissions.
        check_values: Find components that change what they received.

    Raises:
        GraphError: A port to record or tap does not exist.
    """

    def __init__(
        self,
        spec: SystemSpec,
        components: Mapping[str, Component],
        *,
        seed: int = 0,
        record: Sequence[str] | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
    ) -> None:
        self.spec = spec
        everywhere = execution_order(spec)
        self._indexes = [n for n in everywhere if spec.components[n].name in components]
        self.order = [spec.components[n].name for n in self._indexes]
        self.components = {name: components[name] for name in self.order}
        self.seed = seed
        self.trace: Trace | None = None
        self.check_values = check_values
        self.tick: list[Any] = [0, None]
        taps = list(taps)
        self._records = {address: Column() for address in ports_to_record(spec, record)}
        self._taps = Taps(taps)
        check_ports(spec, [str(tap.port) for tap in taps], "tap")
        self._configured: list[str] = []
        self._active: list[str] = []
        self._stopped = False
        self._plan: Plan | None = None
        self._schedule: Schedule | None = None
        self._durations: list[list[float]] = []
        self._cut = HostStopPoint(0, 0, {})
        self.ended_by = "iterations"
        self._began = 0.0
        self._duration_s = 0.0
        self._late_ticks = 0
        for name, component in self.components.items():
            component._lk.bind(name, seed, self.tick)

    def configure(self) -> None:
        """Call every `on_configure`, in execution order.

        Raises:
            ComponentError: One raised; those after it were not called.
        """
        for name in self.order:
            self._enter(name, "on_configure")
            self._configured.append(name)
        taps = self._taps.make()
        with collection_paused():
            self._prepare(taps)

    def activate(self) -> None:
        """Call every `on_activate`, in execution order.

        Raises:
            ComponentError: One raised; those after it were not called.
        """
        for name in self.order:
            self._enter(name, "on_activate")
            self._active.append(name)

    def deactivate(self) -> Failure | None:
        """Call `on_deactivate` of all that are active, in reverse; all of them.

        Returns:
            The first failure.
        """
        unsettled = self._taps.settle()
        return self._leave(self._active, "on_deactivate") or unsettled

    def shutdown(self) -> Failure | None:
        """Call `on_shutdown` of all that were configured, in reverse, and close taps.

        Returns:
            The first failure.
        """
        try:
            failure = self._leave(self._configured, "on_shutdown")
        finally:
            unclosed = self._taps.close()
        return failure or unclosed

    def _enter(self, name: str, phase: str) -> None:
        component = self.components[name]
        try:
            getattr(component, phase)()
        except Exception as error:
            raise Failed(Failure(name, phase, None, error)) from error
        component._lk.state = AFTER[phase]

    def _leave(self, names: list[str], phase: str) -> Failure | None:
        first = None
        leaving: BaseException | None = None
        while names:
            name = names.pop()
            component = self.components[name]
            try:
                getattr(component, phase)()
            except Exception as error:  # noqa: BLE001 - all of them get their turn
                first = first or Failure(name, phase, None, error)
            except BaseException as error:  # noqa: BLE001 - an exit, or Ctrl-C
                leaving = leaving or error
            component._lk.state = AFTER[phase]
        if leaving is not None:
            raise leaving
        return first

    def _prepare(
        self, taps: Mapping[str, Sequence[Callable[[int, Any], object]]]
    ) -> None:
        forwards = {
            name: component.forward for name, component in self.components.items()
        }
        guard = MutationCheck(self.tick)
        if self.check_values:
            forwards = {
                name: guard.wrap(name, order, self.components[name])
                for order, name in enumerate(self.order)
            }
        unpackers = {
            name: component._lk.signature.unpack
            for name, component in self.components.items()
        }
        self._plan = plan(
            self.spec,
            self._indexes,
            self.components,
            self._observed(forwards),
            unpackers,
            lambda data: snapshot(decode(data)),
            self._records,
            taps,
        )
        guard.until = last_readers(self._plan)
        self._durations = [[] for _ in self._plan.steps]
        self._schedule = generate(self._plan, self._durations)

    def _observed(
        self, forwards: Mapping[str, Callable[..., Any]]
    ) -> Mapping[str, Callable[..., Any]]:
        """Let taps settle before components fire, and a trace note when they do."""
        if self.trace is not None:
            wrap, clock = self.trace.wrap, self.tick
            forwards = {name: wrap(name, x, clock) for name, x in forwards.items()}
        return self._taps.settled(forwards)

    def stop(self) -> None:
        """End the run after the current tick; from any thread, more than once."""
        self._stopped = True
        self.tick[0] = -1

    def run(
        self,
        iterations: int | None,
        *,
        rate_hz: float | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Failure | None:
        """Fire the components for ticks 0 to `iterations - 1`, or until it ends.

        Args:
            iterations: How many ticks; None until stopped.
            rate_hz: Ticks per second; None is as fast as possible.
            progress: Called with the number of ticks done, now and then.

        Returns:
            What a component raised, if one did.
        """
        pacer = Pacer(rate_hz, lambda: self._stopped) if rate_hz else None
        end = _FOREVER if iterations is None else iterations
        began = self._began = time.perf_counter()
        failure = None
        try:
            tick = self._loop(end, pacer, progress)
            self._cut = HostStopPoint(tick, 0, {})
            if self._stopped and tick < end:
                self.ended_by = "stop"
        except Exception as error:  # noqa: BLE001 - a component's own
            failure = self._end(error)
        finally:
            self._duration_s = time.perf_counter() - began
            self.tick[1] = None
            if pacer is not None:
                self._late_ticks = pacer.late_ticks
        return failure

    def _loop(
        self,
        end: int,
        pacer: Pacer | None,
        progress: Callable[[int], object] | None,
    ) -> int:
        assert self._plan is not None
        assert self._schedule is not None
        run, timed = self._schedule.run, self._schedule.timed
        regs, clock = list(self._plan.registers), self.tick
        t, most, sampler = 0, _FOREVER, Sampler(self._durations)
        if pacer is not None:
            pacer.start()
        began = time.perf_counter()
        while t < end:
            sampled = sampler.wants(t)
            if sampled or pacer is not None:
                until = t + 1
            else:
                until = min(end, sampler.next_after(t))
            if t == FIRST and progress is not None:
                tick_s = (time.perf_counter() - began) / t
                most = max(1, int(PROGRESS_S / max(tick_s, 1e-9)))
            until = min(until, t + most)
            if pacer is not None:
                pacer.wait(t)
            clock[0] = until
            if self._stopped:
                break
            t = (timed if sampled else run)(t, clock, regs, self._plan.kinds)
            if progress is not None:
                progress(t)
            if sampled:
                sampler.took(until - 1)
        return t

    def _end(self, error: Exception) -> Failure | None:
        """Find out where the run ended from the traceback of what was raised."""
        tick = self.tick[1]
        if self._schedule is None or tick is None:
            raise error
        place = self._schedule.step_at(error.__traceback__)
        if place is None:
            raise error
        trace, order = place
        if isinstance(error, EndOfStream):
            self._cut = HostStopPoint(tick, 0, {})
            self.ended_by = "end of stream"
            return None
        self.ended_by = "error"
        self._cut = HostStopPoint(tick, order, self._unseen(order, trace))
        error.__traceback__ = users_part(trace.tb_next)
        return Failure(self.order[order], "forward", tick, error)

    def _unseen(self, order: int, trace: TracebackType) -> dict[str, bool]:
        """Say of values sent in the last tick, and not looked at, whether they were."""
        assert self._plan is not None
        found = {}
        local = trace.tb_frame.f_locals
        for value in self._plan.values.values():
            if value.counted_by is not None and value.step < order <= value.counted_by:
                sent = value.counted_by == order or local[f"v{value.slot}"] is not None
                found[value.address] = sent
        return found

    def report(self, engine: str) -> RunReport:
        """Say what counts of the run."""
        return RunReport(
            engine=engine,
            system=self.spec.name,
            iterations=self._cut.tick,
            duration_s=self._duration_s,
            late_ticks=self._late_ticks,
            ended_by=self.ended_by,
            components=self._component_reports(),
            connections=self._connection_reports(),
            instances=dict(self.components),
            records=self._recorded_values(),
        )

    def so_far(self, engine: str, ticks: int) -> RunReport:
        """Say what has been done while the run goes on, between two ticks."""
        self._cut = HostStopPoint(ticks, 0, {})
        self._duration_s = time.perf_counter() - self._began
        return RunReport(
            engine=engine,
            system=self.spec.name,
            iterations=ticks,
            duration_s=self._duration_s,
            ended_by="running",
            components=self._component_reports(),
            connections=self._connection_reports(),
        )

    def _ticks(self, order: int) -> int:
        """Return how many ticks count for the step of that order."""
        return self._cut.tick + (order < self._cut.order)

    def _missed(self, counter: int, order: int) -> int:
        """Return the gap counter of a step of that order, as far as the cut."""
        if self._plan is None:
            return 0
        in_last_tick = self._plan.last[counter] == self._cut.tick
        return self._plan.gaps[counter] - (in_last_tick and order >= self._cut.order)

    def _component_reports(self) -> dict[str, ComponentReport]:
        reports = {}
        for i, name in enumerate(self.order):
            ticks = self._ticks(i)
            absent = self._missed(i, i)
            samples = self._durations[i] if self._durations else []
            reports[name] = times_of(ticks - absent, absent, samples, self._duration_s)
        return {item.name: reports[item.name] for item in self.spec.components}

    def _connection_reports(self) -> dict[str, ConnectionReport]:
        values = self._plan.values if self._plan is not None else {}
        return {
            str(connection): ConnectionReport(
                messages=self._messages(values[connection.source])
                if connection.source in values
                else 0
            )
            for connection in self.spec.connections
        }

    def _messages(self, value: Value) -> int:
        order = value.step if value.counted_by is None else value.counted_by
        missed = self._missed(value.counter, order)
        if value.address in self._cut.values:
            return self._cut.tick - missed + self._cut.values[value.address]
        return self._ticks(order) - missed

    def _recorded_values(self) -> dict[str, list[tuple[int, Any]]]:
        position = {name: i for i, name in enumerate(self.order)}
        found = {}
        for address, values in self._records.items():
            ticks = self._ticks(position[component_of(address)])
            pairs = enumerate(values[:ticks])
            found[address] = [(t, value) for t, value in pairs if value is not None]
        return found
