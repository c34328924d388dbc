"""The rules of components that take ticks: the smallest system of each, and its mutant.

A mutant breaks one rule in the code under test, as in `test_rules`. What is right is
what the definitions say, which share nothing with that code.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest

from like_keras_core import Component, System
from like_keras_core.runtime.host import node_host
from like_keras_core.runtime.host.codegen import TickCodegen
from like_keras_core.runtime.host.input_buffers import NEVER, InputBuffer
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.plan import Step
from like_keras_core.runtime.host.segment_runner import SegmentRunner
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.host.worker import Job
from tests.runtime.host.test_rules import by_node
from tests.simulated_runs import BAD, runs, trouble
from tests.workers import SimulatedWorker

RESULTS_FIRST = "c0@A(c1~), c1@A takes=1"
LOOP = "c0@A(c1) takes=1, c1@B(c0~)"
LONG_LOOP = "c0@A(c1) takes=3, c1@B(c0~)"
SELDOM = "c0@A(c1) takes=1, c1@B(c0~) every=2"
BESIDE = "c0@A takes=1, c1@A, c2@B(c0~, c1)"
ALONE = "c0@A takes=1"
READ = "c0@A takes=1, c1@B(c0~)"
THERE_AND_BACK = "c0@A(c2), c1@C(c0~, c1|), c2@C(c0|)"

SMALLEST = [
    RESULTS_FIRST,
    LOOP,
    LONG_LOOP,
    SELDOM,
    BESIDE,
    ALONE,
    READ,
    THERE_AND_BACK,
    "c0@A, c1@B(c0) takes=3",
    "c0@A every=5 takes=8, c1@B(c0)",
    "c0@A takes=2, c1@B(c0|)",
    "c0@A takes=2 silence=6, c1@B(c0), c2@A(c1~) takes=1",
    "c0@A(c0~) takes=2, c1@B(c0) takes=3, c2@C(c1~, c0)",
]

ENDS = [
    "c0@A takes=3 raises=1, c1@B(c0~), c2@C",
    "c0@A takes=3 ends=1, c1@B(c0), c2@C takes=2",
    "c0@A takes=2 raises=2, c1@B takes=3 raises=1",
    "c0@A takes=2 raises=2, c1@B ends=6",
    "c0@A takes=2 raises=2, c1@B raises=6",
    "c0@A takes=3 raises=1",
]


@pytest.mark.parametrize("text", [*SMALLEST, *ENDS])
def test_a_split_run_gives_what_the_definitions_say(text: str) -> None:
    """Under each schedule, stopped at any turn, and over a bad transport."""
    assert trouble(text, 20, seeds=24) == ""
    assert trouble(text, None, stops=True, seeds=24) == ""
    assert trouble(text, faults=BAD, seeds=6) == ""


class TestWhenItFires:
    """T1: a component begins when it is due and free, and is busy until t + takes."""

    def test_one_that_is_busy_does_not_begin(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: it is free a tick too early, though nothing else is wrong with it."""
        text = "c0@A every=5 takes=8"
        assert trouble(text, 30) == ""
        condition = TickCodegen._condition

        def too_early(self: TickCodegen, i: int) -> str:
            return condition(self, i).replace(".due >= t", ".due > t + 3")

        mutant.setattr(TickCodegen, "_condition", too_early)

        assert trouble(text, 30) != ""


class TestResultsFirst:
    """T2: what belongs to a tick comes before anything fires in it."""

    def test_a_reader_before_it_in_the_order_gets_the_result(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: results come last in their tick, so that c0 has fired by then."""
        text = "c0@A(c1~), c1@B takes=1"
        assert trouble(text) == ""
        take = InputBuffer.take

        def too_late(self: InputBuffer, tick: int) -> Any:
            return take(self, tick - 1 if self.takes else tick)

        mutant.setattr(InputBuffer, "take", too_late)

        assert "inputs of c0" in trouble(text)

    def test_an_error_counts_no_firing_of_its_tick(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: places are those of the execution order alone."""
        text = "c0@A, c1@B takes=2 raises=1"
        assert trouble(text) == ""
        init = NodeHost.__init__

        def in_one_order(self: NodeHost, *args: Any, **options: Any) -> None:
            init(self, *args, **options)
            n = len(self.spec.components)
            self.place = {name: place % n for name, place in self.place.items()}

        mutant.setattr(NodeHost, "__init__", in_one_order)

        assert "fired and absent" in trouble(text)


class TestKnownBefore:
    """T4, T5: everybody knows cells that are empty before anybody can say so."""

    def test_the_first_ticks_have_no_results(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: readers wait to be told; at tick 0 everybody waits."""
        assert trouble(LOOP) == ""
        init = InputBuffer.__init__

        def waits(self: InputBuffer, *args: Any, **options: Any) -> None:
            init(self, *args, **options)
            self.resolved = NEVER

        mutant.setattr(InputBuffer, "__init__", waits)

        assert "Deadlock" in trouble(LOOP)

    @pytest.mark.parametrize("text", [LOOP, LONG_LOOP])
    def test_a_result_leaves_before_its_tick_is_run(
        self, text: str, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: the run of its tick sends it, and waits for who waits for it."""
        assert trouble(text) == ""
        run = NodeHost._run

        def sends_first(self: NodeHost, runner: SegmentRunner) -> None:
            for pending in runner.pending:
                if pending.is_done and pending.due == runner.next:
                    pending.leave()
            run(self, runner)

        def is_waited_for(self: PendingResult, tick: int) -> bool:
            return self.due <= tick and not self.is_done

        mutant.setattr(NodeHost, "_run", sends_first)
        mutant.setattr(PendingResult, "can_leave", False)
        mutant.setattr(PendingResult, "is_waited_for", is_waited_for)

        assert "Deadlock" in trouble(text)

    def test_that_nothing_has_begun_is_said_at_once(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: it is said at the tick of the result that does not come."""
        assert trouble(SELDOM) == ""

        def at_its_tick(self: PendingResult, tick: int) -> None:
            for outlet in self.outlets:
                if outlet is not None and tick > outlet.answered:
                    outlet(tick, None)

        mutant.setattr(PendingResult, "announce", at_its_tick)

        assert "Deadlock" in trouble(SELDOM)


class TestCredits:
    """T5, T6: a result waits for its credit; its tick waits for the result."""

    def test_a_begin_needs_no_credit(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: it does; c2 waits for c1, which waits for the credit that c2 has."""
        assert trouble(BESIDE) == ""
        has_all = SegmentRunner.has_all

        @property  # type: ignore[misc]
        def waits_for_credit(self: SegmentRunner) -> bool:
            found: bool = has_all.__get__(self) and all(
                outlet.has_credit for outlet in self.sends
            )
            return found

        mutant.setattr(SegmentRunner, "has_all", waits_for_credit)

        assert "Deadlock" in trouble(BESIDE, windows=(1,))

    def test_a_tick_waits_for_the_results_that_belong_to_it(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: it does not; what comes too late is lost, or breaks the next one."""
        assert trouble(READ) == ""

        mutant.setattr(PendingResult, "is_waited_for", lambda self, tick: False)

        assert trouble(READ) != ""

    def test_values_on_the_way_keep_to_the_window(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: results leave without a credit; the link refuses them."""
        for outcome in runs(READ, 40, windows=(1,), seeds=20):
            assert outcome.most_waiting <= 1

        @property  # type: ignore[misc]
        def can_leave(self: PendingResult) -> bool:
            return not self._is_sent and self.is_done

        mutant.setattr(PendingResult, "can_leave", can_leave)

        assert "AssertionError" in trouble(READ, 40, windows=(1,))

    def test_a_run_waits_for_no_worker_within_its_ticks(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: the host waits; whoever is ready in other segments is held up."""
        text = "c0@A takes=3, c1@B(c0~)"
        assert trouble(text) == ""
        step = NodeHost.step

        def waits(self: NodeHost) -> bool:
            for pending in self.pending.values():
                if not pending.is_done:
                    pending.wait()
            return step(self)

        mutant.setattr(NodeHost, "step", waits)

        assert "a host waits for 'c0' within its ticks" in trouble(text)


class TestSegments:
    """T3: what leaves a component that takes ticks carries nothing within the tick."""

    def test_a_whole_node_as_one_segment_waits_for_itself(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: at tick 0."""
        assert trouble(THERE_AND_BACK) == ""

        mutant.setattr(node_host, "segments_of", by_node)

        assert "Deadlock" in trouble(THERE_AND_BACK)


class TestCounting:
    """T7: a firing counts at the tick of its results."""

    def test_what_is_due_at_the_end_does_not_count(self) -> None:
        """Its error is dropped, too."""
        for outcome in runs("c0@A takes=3 raises=1, c1@B(c0~)", 6, seeds=12):
            assert outcome.ended_by == "iterations"
            assert outcome.fired == {"c0": 1, "c1": 6}

    def test_an_error_belongs_to_the_tick_of_the_results(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: it ends the run at the tick at which its firing began."""
        text = "c0@A takes=3 raises=1, c1@B"
        assert trouble(text, 20) == ""
        for outcome in runs(text, 20, seeds=6):
            assert outcome.error == (ValueError, "c0", 6)
        raised = NodeHost._raised

        def at_the_begin(
            self: NodeHost,
            runner: SegmentRunner,
            schedule: Any,
            tick: int,
            error: BaseException,
        ) -> None:
            begun = [pending.begun for pending in runner.pending]
            raised(self, runner, schedule, min([tick, *begun]), error)

        mutant.setattr(NodeHost, "_raised", at_the_begin)

        assert "error" in trouble(text, 20)

    def test_stopped_runs_leave_no_firing_in_the_middle(self) -> None:
        """Each ends before its component is deactivated, which its worker checks."""
        for outcome in runs(LONG_LOOP, None, stops=True):
            assert outcome.ended_by == "stop"


class Eager(SimulatedWorker):
    """Does each job before the host goes on: as early as a thread ever can."""

    def start(self, job: Job) -> None:
        """Do it now."""
        super().start(job)
        self.work()


class Writes(Component):
    """Sends one list, whose item it changes each time."""

    def __init__(self) -> None:
        super().__init__("writes", takes=1)
        self.values = [-1]

    def forward(self) -> list[int]:
        self.values[0] += 1
        return self.values


class Reads(Component):
    """Sends what it receives, as another list."""

    def __init__(self, name: str, takes: int) -> None:
        super().__init__(name, takes=takes)

    def forward(self, values: list[int]) -> list[int]:
        return list(values)


class TestMemory:
    """A result stays what it is, though its component fires again in its tick."""

    def test_all_readers_have_it_before_it_is_written_again(self) -> None:
        """Whether they take ticks or not."""
        writes, slow, fast = Writes(), Reads("slow", 1), Reads("fast", 0)
        slow(writes())
        fast(writes.outputs.output)
        lowered = System([writes, slow, fast]).lower()
        host = SingleHost(lowered.spec, lowered.components, record="all", worker=Eager)

        host.configure()
        host.activate()
        host.note(host.run(4))
        host.deactivate()
        host.shutdown()

        recorded = dict(host.recorded())
        assert recorded["writes.output"] == [(1, [0]), (2, [1]), (3, [2])]
        assert recorded["fast.output"] == [(1, [0]), (2, [1]), (3, [2])]
        assert recorded["slow.output"] == [(2, [0]), (3, [1])]


RATES = [
    "c0@A every=20/3, c1@B(c0)",
    "c0@A every=20/3, c1@B(c0~) takes=2 every=3/2, c2@A(c1)",
    "c0@A every=7/2 takes=4, c1@B(c0|), c2@A(c1~) every=3/2",
]


class TestRates:
    """D1: `every` may be no whole number; it is rounded up to a tick each time."""

    @pytest.mark.parametrize("text", RATES)
    def test_rates_that_are_no_whole_part_run_on_several_nodes(self, text: str) -> None:
        """With components that take ticks, and stopped at any turn."""
        assert trouble(text, 40) == ""
        assert trouble(text, None, stops=True) == ""

    def test_ticks_are_rounded_up(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: they are rounded down; the second firing of 20/3 comes at 6."""

        @property  # type: ignore[misc]
        def rounded_down(self: Step) -> str:
            every = Fraction(self.every)
            return (
                f"-t * {every.denominator} % {every.numerator} >= {every.denominator}"
            )

        mutant.setattr(Step, "between_firings", rounded_down)

        assert "c0" in trouble(RATES[0], 40)

    def test_nothing_adds_up(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: 20/3 is 7; the fourth firing comes at 21."""

        @property  # type: ignore[misc]
        def whole(self: Step) -> str:
            return f"t % {ceil(self.every)}"

        mutant.setattr(Step, "between_firings", whole)

        assert trouble(RATES[0], 14) == ""
        assert trouble(RATES[0], 40) != ""
