"""A whole system in one process: the loop over its ticks, and all that it counts.

When the run ends, what counts is what lies below the cut: the tick of an end, or the
place of an error inside its tick.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import EndOfStream
from like_keras_core.graph.choices import Choices
from like_keras_core.report import RunReport
from like_keras_core.runtime.failure import Failure
from like_keras_core.runtime.host.choosing_buffers import InputRules
from like_keras_core.runtime.host.firing import Firing, firing_in
from like_keras_core.runtime.host.host_base import HostBase, TapCalls
from like_keras_core.runtime.host.lateness import CLOSEST, Gate
from like_keras_core.runtime.host.pacer import Pacer, most_spin_s
from like_keras_core.runtime.host.plan import Plan
from like_keras_core.runtime.host.plan_counts import (
    PlanCounts,
    component_reports,
    connection_reports,
    sent_unseen,
)
from like_keras_core.runtime.host.result_wait import ResultWait
from like_keras_core.runtime.host.sampling import FIRST, Sampler
from like_keras_core.runtime.host.schedule import Schedule, generate, generated_frame
from like_keras_core.runtime.host.worker import WorkerFactory, WorkerThread
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.runtime.stop_signals import came_by_signal
from like_keras_core.runtime.tracebacks import users_part
from like_keras_core.spec import SystemSpec
from like_keras_core.tap import Tap
from like_keras_core.view.plain_text import to_duration

PROGRESS_S = 0.05
"""About how often progress is told, where somebody wants to know."""

_FOREVER = sys.maxsize

_WORTH_TELLING_S = 0.1
"""A firing that outlasts a request to stop by less is not worth a word."""


class SingleHost(HostBase):
    """Runs a whole system in this process.

    Args:
        spec: The system.
        components: Its components, by address.
        seed: Seeds each component's `rng`, with its address.
        record: Addresses of output ports to record, or `"all"`.
        taps: What to call after emissions.
        check_values: Find components that change what they received.
        skips: Whether what is late is left out.
        choices: What another run took and left out, to be repeated.
        worker: Makes the thread of each component that takes ticks.

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
        skips: bool = False,
        choices: Choices | None = None,
        worker: WorkerFactory = WorkerThread,
    ) -> None:
        super().__init__(
            spec,
            components,
            cut=StopPoint(0, 0),
            seed=seed,
            record=record,
            taps=taps,
            check_values=check_values,
            rules=InputRules(skips, choices),
            worker=worker,
        )
        # Set by any thread, and never taken back. `tick[0]` is -1 from then on, so that
        # the generated loop ends after its tick; but `_loop` may set it once more, so
        # that it asks here afterwards.
        self._stopped = False
        # Both, or neither: None until every component was configured.
        self._plan: Plan | None = None
        self._schedule: Schedule | None = None
        # Runs a tick without the steps that the gate names, in a run that may leave
        # some out.
        self._gated: Schedule | None = None
        self._gate: Gate | None = None
        # Of each step, by its number in the plan: durations of the sampled firings [s].
        self._durations: list[list[float]] = []
        # Ports whose value at the tick of an error had not been looked at, so that no
        # gap counter tells of it, and whether there was one. Empty for other ends.
        self._unseen: dict[str, bool] = {}
        self._results = ResultWait(
            self.pending, self._instruments, lambda: self._stopped, skips=skips
        )
        # What was firing when the run was asked to stop: written once, by who asks.
        self._stopped_in: Firing | None = None
        # The hook of the start that a stop has interrupted.
        self._interrupted: Failure | None = None
        # By perf_counter [s]: the beginning of tick 0. The duration is 0 until the end,
        # but for the moments at which `so_far` is called.
        self._began = 0.0
        self._duration_s = 0.0
        # None without a rate, and before the run.
        self._pacer: Pacer | None = None
        #: What was raised so far, in order.
        self.failures: list[Failure] = []

    @property
    def is_running(self) -> bool:
        """Whether ticks run: no hook is due before they have ended."""
        return self._thread is not None

    @property
    def ended_by(self) -> str:
        """What ended the run, as far as it is known here."""
        return self.cut.kind

    @property
    def is_stopped(self) -> bool:
        """Whether the run was asked to end."""
        return self._stopped

    def end_at_once(self, interrupted: Failure | None = None) -> None:
        """Know that it was asked to end before tick 0, which does not run.

        Args:
            interrupted: The hook that did not come to its end.
        """
        self.cut = StopPoint(0, 0, "stop")
        self._interrupted = interrupted

    def fail(self) -> None:
        """Know that a component could not be configured or activated: no tick runs."""
        self.cut = StopPoint(0, 0, "error")

    def _prepare(self, taps: TapCalls) -> None:
        index = {component.name: n for n, component in enumerate(self.spec.components)}
        self._plan = self._plan_of([index[name] for name in self.order], taps)
        if self.pending:
            self._plan.await_results = self._results
        self._durations = self._plan.durations()
        self._schedule = generate(self._plan, self._durations)
        if self.lateness.is_active:
            self._gate = Gate(self.lateness, self._plan)
            self._gated = generate(self._plan, self._durations, gated=True)

    def _schedules(self) -> Iterable[Schedule]:
        return (x for x in (self._schedule, self._gated) if x is not None)

    def firing(self) -> Firing | None:
        """Return which component is inside `forward` now, that the tick waits for."""
        pending = self._results.waits_for
        return super().firing() if pending is None else firing_in(pending)

    def stop(self) -> None:
        """End the run after the current tick; from any thread, more than once."""
        self._stopped = True
        self.tick[0] = -1
        if self._stopped_in is None:
            self._stopped_in = self.firing()

    def waited_for(self) -> str:
        """Say which component was firing when the run was asked to stop; or nothing.

        After the run, it says how much longer that took, where it took long.
        """
        firing, hook = self._stopped_in, self._interrupted
        if hook is not None:
            return f"{hook.name!r} was inside {hook.phase}."
        if firing is None:
            return ""
        longer_s = self._began + self._duration_s - firing.seen_at
        if longer_s < _WORTH_TELLING_S:
            return f"{firing}."
        return f"{firing}; the tick took {to_duration(longer_s)} more."

    def run(
        self,
        iterations: int | None,
        *,
        rate_hz: float | None = None,
        progress: Callable[[int], object] | None = None,
        idle: Callable[[float], object] | None = None,
        pacer: Pacer | None = None,
    ) -> Failure | None:
        """Fire the components for ticks 0 to `iterations - 1`, or until it ends.

        Args:
            iterations: How many ticks; None until stopped.
            rate_hz: Ticks per second; None is as fast as possible.
            progress: Called with the number of ticks done, now and then.
            idle: Called in each wait for a tick, with how long that lasts [s].
            pacer: What counts the time; one of this machine's clock when omitted.

        Returns:
            What a component raised, if one did.
        """
        if rate_hz:
            spin_s = most_spin_s(has_workers=bool(self.pending))
            pacer = pacer or Pacer(
                rate_hz, lambda: self._stopped, most_spin_s=spin_s, idle=idle
            )
            self.lateness.start(pacer)
        self._pacer = pacer
        self._results.is_paced = pacer is not None
        end = _FOREVER if iterations is None else iterations
        began = self._began = time.perf_counter()
        failure = None
        try:
            self._thread = threading.get_ident()
            tick = self._loop(end, pacer, progress)
            by = "stop" if self._stopped and tick < end else "iterations"
            self.cut = StopPoint(tick, 0, by)
            failure = self.lateness.failure
            if self.lateness.proposal is not None:
                self.cut = self.lateness.proposal._replace(tick=tick)
            elif failure is not None:
                self.cut = StopPoint(tick, 0, "error", failure.name)
        except BaseException as error:
            if came_by_signal(error):
                raise
            failure = self._end(error)
        finally:
            self._duration_s = time.perf_counter() - began
            self._thread = self.tick[1] = None
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
        t, most = 0, _FOREVER
        sampler = Sampler(self._plan.sampled(self._durations))
        if pacer is not None:
            self._instruments.start(pacer.start())
        began = time.perf_counter()
        while t < end:
            sampled = sampler.wants(t)
            if sampled or pacer is not None or self._gate is not None:
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
            mask = 0
            if self._gate is not None:
                is_over = pacer is not None and pacer.is_over(t, CLOSEST)
                mask = self._gate.mask(t, is_over and self.rules.skips)
            if mask:
                t = self._run_gated(t, mask, regs)
            else:
                t = (timed if sampled else run)(t, clock, regs, self._plan.kinds)
            if self.lateness.proposal is not None:
                break
            if progress is not None:
                progress(t)
            if sampled:
                sampler.took(until - 1)
        return t

    def _run_gated(self, tick: int, mask: int, regs: list[Any]) -> int:
        """Run a tick without the steps of a mask."""
        assert self._plan is not None
        assert self._gated is not None
        self.tick[1] = tick
        return self._gated.run(tick, [tick + 1, tick, 0, mask], regs, self._plan.kinds)

    def choices(self) -> Choices:
        """Return what it left out because of a clock, or another run did."""
        given = self.rules.choices
        return given.below(self.cut.end) if given else self.lateness.noted(self.cut.end)

    def _end(self, error: BaseException) -> Failure | None:
        """Find out where the run ended from the traceback of what was raised."""
        tick = self.tick[1]
        if self._schedule is None or self._plan is None or tick is None:
            raise error
        places = (x.step_at(error.__traceback__) for x in self._schedules())
        place = next((item for item in places if item is not None), None)
        if place is None:
            raise error
        trace, step = place
        name, pending = self._plan.steps[step].name, self._plan.steps[step].pending
        if isinstance(error, EndOfStream):
            self.cut = StopPoint(tick, self.place[name], "end of stream", name)
            return None
        self.cut = StopPoint(tick, self.place[name], "error", name)
        if not self._plan.steps[step].begins:
            self._unseen = sent_unseen(self._plan, step, trace.tb_frame)
        # Not by assignment, which a class of exceptions may refuse.
        BaseException.with_traceback(error, users_part(trace.tb_next))
        began = None if pending is None else pending.begun
        return Failure(name, "forward", tick, error, began)

    def deactivate(self) -> Failure | None:
        """Call `on_deactivate` of all that are active, in reverse; no tick follows.

        Returns:
            The first failure.
        """
        # Said once more: a signal may have interrupted the end of `run`.
        self._thread = self.tick[1] = self._results.waits_for = None
        return super().deactivate()

    def note(self, failure: Failure | None) -> None:
        """Know what a component raised, if it did; once."""
        if failure is not None and all(failure is not item for item in self.failures):
            self.failures.append(failure)

    def abandon(self, hung: Failure) -> None:
        """Know that code does not return: the run ends there, and no hook of it is due.

        Args:
            hung: Whose code it is, and in which phase.
        """
        for failure in self._raised_down.values():
            self.note(failure)
        self.note(hung)
        for names in (self._active, self._configured):
            if hung.name in names:
                names.remove(hung.name)
        frame = sys._current_frames().get(self._thread or 0)
        if hung.name not in self.place:
            self.cut = StopPoint(max(0, self.tick[1] or 0), 0, "error")
            return
        if hung.tick is None or self._plan is None or self._schedule is None:
            if hung.phase in ("on_configure", "on_activate"):
                self.fail()
            return
        self.cut = StopPoint(hung.tick, self.place[hung.name], "error", hung.name)
        self._duration_s = time.perf_counter() - self._began
        frame = generated_frame(frame, self._schedules())
        if frame is not None:
            steps = self._plan.counting_steps()
            self._unseen = sent_unseen(self._plan, steps[hung.name], frame)

    def report(self, engine: str) -> RunReport:
        """Say what counts of the run."""
        return self._report(
            engine,
            ended_by=self.ended_by,
            instances=dict(self.components),
            records=self.recorded(),
            realtime=self.realtime,
            choices=self.choices(),
        )

    def so_far(self, engine: str, ticks: int) -> RunReport:
        """Say what has been done while the run goes on, between two ticks."""
        self.cut = StopPoint(ticks, 0)
        self._duration_s = time.perf_counter() - self._began
        return self._report(engine, ended_by="running")

    def _report(self, engine: str, **known: Any) -> RunReport:
        counts = None
        if self._plan is not None:
            counts = PlanCounts(self._plan, self.cut, self.place, self._unseen)
        report_of = partial(self._instruments.report, self._duration_s)
        return RunReport(
            engine=engine,
            system=self.spec.name,
            iterations=self.cut.tick,
            duration_s=self._duration_s,
            late_ticks=self._pacer.late_ticks if self._pacer else 0,
            components=component_reports(self.spec, counts, self._durations, report_of),
            connections=connection_reports(self.spec, counts),
            **known,
        )
