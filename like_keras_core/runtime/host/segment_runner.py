"""A segment as it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from like_keras_core.graph.segments import Segment
from like_keras_core.runtime.host.choosing_buffers import PunctualBuffer
from like_keras_core.runtime.host.fan_out import FanOut
from like_keras_core.runtime.host.input_buffers import InputBuffer, PortBuffer
from like_keras_core.runtime.host.lateness import Gate, Lateness
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.plan import Plan
from like_keras_core.runtime.host.sampling import Sampler
from like_keras_core.runtime.host.schedule import Schedule, generate
from like_keras_core.runtime.stop_point import FOREVER, StopPoint
from like_keras_core.spec import component_of


class SegmentRunner:
    """One segment as it runs: its schedule, its inputs, its outputs, its next tick."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        # The tick to run next; all below it are finished, and none above has begun.
        self.next = 0
        # Where the counters of this plan begin among those of all plans of the node.
        self.base = 0
        # What it reads from outside, each with the buffer that feeds it; two inputs
        # that one port feeds share the buffer. Complete once it is planned.
        self.inlets: list[tuple[PortBuffer, InputBuffer]] = []
        # What it has under way: its components that take ticks.
        self.pending: list[PendingResult] = []
        # What it sends outside as it runs a tick, by port address. Each has answered
        # for all ticks below `next`, and perhaps for `next` itself while that runs.
        self.outlets: dict[str, FanOut] = {}
        # Those, and what sends results as they come. Complete once it is planned.
        self.sends: list[FanOut] = []
        # From the planning on; the schedule only until the shutdown.
        self.plan: Plan
        self.schedule: Schedule
        # None until the tick of the cut comes, and in a run without one for good.
        self.limited: Schedule | None = None
        # The same for a tick in which some steps are absent whatever they are given.
        self.gated: Schedule | None = None
        # From the planning on, in a run that may leave steps out.
        self.gate: Gate | None = None
        # Of each step: durations of the sampled firings [s].
        self.durations: list[list[float]] = []
        self.sampler: Sampler
        # What delays and held values are at the beginning of `next`.
        self.registers: list[Any] = []
        # Whether no other segment's tick t is needed for its own: then the rate of the
        # system, and not the arrival of values, says when it runs.
        self.is_paced = False
        # By port address, who reads it outside: the component, or words for several.
        self.readers: dict[str, str] = {}
        # Whom its next tick had to wait for when it was last asked, as `readers` says.
        self.blocked_by = ""
        # Whether nothing in it waits for what is late; and says of a tick whether its
        # time has come.
        self.skips = False
        self.is_due: Callable[[int], bool] = lambda tick: True

    @property
    def first(self) -> str:
        """The first of its components, to name it by."""
        return self.plan.steps[0].name

    def begin(self, plan: Plan, base: int, lateness: Lateness) -> None:
        """Take up a plan, once all its inputs and outputs are there.

        Args:
            plan: What the segment does within a tick.
            base: How many counters the plans of the node's earlier segments have.
            lateness: What the host leaves out.
        """
        self.plan = plan
        self.skips = lateness.skips
        self.gate = Gate(lateness, plan) if lateness.is_active else None
        self.base = base
        later = [item for pending in self.pending for item in pending.outlets]
        self.sends = [*self.outlets.values(), *filter(None, later)]
        self.durations = plan.durations()
        latencies = [inlet.latencies for _, inlet in self.inlets]
        self.sampler = Sampler(plan.sampled(self.durations), latencies)
        self.schedule = generate(plan, self.durations)
        self.registers = list(plan.registers)
        self.is_paced = all(
            inlet.takes or inlet.policy == "delay" or not inlet.waits
            for _, inlet in self.inlets
        )

    def limited_one(self) -> Schedule:
        """Return what runs the tick of the cut: only the steps before it fire."""
        if self.limited is None:
            self.limited = generate(self.plan, self.durations, limited=True)
        return self.limited

    def gated_one(self) -> Schedule:
        """Return what runs a tick without the steps of a mask, also that of the cut."""
        if self.gated is None:
            self.gated = generate(self.plan, self.durations, limited=True, gated=True)
        return self.gated

    def schedule_at(
        self, cut: StopPoint, is_over: bool
    ) -> tuple[Schedule, tuple[int, ...]]:
        """Return what runs its next tick, and which steps that leaves out.

        Args:
            cut: Where the run ends.
            is_over: Whether the tick is over.
        """
        is_last = self.next >= cut.tick
        if mask := self.mask(is_over):
            order = cut.order if is_last else FOREVER.tick
            return self.gated_one(), (order, mask)
        return self.limited_one() if is_last else self.schedule, (cut.order,)

    def settle(self) -> None:
        """Copy what is kept of values whose memory their producers may use again."""
        for outlet in self.sends:
            for link in outlet.links:
                link.settle()

    def launch(self) -> None:
        """Let the threads fire that have begun, where the tick did not end so far."""
        for pending in self.pending:
            pending.launch()

    def schedules(self) -> Iterator[Schedule]:
        """Give every schedule that may be running."""
        found = getattr(self, "schedule", None), self.limited, self.gated
        yield from (item for item in found if item is not None)

    def gaps_at(self, tick: int) -> Iterator[int]:
        """Give the counters, among those of the node, of what was absent at a tick."""
        if tick in self.plan.last:
            for counter, last in enumerate(self.plan.last):
                if last == tick:
                    yield self.base + counter

    def finish(self, tick: int) -> None:
        """Answer what has no answer yet, and give the credits back."""
        for outlet in self.outlets.values():
            if outlet.answered < tick:
                outlet(tick, None)
        for pending in self.pending:
            pending.announce(tick)
        self.next = tick + 1
        for channel, inlet in self.inlets:
            inlet.finish(tick)
            channel.release()

    def take_blocker(self) -> str:
        """Return whom its next tick had to wait for, once; or nothing."""
        blocker, self.blocked_by = self.blocked_by, ""
        return blocker

    def retire(self) -> None:
        """Let go of the generated code; no tick follows."""
        self.limited = self.gated = None
        if hasattr(self, "schedule"):
            del self.schedule

    @property
    def has_all(self) -> bool:
        """Whether its next tick waits for no result, no input and no credit."""
        tick = self.next
        for pending in self.pending:
            if pending.is_waited_for(tick) and not self._puts_off(tick):
                self.blocked_by = pending.name
                return False
        for channel, inlet in self.inlets:
            if not inlet.is_ready(tick):
                self.blocked_by = component_of(channel.source)
                return False
        if self.skips and self.is_paced:
            return all(item.may_come_later for item in self._without_room())
        for source, outlet in self.outlets.items():
            if not outlet.has_credit:
                self.blocked_by = self.readers[source]
                return False
        return True

    def _puts_off(self, tick: int) -> bool:
        """Say whether a result that is not there when a tick is due comes later."""
        return self.skips and (self.is_paced or self.is_due(tick))

    @property
    def puts_off_later(self) -> bool:
        """Whether its next tick waits for a result only until the tick is due."""
        return self.skips and not self.is_paced and self.awaited() is not None

    def put_off(self) -> None:
        """Let results come later that are not there and that its next tick skips."""
        for pending in self.pending if self.skips else ():
            if pending.is_waited_for(self.next):
                pending.put_off()
        for pending in self._without_room() if self.skips and self.is_paced else ():
            pending.put_off()

    def _without_room(self) -> list[PendingResult]:
        """Return the results that are due and lead to a port that has no room."""
        due = [item for item in self.pending if 0 <= item.due <= self.next]
        if self.gate is None or not due:
            return []
        leading = [x for port in self.full for x in self.gate.results_of(port)]
        return [item for item in due if item in leading]

    def mask(self, is_over: bool) -> int:
        """Return the steps that are absent at its next tick.

        Args:
            is_over: Whether the tick is over.
        """
        if self.gate is None:
            return 0
        full = self.full if self.skips and self.is_paced else ()
        unknown = self.unknown if self.skips else ()
        return self.gate.mask(self.next, is_over, full, unknown)

    @property
    def unknown(self) -> list[str]:
        """The sources of inputs of which nobody knows what they have, nor waits."""
        return [
            channel.source
            for channel, inlet in self.inlets
            if isinstance(inlet, PunctualBuffer) and not inlet.is_known(self.next)
        ]

    @property
    def full(self) -> list[str]:
        """The ports of which a reader has no room for one more value."""
        return [x for x, outlet in self.outlets.items() if not outlet.has_credit]

    def awaited(self) -> PendingResult | None:
        """Return whose result its next tick waits for; None if it is there."""
        for pending in () if self._puts_off(self.next) else self.pending:
            if pending.is_waited_for(self.next) and not pending.is_done:
                return pending
        return None

    def waits_for(self, node: str, cut: StopPoint, limit: int, is_frozen: bool) -> str:
        """Say what its next tick waits for, as a sentence.

        Args:
            node: The node that it is on.
            cut: Where the run ends.
            limit: The first tick that is too far ahead of the other nodes.
            is_frozen: Whether a stop has begun, and it is not known yet where.
        """
        return f"On node {node!r}, {self._awaits(cut, limit, is_frozen)}."

    def _awaits(self, cut: StopPoint, limit: int, is_frozen: bool) -> str:
        tick = self.next
        at = f"waits at tick {tick}"
        if tick >= cut.end:
            return f"{self.first!r} has finished; the run ends at tick {cut.tick}"
        if tick >= limit:
            ahead = "as far ahead of the slowest node as run_ahead allows"
            return f"{self.first!r} {at}, {ahead}"
        if is_frozen:
            return f"{self.first!r} {at} to be told where the run stops"
        for pending in self.pending:
            if pending.is_waited_for(tick) and pending.is_done:
                return f"{pending.name!r} {at} for readers of its result to catch up"
            if pending.is_waited_for(tick):
                began = f"which began at tick {pending.begun}"
                return f"{self.first!r} {at} for {pending.name!r}, {began}"
        for channel, inlet in self.inlets:
            if not inlet.is_ready(tick):
                of = f" of tick {tick - 1}" if inlet.policy == "delay" else ""
                return f"{inlet.target!r} {at} for {channel.source!r}{of}"
        for address in () if self.skips and self.is_paced else self.full:
            return f"{address!r} {at} for its readers to catch up"
        return f"{self.first!r} {at} for its turn"

    def measure_latencies(self, tick: int) -> None:
        """Note how long ago the values that fire at a tick were emitted."""
        now = time.monotonic()
        for channel, inlet in self.inlets:
            sent = tick - 1 if inlet.policy == "delay" else tick
            stamp = channel.stamps.get(sent)
            if stamp is not None:
                inlet.latencies.append(now - stamp)
