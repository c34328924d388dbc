"""What a host leaves out of ticks that are over, and how it says so.

With `late="skip"` nothing waits for what is late. A component that no sync input fires
is absent at a tick that is over when its turn comes, and where a reader in another
process has no room for what would come of it; and one that fails is absent from then
on, while the others go on until the run is stopped. All of that is noted, as the
choices of the run, and a run that is given choices leaves out the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Any

from like_keras_core.errors import EndOfStream
from like_keras_core.graph.choices import Choices, PairLog, PairTable
from like_keras_core.runtime.failure import Failure
from like_keras_core.runtime.host.generated_calls import miss_counter
from like_keras_core.runtime.host.pacer import Pacer
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.plan import Plan, Value
from like_keras_core.runtime.host.spacing import Spacing
from like_keras_core.runtime.stop_point import FOREVER, StopPoint
from like_keras_core.runtime.stop_signals import came_by_signal

CLOSEST = 0.25
"""A tick is over when less than this part of a period remains before the next is due,
and no component that the clock fires, itself or through others of its segment, fires
twice within so short a time."""


class Lateness:
    """What is left out in the components of one host.

    Args:
        tick: The host's: the present tick is its second item.
        pending: What its components have under way that take ticks.
        skips: Whether what is over is left out.
        choices: What another run left out; None where nothing is repeated.

    Attributes:
        failure: The first that was raised while the others went on.
        proposal: Where and why the run should be stopped, until somebody takes it.
        closest_s: How far two firings of a component must be apart [s]; 0 before the
            clock is started, and in a run that skips nothing.
        clock: Gives the time [s].
    """

    def __init__(
        self,
        tick: list[Any],
        pending: Mapping[str, PendingResult],
        *,
        skips: bool = False,
        choices: Choices | None = None,
    ) -> None:
        self.skips = skips
        self.choices = choices or Choices()
        self.failure: Failure | None = None
        self.proposal: StopPoint | None = None
        self.closest_s = 0.0
        self.clock: Callable[[], float] = perf_counter
        self._tick = tick
        self._pending = pending
        # By component, the ticks of results that came late.
        self._due = {name: PairLog() for name in pending}
        for name, item in pending.items():
            if name in self.choices.due:
                item.repeats = PairTable(self.choices.due[name])
            item.arrived = self.arrived
        # By component: the ticks at which it was left out, and when it fired last [s].
        self._skipped: dict[str, PairLog] = {}
        self._fired_at: dict[str, float] = {}
        # The ticks at which components failed, or their streams ended, in this run.
        self._ended: dict[str, int] = {}
        # By component, what counts an absence.
        self._misses: dict[str, Callable[[int], None]] = {}
        # By plan: when what its own components fire has fired.
        self._spacings: dict[int, Spacing] = {}

    @property
    def is_active(self) -> bool:
        """Whether anything may be left out."""
        return self.skips or bool(self.choices.skipped or self.choices.ended)

    @property
    def begins(self) -> Mapping[str, int]:
        """After which tick each component that has ended is absent."""
        return {**self.choices.ended, **self._ended}

    def skipped(self, name: str) -> int:
        """Return at how many ticks a component was left out so far."""
        log = self._skipped.get(name)
        return 0 if log is None else sum(count for _, count, _ in log.ticks())

    def start(self, pacer: Pacer) -> None:
        """Know the clock that says what is over."""
        self.clock = pacer.elapsed_s
        for spacing in self._spacings.values():
            spacing.clock = pacer.elapsed_s
        self.closest_s = CLOSEST / pacer.rate_hz if self.skips else 0.0

    def careful(
        self, forwards: Mapping[str, Callable[..., Any]], fires_itself: Iterable[str]
    ) -> Mapping[str, Callable[..., Any]]:
        """Return what fires each component without ending the tick of the others.

        Args:
            forwards: What to call, by component.
            fires_itself: The components that no sync input fires.
        """
        if not self.is_active:
            return forwards
        own = set(fires_itself)
        return {
            name: self._careful(name, forward, is_own=name in own)
            if self._may_outlive(name) and name not in self._pending
            else forward
            for name, forward in forwards.items()
        }

    def planned(self, plan: Plan) -> None:
        """Know the steps of a plan: where results come, and what counts absences."""
        spacing = self._spacings[id(plan)] = Spacing()
        for i, step in enumerate(plan.steps):
            is_fired = bool(step.needs) and all(x.step >= 0 for x in step.needs)
            if self.skips and is_fired and step.pending is None:
                step.forward = spacing.noting(step.forward)
            if step.begins or not self.is_active:
                continue
            self._misses[step.name] = miss_counter(plan, i, ())
            if step.pending is not None and self._may_outlive(step.name):
                step.forward = self._careful(step.name, step.forward)

    def is_close(self, plan: Plan) -> bool:
        """Begin a tick of a plan; say whether that is too soon after the one before."""
        if not self.closest_s:
            return False
        return self._spacings[id(plan)].begin() < self.closest_s

    def _may_outlive(self, name: str) -> bool:
        """Say whether the others may go on where a component fails."""
        return self.skips or name in self.choices.ended

    def _careful(
        self, name: str, forward: Callable[..., Any], *, is_own: bool = False
    ) -> Callable[..., Any]:
        def fire(*args: Any, **kwargs: Any) -> Any:
            if is_own and self.closest_s:
                now = self.clock()
                if now - self._fired_at.get(name, -1e9) < self.closest_s:
                    self.leave_out(name, self._tick[1])
                    self._misses[name](self._tick[1])
                    return None
                self._fired_at[name] = now
            try:
                return forward(*args, **kwargs)
            except BaseException as error:
                tick = self._tick[1]
                is_expected = self.skips or self.choices.ended.get(name) == tick
                if came_by_signal(error) or not is_expected:
                    raise
                trace = error.__traceback__
                BaseException.with_traceback(error, trace and trace.tb_next)
                self.end(name, tick, error)
                self._misses[name](tick)
                return None

        return fire

    def leave_out(self, name: str, tick: int) -> None:
        """Note that a component is absent at a tick."""
        self._skipped.setdefault(name, PairLog()).add(tick, 0)

    def end(self, name: str, tick: int, error: BaseException) -> None:
        """Note that a component raised, and have the run stopped, if it is not known.

        Args:
            name: The component.
            tick: When.
            error: What it raised.
        """
        if name in self._ended:
            return
        self._ended[name] = tick
        is_end = isinstance(error, EndOfStream)
        began, pending = None, self._pending.get(name)
        if pending is not None:
            began, pending.due = pending.begun, FOREVER.tick
        if not is_end and self.failure is None:
            self.failure = Failure(name, "forward", tick, error, began)
        if self.skips and self.proposal is None:
            kind = "end of stream" if is_end else "error"
            self.proposal = StopPoint(tick, 0, kind, name)

    def arrived(self, pending: PendingResult) -> None:
        """Note the tick at which a result comes, if it was put off."""
        if pending.is_put_off:
            self._due[pending.name].add(pending.begun, pending.due)
            pending.is_put_off = False

    def noted(self, end: int) -> Choices:
        """Return what was left out below a tick."""
        due = {}
        for name, pending in self._pending.items():
            log = PairLog()
            log.runs = [list(run) for run in self._due[name].runs]
            if pending.is_put_off:
                log.add(pending.begun, pending.due)
            due[name] = log.pairs()
        found = Choices(
            skipped={name: log.ticks() for name, log in self._skipped.items()},
            due={name: pairs for name, pairs in due.items() if pairs},
            ended=self._ended,
        )
        return found.below(end)


class Gate:
    """Says of a plan's ticks which steps are absent whatever they are given.

    Args:
        lateness: Of its host.
        plan: The plan.
    """

    def __init__(self, lateness: Lateness, plan: Plan) -> None:
        self._lateness = lateness
        self._plan = plan
        # Of a component that takes ticks it is the step at which it begins to fire.
        self._bits = {step.name: 1 << i for i, step in enumerate(plan.steps)}
        self._own = 0
        for i, step in enumerate(plan.steps):
            if not step.needs and (step.begins or step.pending is None):
                self._own |= 1 << i
        # By port, the steps that no sync input fires and without which it is absent.
        self._roots: dict[str, int] = {}
        skipped = lateness.choices.skipped
        self._tables = [
            (self._bits[name], PairTable.of_ticks(skipped[name]))
            for name in self._bits
            if name in skipped
        ]

    def mask(
        self,
        tick: int,
        is_over: bool,
        full: Iterable[str] = (),
        unknown: Iterable[str] = (),
    ) -> int:
        """Return the steps that are absent at a tick, as the bits of a number.

        Args:
            tick: The tick.
            is_over: Whether it is over before it has begun.
            full: The addresses of ports with a reader that has no room.
            unknown: The sources of sync inputs of which it is not known what they have.
        """
        is_close = self._lateness.is_close(self._plan)
        mask = self._own if is_over or is_close else 0
        for address in full:
            mask |= self.roots_of(self._plan.values[address])
        for source in unknown:
            mask |= self._readers_of(source)
        if mask:
            for i, step in enumerate(self._plan.steps):
                is_busy = step.pending is not None and step.pending.due > tick
                if mask >> i & 1 and is_due(step.every, tick) and not is_busy:
                    self._lateness.leave_out(step.name, tick)
        for bit, table in self._tables:
            if table(tick) is not None:
                mask |= bit
        for name, begin in self._lateness.begins.items():
            if tick > begin:
                mask |= self._bits.get(name, 0)
        return mask

    def _readers_of(self, source: str) -> int:
        """Return the steps that need a value from outside."""
        found = 0
        for i, step in enumerate(self._plan.steps):
            if any(need.step < 0 and need.address == source for need in step.needs):
                found |= 1 << i
        return found

    def roots_of(self, value: Value) -> int:
        """Return the steps without which a port of the plan sends nothing.

        None of them is fired by a sync input.
        """
        if value.step < 0:
            return 0
        found = self._roots.get(value.address)
        if found is None:
            step = self._plan.steps[value.step]
            # A result that has no room comes later, by itself.
            found = 0 if step.needs or step.pending else 1 << value.step
            for need in step.needs:
                found |= self.roots_of(need)
            self._roots[value.address] = found
        return found

    def results_of(self, address: str) -> tuple[PendingResult, ...]:
        """Return the results of this plan without which a port of it sends nothing.

        Args:
            address: The port; that of no component that the clock fires, nor of one
                that such a one leads to.
        """
        if self.roots_of(value := self._plan.values[address]):
            return ()
        found: list[PendingResult] = []
        left = [value]
        while left:
            step = self._plan.steps[left.pop().step]
            if step.pending is not None:
                found.append(step.pending)
            left += [need for need in step.needs if need.step >= 0]
        return tuple(found)

    def leave_out_after(self, step: int, tick: int) -> None:
        """Note that a tick ended with a step: what follows it is absent."""
        for later in self._plan.steps[step + 1 :]:
            self._lateness.leave_out(later.name, tick)


def is_due(every: Any, tick: int) -> bool:
    """Say whether a component that no sync input fires is due at a tick.

    Args:
        every: A whole number, or a fraction.
        tick: The tick.
    """
    due: bool = tick * every.denominator % every.numerator < every.denominator
    return due
