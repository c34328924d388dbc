"""One node of several: its segments, driven by what arrives from the other nodes.

The engine brings values in with `push`, `absent` and `close`, gives a `Link` for each
node that reads one of this node's ports, and calls `step` until it says that there is
nothing to do. Nothing here waits: a segment runs a tick when everything it needs is
there, and then runs it through.

Which ticks count is agreed with the other nodes, through `set_cut`, `freeze`, `thaw`
and `set_floor`; what lies beyond the cut may have run, by less than the run-ahead
limit, and is not counted.

A segment waits until each input has said how far it is, value or not, as a conservative
simulator waits; `absent` is its null message. And no segment runs `run_ahead` ticks or
more ahead of the lowest unfinished tick of all: the bounded lag, see `termination`.

References:
    K. M. Chandy and J. Misra, "Distributed Simulation: A Case Study in Design and
    Verification of Distributed Programs", IEEE Transactions on Software Engineering
    SE-5(5), 1979: waiting for every input, and null messages.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import EndOfStream
from like_keras_core.graph.choices import Choices
from like_keras_core.graph.segments import segments_of, skipping_segments_of
from like_keras_core.report import ComponentReport
from like_keras_core.runtime.failure import Failure
from like_keras_core.runtime.host.choosing_buffers import InputRules
from like_keras_core.runtime.host.fan_out import FanOut, Link
from like_keras_core.runtime.host.host_base import HostBase, TapCalls
from like_keras_core.runtime.host.node_clock import NodeClock
from like_keras_core.runtime.host.node_counts import node_counts
from like_keras_core.runtime.host.pacer import Pacer, most_spin_s
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.sampling import is_sampled
from like_keras_core.runtime.host.schedule import Schedule
from like_keras_core.runtime.host.segment_runner import SegmentRunner
from like_keras_core.runtime.host.segment_wiring import SegmentWiring
from like_keras_core.runtime.host.tentative_counts import TentativeCounts
from like_keras_core.runtime.host.worker import WorkerFactory, WorkerThread
from like_keras_core.runtime.stop_point import FOREVER, StopPoint
from like_keras_core.runtime.stop_signals import came_by_signal
from like_keras_core.spec import SystemSpec
from like_keras_core.tap import Tap

_next = attrgetter("next")

_LATE = -1
"""The counter of ticks that began after their deadline, beside those of gaps."""


class NodeHost(HostBase):
    """Runs the components of one node of a system.

    Args:
        spec: The whole system.
        node: The node.
        components: The components of this node, by address.
        released: Called with a port's address and a tick when this node has finished
            that tick of a port of another node: its credit goes back.
        window: Values in flight on a connection.
        run_ahead: Ticks that a segment may be ahead of the system's smallest one.
        seed: Seeds each component's `rng`.
        record: Addresses of this node's ports to record.
        taps: What to call after emissions.
        check_values: Find components that change what they received.
        skips: Whether what is late is left out; only sync inputs wait for other nodes.
        choices: What another run took and left out, to be repeated.
        worker: Makes the thread of each component that takes ticks.
    """

    def __init__(
        self,
        spec: SystemSpec,
        node: str,
        components: Mapping[str, Component],
        *,
        released: Callable[[str, int], object],
        window: int = 8,
        run_ahead: int = 256,
        seed: int = 0,
        record: Sequence[str] = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        skips: bool = False,
        choices: Choices | None = None,
        worker: WorkerFactory = WorkerThread,
    ) -> None:
        super().__init__(
            spec,
            components,
            cut=FOREVER,
            seed=seed,
            record=record,
            taps=taps,
            check_values=check_values,
            rules=InputRules(skips, choices, window),
            worker=worker,
        )
        self.node = node
        self.window = window
        self.run_ahead = run_ahead
        # What was raised here at the lowest place so far. It is the run's error if
        # the cut, which another node may have lowered since, still is at that place.
        self.failure: Failure | None = None
        # The lowest tick that some node is not known to have finished; it only rises,
        # and what is below it, and below the cut, counts for certain.
        self.floor = 0
        self._clock = NodeClock()
        # By time.monotonic [s]: `start`, and the end of the newest tick of any segment.
        self._began = 0.0
        self._ended = 0.0
        # Whether a tick runs: then nothing but that is waited for.
        self._is_firing = False
        # Whether no tick may start: between the question how far this node is and the
        # stop that follows.
        self._is_frozen = False
        # Absences and late ticks that a lower cut could take back, by counter.
        self._ledger = TentativeCounts()
        self._wiring = SegmentWiring(
            spec, self.pending, self.components, window, released, self.rules
        )
        #: The ways out: a port, the node that reads it, and the link.
        self.links: list[tuple[str, str, Link]] = []
        # The wiring's own: values arrive here, more often than anything else.
        self._inputs = self._wiring.inputs
        segments = skipping_segments_of(spec) if skips else segments_of(spec)
        self._runners = [SegmentRunner(item) for item in segments if item.node == node]

    def link(self, source: str, link: Link, reader: str = "") -> None:
        """Send the values of one of this node's ports to one more node.

        Args:
            source: The port's address.
            link: The way.
            reader: The node at its end.
        """
        self._wiring.outlets.setdefault(source, FanOut()).links.append(link)
        self.links.append((source, reader, link))

    def push(
        self, source: str, tick: int, value: Any, stamp: float | None = None
    ) -> None:
        """Take in a value of a port of another node; nobody may change it.

        Args:
            source: The port's address.
            tick: The value's tick.
            value: The value.
            stamp: When it was emitted, by this machine's `time.monotonic` [s].
        """
        channel = self._inputs[source]
        if stamp is not None and is_sampled(tick):
            channel.stamp(tick, stamp)
        channel.send(tick, value)

    def absent(self, source: str, tick: int) -> None:
        """Know that a port of another node sends nothing more up to a tick."""
        self._inputs[source].absent(tick)

    def close(self, source: str) -> None:
        """Know that a port of another node sends nothing any more."""
        self._inputs[source].close()

    def _prepare(self, taps: TapCalls) -> None:
        for runner in self._runners:
            self._wiring.open(runner)
        base = 0
        for runner in self._runners:
            plan = self._plan_of(
                runner.segment.order,
                taps,
                inlet=partial(self._wiring.inlet, runner),
                outlets=runner.outlets,
            )
            runner.begin(plan, base, self.lateness)
            base += len(plan.gaps)

    def _schedules(self) -> Iterator[Schedule]:
        return (item for runner in self._runners for item in runner.schedules())

    def shutdown(self) -> Failure | None:
        """Call `on_shutdown` of all that were configured, in reverse; no tick follows.

        Returns:
            The first failure.
        """
        # Code holds what it calls, and Python finds no cycle that leads through code.
        for runner in self._runners:
            runner.retire()
        return super().shutdown()

    def start(
        self, rate_hz: float | None = None, *, pacer: Pacer | None = None
    ) -> None:
        """Begin to count time.

        Args:
            rate_hz: Ticks per second; None is as fast as possible.
            pacer: What counts it; one of this machine's clock when omitted.
        """
        self._thread = threading.get_ident()
        self._began = time.monotonic()
        if rate_hz:
            spin_s = most_spin_s(has_workers=bool(self.pending))
            pacer = pacer or Pacer(rate_hz, lambda: False, most_spin_s=spin_s)
            self.lateness.start(pacer)
            for runner in self._runners:
                runner.is_due = self._clock.is_due
            self._instruments.start(self._clock.start(pacer))

    @property
    def pause_s(self) -> float:
        """How long until a tick is due that waits for nothing but the clock [s]."""
        return self._clock.pause_s(x for x in self._runners if self._may_start(x.next))

    def set_cut(self, cut: StopPoint) -> None:
        """Know where the run ends, if it is before what was known."""
        if cut.place < self.cut.place:
            self.cut = cut

    def freeze(self) -> int:
        """Start no tick; return the highest that is started, or -1."""
        self._is_frozen = True
        return max((runner.next for runner in self._runners), default=0) - 1

    def thaw(self) -> None:
        """Start ticks again, together with the cut that a freeze has led to.

        The last one waits for no clock.
        """
        self._is_frozen = False
        self._clock.stop()

    def set_floor(self, tick: int) -> None:
        """Know the smallest tick that the whole system has not finished."""
        self.floor = max(self.floor, tick)
        self._ledger.fold(min(self.floor, self.cut.tick))

    @property
    def is_held(self) -> bool:
        """Whether a segment is as far ahead of the floor as it may be."""
        return any(item.next >= self._limit for item in self._runners)

    @property
    def progress(self) -> int:
        """The smallest tick that this node has not finished."""
        return min(map(_next, self._runners), default=1 << 62)

    @property
    def is_finished(self) -> bool:
        """Whether every tick up to the cut is finished here."""
        return all(runner.next >= self.cut.end for runner in self._runners)

    @property
    def _limit(self) -> int:
        """The first tick that is too far ahead of the other nodes."""
        return self.cut.end if self.rules.skips else self.floor + self.run_ahead

    def _may_start(self, tick: int) -> bool:
        return tick < self.cut.end and tick < self._limit and not self._is_frozen

    def step(self) -> bool:
        """Send a result, or run one tick of one segment: the earliest, then deepest.

        A result leaves as soon as it is there, whatever tick its segment is at.

        Returns:
            Whether there was something to do.
        """
        for pending in self.pending.values():
            if pending.can_leave:
                pending.leave()
                return True
        ready = self._ready()
        if not ready:
            return False
        runner = ready[0]
        if len(ready) > 1:
            runner = min(ready, key=lambda item: (item.next, -item.segment.depth))
        self._run(runner)
        return True

    @property
    def is_ready(self) -> bool:
        """Whether `step` would do something."""
        can_leave = any(pending.can_leave for pending in self.pending.values())
        return can_leave or bool(self._ready())

    def _ready(self) -> list[SegmentRunner]:
        return [
            runner
            for runner in self._runners
            if self._may_start(runner.next) and runner.has_all
            if self._clock.may_run(runner)
        ]

    def awaited(self) -> PendingResult | None:
        """Return whose thread this node waits for, and for nothing else; or None."""
        if self._is_firing or self._calls.calling is not None:
            return super().awaited()
        waiting = [item for item in self._runners if self._may_start(item.next)]
        lowest = min(map(_next, waiting), default=0)
        found = [item.awaited() for item in waiting if item.next == lowest]
        return next(filter(None, found), None)

    def waits_for(self) -> list[str]:
        """Say of each segment what its next tick waits for; from any thread."""
        if (firing := self.firing()) is not None:
            return [f"On node {self.node!r}, {firing}."]
        limits = self.node, self.cut, self._limit, self._is_frozen
        return [item.waits_for(*limits) for item in self._runners]

    def _run(self, runner: SegmentRunner) -> None:
        tick = runner.next
        self._is_firing = True
        runner.put_off()
        is_late, is_over = self._clock.wait(runner)
        if is_late:
            self._ledger.note(_LATE, tick)
        self._instruments.blocked(runner.take_blocker())
        self.tick[0] = tick + 1
        schedule, limits = runner.schedule_at(self.cut, is_over)
        clock = [*self.tick, *limits]
        self.tick[1] = tick
        runner.settle()
        run = schedule.run
        if sampled := runner.sampler.wants(tick):
            run = schedule.timed
            runner.measure_latencies(tick)
        try:
            run(tick, clock, runner.registers, runner.plan.kinds)
        except BaseException as error:  # noqa: BLE001 - a component's own
            self._raised(runner, schedule, tick, error)
            runner.launch()
        for counter in runner.gaps_at(tick):
            self._ledger.note(counter, tick)
        if sampled:
            runner.sampler.took(tick)
        self._finish(runner, tick)

    def _finish(self, runner: SegmentRunner, tick: int) -> None:
        runner.finish(tick)
        self._ended = time.monotonic()
        self._is_firing = False

    def _raised(
        self, runner: SegmentRunner, schedule: Schedule, tick: int, error: BaseException
    ) -> None:
        found = schedule.step_at(error.__traceback__)
        if found is None or came_by_signal(error):
            raise error
        trace, step = found
        name, pending = runner.plan.steps[step].name, runner.plan.steps[step].pending
        if self.rules.skips and runner.gate is not None:
            runner.gate.leave_out_after(step, tick)
            BaseException.with_traceback(error, trace.tb_next)
            self.lateness.end(name, tick, error)
            return
        if isinstance(error, EndOfStream):
            self.set_cut(StopPoint(tick, self.place[name], "end of stream", name))
            return
        cut = StopPoint(tick, self.place[name], "error", name)
        if cut.place < self.cut.place:
            BaseException.with_traceback(error, trace.tb_next)
            began = None if pending is None else pending.begun
            self.failure = Failure(name, "forward", tick, error, began)
        self.set_cut(cut)

    def counts(
        self, cut: StopPoint | None = None
    ) -> tuple[dict[str, ComponentReport], dict[str, int]]:
        """Return what each component did, and each port's messages, below a cut.

        Args:
            cut: Not above how far this node is; that of the run when omitted.
        """
        duration_s = max(0.0, self._ended - self._began)
        cut = cut or self.cut
        report_of = partial(self._instruments.report, duration_s)
        return node_counts(self._runners, self._ledger, cut, self.place, report_of)

    @property
    def late_ticks(self) -> int:
        """How many ticks below the cut began after their deadline."""
        return self._ledger.below(self.cut.tick)[_LATE]

    def received(self) -> dict[str, tuple[float | None, int | None]]:
        """Return the `statistics` of each input from outside a segment, by address."""
        inlets = (inlet for runner in self._runners for _, inlet in runner.inlets)
        return {inlet.target: inlet.statistics for inlet in inlets}
