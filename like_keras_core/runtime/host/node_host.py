"""One node of several: its segments, driven by what arrives from the other nodes.

The engine brings values in with `push`, `absent` and `close`, gives a `Link` for each
node that reads one of this node's ports, and calls `step` until it says that there is
nothing to do. Nothing here waits: a segment runs a tick when everything it needs is
there, and then runs it through.

Which ticks count is agreed with the other nodes, through `set_cut`, `freeze`, `thaw`
and `set_floor`; what lies beyond the cut may have run, by less than the run-ahead
limit, and is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from operator import attrgetter
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import EndOfStream
from like_keras_core.graph.checks import execution_order
from like_keras_core.graph.segments import segments_of
from like_keras_core.report import ComponentReport
from like_keras_core.runtime.failure import Failure
from like_keras_core.runtime.host.fan_out import FanOut, Link
from like_keras_core.runtime.host.host import Host
from like_keras_core.runtime.host.input_buffers import InputBuffer, PortBuffer
from like_keras_core.runtime.host.mutation_check import MutationCheck
from like_keras_core.runtime.host.pacer import Pacer
from like_keras_core.runtime.host.plan import Plan, last_readers, plan
from like_keras_core.runtime.host.sampling import (
    Sampler,
    is_sampled,
    quantile,
    times_of,
)
from like_keras_core.runtime.host.schedule import Schedule, generate
from like_keras_core.runtime.host.segment_runner import SegmentRunner
from like_keras_core.runtime.host.tentative_counts import TentativeCounts
from like_keras_core.runtime.stop_point import FOREVER, StopPoint
from like_keras_core.spec import ConnectionSpec, SystemSpec, component_of
from like_keras_core.tap import Tap
from like_keras_core.values.config_json import decode
from like_keras_core.values.gc_pause import collection_paused
from like_keras_core.values.semantics import snapshot

_next = attrgetter("next")

_LATE = -1
"""The counter of ticks that began after their deadline, beside those of gaps."""


class NodeHost(Host):
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
    ) -> None:
        super().__init__(
            spec,
            components,
            seed=seed,
            record=record,
            taps=taps,
            check_values=check_values,
        )
        self.node = node
        self.window = window
        self.run_ahead = run_ahead
        self.cut = FOREVER
        self.failure: Failure | None = None
        self.floor = 0
        self._pacer: Pacer | None = None
        self._began = 0.0
        self._ended = 0.0
        self._frozen_at: int | None = None
        self._released = released
        self._ledger = TentativeCounts()
        self._plans: list[Plan] = []
        place = {n: i for i, n in enumerate(execution_order(spec))}
        self.place = {spec.components[n].name: i for n, i in place.items()}
        self._inputs: dict[str, PortBuffer] = {}
        self._locals: dict[str, PortBuffer] = {}
        self._outlets: dict[str, FanOut] = {}
        mine = [segment for segment in segments_of(spec) if segment.node == node]
        self._runners = [SegmentRunner(segment) for segment in mine]

    def link(self, source: str, link: Link) -> None:
        """Send the values of one of this node's ports to one more node."""
        self._outlets.setdefault(source, FanOut()).links.append(link)

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

    @property
    def inputs(self) -> list[str]:
        """The ports of other nodes that this one reads."""
        return list(self._inputs)

    def _prepare(
        self, taps: Mapping[str, Sequence[Callable[[int, Any], object]]]
    ) -> None:
        with collection_paused():
            for runner in self._runners:
                self._open_outlets(runner)
            for runner in self._runners:
                self._plan_segment(runner, taps)

    def _open_outlets(self, runner: SegmentRunner) -> None:
        """Find the ports of a segment that are read outside of it."""
        inside = {self.spec.components[n].name for n in runner.segment.order}
        for connection in self.spec.connections:
            source = connection.source
            if component_of(source) not in inside:
                continue
            target = connection.consumer
            if target in inside:
                continue
            outlet = self._outlets.setdefault(source, FanOut())
            if target in self.components and outlet.local is None:
                outlet.local = self._locals[source] = PortBuffer(source, self.window)
        runner.outlets = {
            source: outlet
            for source, outlet in self._outlets.items()
            if component_of(source) in inside
        }

    def _plan_segment(
        self,
        runner: SegmentRunner,
        taps: Mapping[str, Sequence[Callable[[int, Any], object]]],
    ) -> None:
        names = [self.spec.components[n].name for n in runner.segment.order]
        inside = set(names)

        def belongs(address: str) -> bool:
            return component_of(address) in inside

        forwards = {name: self.components[name].forward for name in names}
        guard = MutationCheck(self.tick)
        if self.check_values:
            forwards = {
                name: guard.wrap(name, i, self.components[name])
                for i, name in enumerate(names)
            }
        runner.plan = plan(
            self.spec,
            runner.segment.order,
            self.components,
            self._observed(forwards),
            {name: self.components[name]._lk.signature.unpack for name in names},
            lambda data: snapshot(decode(data)),
            {key: items for key, items in self._records.items() if belongs(key)},
            {key: items for key, items in taps.items() if belongs(key)},
            positions=[self.place[name] for name in names],
            inlet=lambda connection, policy: self._inlet(runner, connection, policy),
            outlets=runner.outlets,
        )
        guard.until = last_readers(runner.plan)
        runner.durations = [[] for _ in names]
        latencies = [inlet.latencies for _, inlet in runner.inlets]
        runner.sampler = Sampler(runner.durations, latencies)
        runner.schedule = generate(runner.plan, runner.durations)
        runner.registers = list(runner.plan.registers)
        runner.is_paced = all(
            inlet.policy in ("delay", "latest") for _, inlet in runner.inlets
        )
        runner.base = sum(len(other.gaps) for other in self._plans)
        self._plans.append(runner.plan)

    def _inlet(
        self, runner: SegmentRunner, connection: ConnectionSpec, policy: str
    ) -> Callable[[int], Any]:
        source = connection.source
        if component_of(source) in self.components:
            channel = self._locals[source]
        else:
            channel = self._inputs.setdefault(
                source,
                PortBuffer(
                    source, self.window, lambda tick: self._released(source, tick)
                ),
            )
        if connection.delay is None:
            inlet = InputBuffer(connection.target, policy)
        else:
            initial = snapshot(decode(connection.delay.initial))
            inlet = InputBuffer(connection.target, "delay", initial)
        channel.inlets.append(inlet)
        runner.inlets.append((channel, inlet))
        return inlet.take

    def shutdown(self) -> Failure | None:
        """Call `on_shutdown` of all that were configured, in reverse; no tick follows.

        Returns:
            The first failure.
        """
        # Code holds what it calls, and Python finds no cycle that leads through code.
        for runner in self._runners:
            runner.retire()
        return super().shutdown()

    def start(self, rate_hz: float | None = None) -> None:
        """Begin to count time.

        Args:
            rate_hz: Ticks per second, for what waits for no other node; None is as
                fast as possible.
        """
        self._began = time.monotonic()
        if rate_hz:
            self._pacer = Pacer(rate_hz, lambda: False)
            self._pacer.start()

    @property
    def pause_s(self) -> float:
        """How long until a tick is due that waits for nothing but the clock [s]."""
        pacer = self._pacer
        due = [
            pacer.wakes_at(runner.next)
            for runner in self._runners
            if pacer is not None and runner.is_paced
            if self._may_start(runner.next) and runner.has_all
        ]
        return max(0.0, min(due) - time.perf_counter()) if due else inf

    def set_cut(self, cut: StopPoint) -> None:
        """Know where the run ends, if it is before what was known."""
        if cut.place < self.cut.place:
            self.cut = cut

    def freeze(self) -> int:
        """Start no tick that is not started; return the highest that is, or -1."""
        started = max((runner.next for runner in self._runners), default=0) - 1
        self._frozen_at = started
        return started

    def thaw(self) -> None:
        """Start ticks again; after a freeze, together with the cut that it led to."""
        self._frozen_at = None

    def set_floor(self, tick: int) -> None:
        """Know the smallest tick that the whole system has not finished."""
        self.floor = max(self.floor, tick)
        self._ledger.fold(min(self.floor, self.cut.tick))

    @property
    def is_held(self) -> bool:
        """Whether a segment is as far ahead of the floor as it may be."""
        return any(item.next >= self.floor + self.run_ahead for item in self._runners)

    @property
    def progress(self) -> int:
        """The smallest tick that this node has not finished."""
        return min(map(_next, self._runners), default=1 << 62)

    @property
    def is_finished(self) -> bool:
        """Whether every tick up to the cut is finished here."""
        return all(runner.next > self.cut.tick for runner in self._runners)

    def _may_start(self, tick: int) -> bool:
        return (
            tick <= self.cut.tick
            and tick < self.floor + self.run_ahead
            and (self._frozen_at is None or tick <= self._frozen_at)
        )

    def step(self) -> bool:
        """Run one tick of one segment, if one is ready: the earliest, then deepest.

        Returns:
            Whether there was one.
        """
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
        """Whether `step` would run something."""
        return bool(self._ready())

    def _ready(self) -> list[SegmentRunner]:
        ready = []
        for runner in self._runners:
            if self._may_start(runner.next) and runner.has_all:
                pacer = self._pacer if runner.is_paced else None
                if pacer is None or pacer.wakes_at(runner.next) <= time.perf_counter():
                    ready.append(runner)
        return ready

    def waits_for(self) -> list[str]:
        """Say of each segment at which tick it is, and what it lacks."""
        return [
            f"{self.node}/{runner.segment.order}: tick {runner.next}, "
            f"lacks {runner.lacks() or 'nothing'}, cut {self.cut.place}, "
            f"floor {self.floor}, frozen at {self._frozen_at}"
            for runner in self._runners
        ]

    def _run(self, runner: SegmentRunner) -> None:
        tick = runner.next
        schedule = runner.schedule
        if self._pacer is not None and runner.is_paced:
            late_ticks = self._pacer.late_ticks
            self._pacer.wait(tick)
            if self._pacer.late_ticks > late_ticks:
                self._ledger.note(_LATE, tick)
        self.tick[0] = tick + 1
        clock = [*self.tick, self.cut.order]
        if tick == self.cut.tick:
            if runner.limited is None:
                runner.limited = generate(runner.plan, runner.durations, limited=True)
            schedule = runner.limited
        self.tick[1] = tick
        for outlet in runner.outlets.values():
            for link in outlet.links:
                link.settle()
        run = schedule.run
        if sampled := runner.sampler.wants(tick):
            run = schedule.timed
            self._measure(runner, tick)
        try:
            run(tick, clock, runner.registers, runner.plan.kinds)
        except Exception as error:  # noqa: BLE001 - a component's own
            self._raised(runner, schedule, tick, error)
        if tick in runner.plan.last:
            for counter, last in enumerate(runner.plan.last):
                if last == tick:
                    self._ledger.note(runner.base + counter, tick)
        if sampled:
            runner.sampler.took(tick)
        self._finish(runner, tick)

    def _measure(self, runner: SegmentRunner, tick: int) -> None:
        """Note how long ago the values that fire now were emitted."""
        now = time.monotonic()
        for channel, inlet in runner.inlets:
            sent = tick - 1 if inlet.policy == "delay" else tick
            stamp = channel.stamps.get(sent)
            if stamp is not None:
                inlet.latencies.append(now - stamp)

    def _finish(self, runner: SegmentRunner, tick: int) -> None:
        """Answer what has no answer yet, and give the credits back."""
        for outlet in runner.outlets.values():
            if outlet.answered < tick:
                outlet(tick, None)
        runner.next = tick + 1
        self._ended = time.monotonic()
        for channel, inlet in runner.inlets:
            inlet.finish(tick)
            channel.release()

    def _raised(
        self, runner: SegmentRunner, schedule: Schedule, tick: int, error: Exception
    ) -> None:
        found = schedule.step_at(error.__traceback__)
        if found is None:
            raise error
        trace, step = found
        name = runner.plan.steps[step].name
        if isinstance(error, EndOfStream):
            self.set_cut(StopPoint(tick, self.place[name], "end of stream", name))
            return
        cut = StopPoint(tick, self.place[name], "error", name)
        if cut.place < self.cut.place:
            error.__traceback__ = trace.tb_next
            self.failure = Failure(name, "forward", tick, error)
        self.set_cut(cut)

    def counts(
        self, cut: StopPoint | None = None
    ) -> tuple[dict[str, ComponentReport], dict[str, int]]:
        """Return what each component did, and each port's messages, below a cut.

        Args:
            cut: Not above how far this node is; that of the run when omitted.
        """
        cut = cut or self.cut
        missed = self._ledger.below(cut.tick)
        at_cut = self._ledger.at(cut.tick)
        duration_s = max(0.0, self._ended - self._began)
        components, messages = {}, {}
        for runner in self._runners:
            base = runner.base
            for i, step in enumerate(runner.plan.steps):
                ticks = cut.ticks(self.place[step.name])
                counted = ticks > cut.tick
                absent = missed[base + i] + (counted and base + i in at_cut)
                components[step.name] = times_of(
                    ticks - absent, absent, runner.durations[i], duration_s
                )
                for value in step.outputs:
                    if value is not None:
                        key = base + value.counter
                        gone = missed[key] + (counted and key in at_cut)
                        messages[value.address] = ticks - gone
        return components, messages

    @property
    def late_ticks(self) -> int:
        """How many ticks below the cut began after their deadline."""
        return self._ledger.below(self.cut.tick)[_LATE]

    def received(self) -> dict[str, tuple[float | None, int | None]]:
        """Say of each input from outside a segment how long values took, how many came.

        Returns:
            By the input port's address: the median time from emission to firing [s],
            where it was measured; and for the policy `latest`, with how many values
            its component was fired.
        """
        return {
            inlet.target: (
                quantile(inlet.latencies, 0.5) if inlet.latencies else None,
                inlet.taken if inlet.policy == "latest" else None,
            )
            for runner in self._runners
            for _, inlet in runner.inlets
        }

    def recorded(self) -> dict[str, list[tuple[int, Any]]]:
        """Return the recorded values below the cut, by port address."""
        found = {}
        for address, values in self._records.items():
            ticks = self.cut.ticks(self.place[component_of(address)])
            pairs = enumerate(values[:ticks])
            found[address] = [(t, value) for t, value in pairs if value is not None]
        return found
