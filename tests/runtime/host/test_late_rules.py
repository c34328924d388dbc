"""The rules of runs that skip what is late: the smallest system of each, its mutant.

Hosts have clocks that the scheduler lets pass, and decide by them. Given what they
decided, the definitions say what the run must have given; and hosts of another split
that are told the same must give it, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from like_keras_core.graph.choices import Choices
from like_keras_core.graph.segments import segments_of
from like_keras_core.runtime.host import node_host
from like_keras_core.runtime.host.choosing_buffers import LooseBuffer
from like_keras_core.runtime.host.lateness import Lateness
from like_keras_core.runtime.host.segment_runner import SegmentRunner
from tests.links import Faults
from tests.repeated_runs import moved, plain, repeated, unlike
from tests.simulated_runs import BAD
from tests.simulation import Outcome, Simulation
from tests.splits import Split, defined, split


def skipping(
    text: str,
    iterations: int = 8,
    *,
    seeds: int = 40,
    stops: bool = False,
    faults: Faults | None = None,
    watch: Callable[[Simulation], object] | None = None,
) -> Iterator[tuple[Split, Outcome]]:
    """Simulate a system that skips what is late, under many schedules and clocks."""
    for seed in range(seeds):
        system = split(text)
        simulation = Simulation(
            system.spec(),
            system.components(),
            iterations,
            seed=seed,
            window=(1, 2, 8)[seed % 3],
            run_ahead=1,
            skips=True,
            faults=faults,
            watch=watch,
        )
        yield (
            system,
            simulation.run(random.Random(seed).randrange(99) if stops else None),
        )


def trouble(text: str, iterations: int = 8, **options: Any) -> str:
    """Return the first deadlock, or difference between a run and its choices' table."""
    try:
        for seed, (system, outcome) in enumerate(skipping(text, iterations, **options)):
            expected = defined(system, outcome.ticks, plain(outcome.choices))
            found = unlike(system, outcome, expected)
            if not found:
                other = moved(system, seed)
                again = repeated(other, outcome, seed)
                found = ["again: " + line for line in unlike(other, again, expected)]
            if found:
                return "\n".join([*found, str(outcome.choices)])
    # What no run can have chosen is not repeated.
    except (AssertionError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


STALLED = "c0@A, c1@B(c0)"
HELD = "c0@A(c1~), c1@B"
DELAYED = "c0@A(c1|), c1@B(c0|)"
LATEST = "c0@A, c1@B(c0?)"
BEHIND = "c0@A, c1@B(c0), c2@A(c1), c3@A(c2~, c0)"
LATE_RESULT = "c0@A takes=2, c1@B(c0), c2@A(c0~)"
LATE_AT_THE_END = "c0@A takes=5"
ENDED = "c0@A, c1@B(c0~) raises=2, c2@C takes=2 ends=1"

SMALLEST = [STALLED, HELD, DELAYED, LATEST, BEHIND, LATE_RESULT, LATE_AT_THE_END, ENDED]


@pytest.mark.parametrize("text", SMALLEST)
def test_a_run_is_the_table_of_its_choices(text: str) -> None:
    """And so is one elsewhere that repeats them; stopped at any turn, too."""
    assert trouble(text) == ""
    assert trouble(text, stops=True) == ""
    assert trouble(text, faults=BAD, seeds=8) == ""


class TestOver:
    """L2: what no sync input fires is absent at a tick that is over."""

    @pytest.mark.parametrize("text", ["c0@A", HELD, STALLED])
    def test_ticks_are_skipped(self, text: str) -> None:
        """Where clocks pass as they like, nearly every run has some."""
        assert any(outcome.choices.skipped for _, outcome in skipping(text))

    def test_a_sync_input_is_never_skipped(self) -> None:
        """What was sent is received: both fire equally often."""
        for _, outcome in skipping(STALLED):
            assert "c1" not in outcome.choices.skipped
            assert outcome.fired["c0"] == outcome.fired["c1"]

    def test_what_is_not_written_down_is_not_repeated(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: ticks are skipped in silence."""
        mutant.setattr(Lateness, "leave_out", lambda self, name, tick: None)

        assert "c0" in trouble("c0@A")


class TestWhatIsThere:
    """L4: an input that fires nothing takes what is there, of its tick or before."""

    @pytest.mark.parametrize("text", [HELD, DELAYED, LATEST, BEHIND])
    def test_what_was_taken_is_written_down(
        self, text: str, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: it is not; a run that holds has other values."""
        assert any(outcome.choices.took for _, outcome in skipping(text))
        mutant.setattr(LooseBuffer, "took", lambda self: ())

        assert "inputs of" in trouble(text)

    def test_it_never_takes_a_value_of_a_later_tick(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: the newest of all; a replay would need what comes later."""
        mutant.setattr(LooseBuffer, "_limit", lambda self, tick: tick + 9)

        assert trouble(LATEST) != ""

    def test_each_may_hold_what_the_other_sends(self) -> None:
        """Segments wait for sync inputs only, and a cycle of others for nobody."""
        assert trouble("c0@A(c1~), c1@B(c2), c2@A, c3@B(c0~)") == ""


class TestSegments:
    """Only sync inputs from another node put a component behind a crossing."""

    def test_a_loop_does_not_stand_behind_what_waits(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: segments are those of a run that waits; c3 waits where c2 does."""
        assert any("c3.in0" in x.choices.took for _, x in skipping(BEHIND))

        mutant.setattr(node_host, "skipping_segments_of", segments_of)

        assert not any("c3.in0" in x.choices.took for _, x in skipping(BEHIND))


class TestLateResults:
    """L3: a result that is not there when it is due comes at a later tick."""

    def test_it_comes_later(self) -> None:
        """And its component is free only then."""
        assert any(outcome.choices.due for _, outcome in skipping(LATE_RESULT))

    def test_one_that_never_came_is_written_down(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: only those that came are; a replay has one value more."""
        assert trouble(LATE_AT_THE_END) == ""
        noted = Lateness.noted

        def forgets(self: Lateness, end: int) -> Choices:
            for pending in self._pending.values():
                pending.is_put_off = False
            return noted(self, end)

        mutant.setattr(Lateness, "noted", forgets)

        assert "c0" in trouble(LATE_AT_THE_END)


class TestCredits:
    """A port whose reader has no room holds up nobody on its node."""

    BESIDE = "c0@A, c1@B(c0), c2@A"

    def test_who_has_no_room_to_send_does_not_fire(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: it fires, and its link refuses the value."""
        assert trouble(self.BESIDE) == ""

        mutant.setattr(SegmentRunner, "full", [])

        assert trouble(self.BESIDE) != ""

    def test_a_result_that_leads_to_a_full_port_is_put_off(self) -> None:
        """The one that it fires has no room, and needs none then."""
        assert trouble("c0@A takes=1, c1@A(c0), c2@B(c1)", seeds=150) == ""


class TestEnds:
    """L6: what ends a run is a reason to stop; nothing that was sent vanishes."""

    def test_the_cut_is_not_below_what_all_have_finished(self) -> None:
        """An error at its tick 2 does not take back what others have sent since."""
        ends = [outcome for _, outcome in skipping(ENDED, 30)]

        assert {outcome.ended_by for outcome in ends} >= {"error"}
        assert any(outcome.ticks > 3 for outcome in ends)

    def test_what_ended_is_absent_from_then_on(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: nobody writes down that it ended; the table ends there."""
        text = "c0@A raises=1, c1@A"
        assert trouble(text, 20) == ""
        noted = Lateness.noted

        def forgets(self: Lateness, end: int) -> Choices:
            self._ended.clear()
            return noted(self, end)

        mutant.setattr(Lateness, "noted", forgets)

        assert trouble(text, 20) != ""
