"""The rules of time over several hosts: the smallest system of each, and its mutant.

A mutant breaks one rule in the code under test. That the simulation then reports a
deadlock or a difference shows that the tests about this rule can fail.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from like_keras_core import SystemSpec
from like_keras_core.graph.checks import execution_order
from like_keras_core.graph.segments import Segment, segments_of
from like_keras_core.runtime.control.protocol import (
    NewStopPoint,
    StopGranted,
    ToParticipant,
)
from like_keras_core.runtime.control.termination import StopCoordinator
from like_keras_core.runtime.flow import Receiver, Sender
from like_keras_core.runtime.host import fan_out, node_host
from like_keras_core.runtime.host.codegen import TickCodegen
from like_keras_core.runtime.host.fan_out import FanOut
from like_keras_core.runtime.host.input_buffers import ALWAYS, InputBuffer, PortBuffer
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.host.segment_runner import SegmentRunner
from like_keras_core.runtime.stop_point import FOREVER, StopPoint
from like_keras_core.spec import split_address
from tests.links import Faults, FifoLink
from tests.simulated_runs import BAD, read, runs, single, trouble
from tests.simulation import Outcome, Simulation
from tests.systems import spell


def grouped(spec: SystemSpec, key: Callable[[int], Any]) -> list[Segment]:
    """Return segments of the components that have a key, and their node, in common."""
    groups: dict[Any, list[int]] = {}
    for n in execution_order(spec):
        groups.setdefault((spec.components[n].node, key(n)), []).append(n)
    return [Segment(node, 0, tuple(group)) for (node, _), group in groups.items()]


def by_node(spec: SystemSpec) -> list[Segment]:
    """Return the whole of each node as one segment."""
    return grouped(spec, lambda n: None)


def by_crossings(spec: SystemSpec) -> list[Segment]:
    """Group by how many crossings there are on the longest way to a component."""
    depths: dict[str, int] = {}
    for n in execution_order(spec):
        steps = (depths[name] + remote for name, remote in sources(spec, n))
        depths[spec.components[n].name] = max(steps, default=0)
    return grouped(spec, lambda n: depths[spec.components[n].name])


def sources(spec: SystemSpec, n: int) -> list[tuple[str, bool]]:
    """Name what feeds a component at the same tick, and say if it is elsewhere."""
    nodes = {component.name: component.node for component in spec.components}
    me = spec.components[n].name
    return [
        (source, nodes[source] != nodes[me])
        for connection in spec.connections
        if connection.delay is None and split_address(connection.target)[0] == me
        for source in [split_address(connection.source)[0]]
    ]


def by_remote_inputs(spec: SystemSpec) -> list[Segment]:
    """Group by the components elsewhere that feed a component directly."""
    return grouped(
        spec, lambda n: frozenset(name for name, remote in sources(spec, n) if remote)
    )


class TestOrder:
    """Rule 1: one execution order for the whole system."""

    TIE = "c0@A raises=2, c1@B raises=2"

    def test_of_two_errors_at_a_tick_the_one_of_the_first_in_the_order_counts(
        self,
    ) -> None:
        """Whichever host is heard first."""
        assert trouble(self.TIE) == ""

    def test_an_order_in_each_host_is_not_one(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: each host counts places among its own components only."""
        init = NodeHost.__init__

        def counts_alone(self: NodeHost, *args: Any, **options: Any) -> None:
            init(self, *args, **options)
            self.place = {name: n for n, name in enumerate(self.order)}

        mutant.setattr(NodeHost, "__init__", counts_alone)

        assert trouble(self.TIE).startswith("error: expected")


class TestSegments:
    """Rule 2: segments form a graph without a cycle over all nodes."""

    THERE_AND_BACK = "c0@A, c1@B(c0), c2@A(c1)"
    AND_ON = "c0@A, c1@B(c0), c2@A(c1), c3@A(c2)"

    @pytest.mark.parametrize("text", [THERE_AND_BACK, AND_ON])
    @pytest.mark.parametrize("rule", [segments_of, by_crossings])
    def test_a_node_may_feed_itself_through_another(
        self, text: str, rule: Any, mutant: pytest.MonkeyPatch
    ) -> None:
        """By the crossings upstream, or coarser by their number: both run through."""
        mutant.setattr(node_host, "segments_of", rule)

        assert trouble(text) == ""

    def test_what_is_behind_a_crossing_is_not_in_one_segment_with_what_is_before(
        self,
    ) -> None:
        """Though it is on the same node; what follows it there is."""
        segments = segments_of(read(self.AND_ON)[1])

        assert [item.order for item in segments] == [(0,), (1,), (2, 3)]

    def test_delayed_inputs_do_not_count(self) -> None:
        """They are needed only for the tick before."""
        _, spec = read("c0@A(c1|), c1@B(c0), c2@A")

        assert [item.order for item in segments_of(spec)] == [(0, 2), (1,)]

    @pytest.mark.parametrize("window", [1, 8])
    def test_a_whole_node_as_one_segment_waits_for_itself(
        self, window: int, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: at tick 0, with any window."""
        mutant.setattr(node_host, "segments_of", by_node)

        assert "Deadlock" in trouble(self.THERE_AND_BACK, windows=(window,))

    def test_direct_inputs_do_not_tell_what_is_upstream(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: c0 and c3, which have none, are one segment that waits for itself."""
        mutant.setattr(node_host, "segments_of", by_remote_inputs)

        assert "Deadlock" in trouble(self.AND_ON)


class TestReadiness:
    """Rule 3: a segment runs a tick when its inputs are resolved."""

    @pytest.mark.parametrize(
        ("policy", "text"),
        [
            ("sync", "c0@A, c1@B(c0)"),
            ("sync", "c0@A, c1@B, c2@A(c0, c1)"),
            ("delay", "c0@A, c1@B(c0|)"),
            ("delay", "c0@A(c1|), c1@B(c0)"),
            ("hold", "c0@A, c1@B(c0~)"),
        ],
    )
    def test_what_does_not_wait_for_its_inputs_gets_them_by_luck(
        self, policy: str, text: str, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: inputs of one policy are always ready."""
        assert trouble(text) == ""
        is_ready = InputBuffer.is_ready

        def waits_for_others(self: InputBuffer, tick: int) -> bool:
            return self.policy == policy or is_ready(self, tick)

        mutant.setattr(InputBuffer, "is_ready", waits_for_others)

        assert "inputs of c" in trouble(text)


class TestCredits:
    """Rule 4: a credit comes back when the consumer has finished the tick."""

    DELAYED = "c0@A, c1@B(c0, c0|)"
    JOIN = "c0@A, c1@B, c2@A(c0, c1)"

    @pytest.mark.parametrize(
        "text", [DELAYED, "c0@A, c1@B(c0, c0~)", "c0@A(c1|), c1@B(c0|, c0~)"]
    )
    def test_a_window_of_one_is_enough(self, text: str) -> None:
        """What is needed longer moves into a register, outside of the window."""
        assert trouble(text, windows=(1,)) == ""

    def test_a_delayed_value_gives_its_credit_before_it_is_used(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: gives it when it is used, a tick later; a window of two hides it."""

        def release(self: PortBuffer) -> None:
            done = min(
                (item.finished - (item.policy == "delay") for item in self.inlets),
                default=ALWAYS,
            )
            while self.waiting and self.waiting[0] <= done:
                newest = self.waiting.popleft()
                if self._released is not None:
                    self._released(newest)

        mutant.setattr(PortBuffer, "release", release)

        assert "Deadlock" in trouble(self.DELAYED, windows=(1,))
        assert trouble(self.DELAYED, windows=(2,)) == ""

    @pytest.mark.parametrize(
        "text",
        [
            JOIN,
            "c0@A, c1@B silence=6, c2@A(c0, c1)",
            "c0@A, c1@B, c2@A(c0~, c1)",
            "c0@A, c1@B, c2@A(c0|, c1)",
            "c0@A, c1@B(c0), c2@B(c0~), c3@B(c0|)",
        ],
    )
    def test_memory_does_not_grow(self, text: str) -> None:
        """A slow consumer, in the same host or another, keeps a window of values."""
        for window in (1, 2, 8):
            for outcome in runs(text, 40, windows=(window,), seeds=20):
                assert outcome.most_waiting <= window

    def test_between_segments_of_a_host_there_is_a_window(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: there is none; values pile up in the host's own mailbox."""
        mutant.setattr(PortBuffer, "has_credit", True)

        found = runs(self.JOIN, 40, windows=(1,), run_aheads=(256,), seeds=20)

        assert max(outcome.most_waiting for outcome in found) > 10

    def test_of_several_segments_that_read_a_port_the_slowest_gives_the_credit(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: the first one does; the other's values pile up."""
        text = "c0@A, c1@B(c0), c2@C, c3@B(c0, c2)"
        assert all(
            outcome.most_waiting == 1 for outcome in runs(text, 40, windows=(1,))
        )

        def release(self: PortBuffer) -> None:
            done = max(inlet.finished for inlet in self.inlets)
            while self.waiting and self.waiting[0] <= done:
                newest = self.waiting.popleft()
                if self._released is not None:
                    self._released(newest)

        mutant.setattr(PortBuffer, "release", release)

        found = runs(text, 40, windows=(1,), run_aheads=(256,), seeds=20)
        assert max(outcome.most_waiting for outcome in found) > 10


class TestWatermarks:
    """Rule 5: after every tick each outgoing connection answers."""

    NOTHING: ClassVar[dict[str, str]] = {
        "None returned": "c0@A silence=8, c1@B(c0)",
        "skipped": "c0@A silence=8, c1@A(c0), c2@B(c1|)",
        "not its every": "c0@A every=2, c1@B(c0)",
        "failed": "c2@C, c0@A raises=1, c1@B(c0)",
        "ended": "c2@C, c0@A ends=1, c1@B(c0)",
        "delayed": "c0@A(c1|), c1@B silence=8",
        "held": "c0@A silence=8, c1@B(c0~)",
    }

    @pytest.mark.parametrize("why", NOTHING)
    def test_absence_is_said_whatever_the_reason(
        self, why: str, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: only values are answers; whoever needs one waits for ever."""
        assert trouble(self.NOTHING[why]) == ""
        call = FanOut.__call__

        def only_values(self: FanOut, tick: int, value: Any) -> None:
            if value is not None:
                call(self, tick, value)

        mutant.setattr(FanOut, "__call__", only_values)

        assert "Deadlock" in trouble(self.NOTHING[why])

    def test_what_is_skipped_answers_too(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: components answer when they fire, and at no other tick."""
        absent, finish = TickCodegen._absent, NodeHost._finish

        def says_nothing(self: TickCodegen, i: int, condition: str) -> None:
            outlets, self.plan.outlets = self.plan.outlets, {}
            absent(self, i, condition)
            self.plan.outlets = outlets

        def of_those_that_fired(
            self: NodeHost, runner: SegmentRunner, tick: int
        ) -> None:
            outlets, steps = runner.outlets, runner.plan.steps
            skipped = {
                step.name for n, step in enumerate(steps) if runner.plan.last[n] == tick
            }
            if tick < self.cut.tick:
                runner.outlets = {
                    address: outlet
                    for address, outlet in outlets.items()
                    if split_address(address)[0] not in skipped
                }
            finish(self, runner, tick)
            runner.outlets = outlets

        mutant.setattr(TickCodegen, "_absent", says_nothing)
        mutant.setattr(NodeHost, "_finish", of_those_that_fired)

        assert "Deadlock" in trouble(self.NOTHING["skipped"])
        assert trouble(self.NOTHING["None returned"]) == ""

    def test_watermarks_cost_no_credit(self) -> None:
        """Forty ticks of nothing pass through a window of one."""
        assert trouble("c0@A silence=8, c1@B(c0~)", 40, windows=(1,)) == ""

    def test_nothing_is_said_about_the_future(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: a source with every=4 tells what it knows; its reader runs ahead."""
        text = "c0@A every=4, c1@B(c0~)"
        assert trouble(text, 12, watch=_reader_is_behind) == ""
        call = FanOut.__call__

        def tells_all(self: FanOut, tick: int, value: Any) -> None:
            call(self, tick, value)
            if value is None:
                for link in self.links:
                    link.absent(tick | 3)

        mutant.setattr(FanOut, "__call__", tells_all)

        assert trouble(text, 12, watch=_reader_is_behind) != ""

    def test_a_watermark_leaves_a_host_that_is_never_idle(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: only an idle host sends them; the reader never starts."""
        text = "c0@A, c1@A silence=8, c2@B(c1~)"
        options: dict[str, Any] = {
            "seeds": 10,
            "run_aheads": (1 << 40,),
            "faults": Faults(drop=0.1),
            "watch": _stops_when_the_reader_has_begun,
        }
        assert trouble(text, None, **options) == ""
        init = Sender.__init__

        def when_idle(self: Sender, *args: Any, **options: Any) -> None:
            init(self, *args, **{**options, "mark_every": 1 << 40})

        mutant.setattr(Sender, "__init__", when_idle)

        assert "never begins" in trouble(text, None, **options)

    def test_hold_waits_for_its_watermark(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: it takes what there is; that is a matter of luck."""
        assert trouble("c0@A, c1@B(c0~)") == ""

        mutant.setattr(InputBuffer, "is_ready", lambda self, tick: True)

        assert "inputs of c1" in trouble("c0@A, c1@B(c0~)")


def _reader_is_behind(simulation: Simulation) -> None:
    hosts = simulation.hosts
    assert hosts["B"].progress <= hosts["A"].progress


def _stops_when_the_reader_has_begun(simulation: Simulation) -> None:
    source, reader = simulation.hosts["A"], simulation.hosts["B"]
    if reader.progress > 2:
        simulation.leader.stop()
        simulation._send_down()
    else:
        assert source.is_ready
        assert source.progress < 10_000, "the reader never begins"


class TestRunAhead:
    """Rule 6: no segment is the limit or more above the smallest unfinished tick."""

    @pytest.mark.parametrize("run_ahead", [1, 2, 5, 16])
    @pytest.mark.parametrize(
        "text", ["c0@A ends=0, c1@B", "c0@A, c1@B(c0) ends=0 silence=8, c2@C(c1~)"]
    )
    def test_it_bounds_what_runs_beyond_the_end(
        self, text: str, run_ahead: int
    ) -> None:
        """A component fires just so many times at and after the end's tick."""
        assert trouble(text, None, run_aheads=(run_ahead,)) == ""

        found = runs(text, None, windows=(64,), run_aheads=(run_ahead,))
        assert max(max(outcome.beyond.values()) for outcome in found) == run_ahead

    def test_without_a_limit_nothing_bounds_it(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: who is not connected runs to any tick before it hears of the end."""
        mutant.setattr(NodeHost, "_may_start", lambda self, tick: tick <= self.cut.tick)

        found = runs("c0@A ends=0, c1@B", None, seeds=20, run_aheads=(1,))
        assert max(outcome.beyond["c1"] for outcome in found) > 20

    @pytest.mark.parametrize("run_ahead", [1, 2, 3, 4, 5, 7])
    def test_any_limit_is_free_of_deadlock(self, run_ahead: int) -> None:
        """Though progress is only reported every half of it."""
        text = "c0@A, c1@B(c0~), c2@C(c1|), c3@A every=3, c4@D"

        assert trouble(text, 30, run_aheads=(run_ahead,), seeds=30) == ""

    def test_the_limit_follows_the_slowest(self) -> None:
        """At each moment nobody is the limit or more above anybody."""

        def nobody_is_ahead(simulation: Simulation) -> None:
            next_ticks = [host.progress for host in simulation.hosts.values()]
            assert max(next_ticks) - min(next_ticks) <= 3

        text = "c0@A, c1@B, c2@C(c0?)"
        list(runs(text, 20, run_aheads=(3,), watch=nobody_is_ahead))


class TestEnd:
    """Rule 7: the smallest event wins, whatever its kind, and cuts the run."""

    @pytest.mark.parametrize(
        ("text", "ticks", "ended_by"),
        [
            ("c0@A raises=3, c1@B ends=2", 2, "end of stream"),
            ("c0@A ends=3, c1@B raises=2", 2, "error"),
            ("c0@A raises=2, c1@B ends=2", 2, "error"),
            ("c0@A ends=2, c1@B raises=2", 2, "end of stream"),
            ("c0@A, c1@B raises=2, c2@C ends=2", 2, "error"),
            ("c0@A raises=0, c1@B raises=0, c2@C ends=0", 0, "error"),
            ("c0@A ends=6, c1@B raises=9", 6, "iterations"),
        ],
    )
    def test_the_smallest_event_wins(
        self, text: str, ticks: int, ended_by: str
    ) -> None:
        """By its tick, then by who raised it; a number of iterations comes before."""
        assert trouble(text) == ""
        for outcome in runs(text, seeds=20):
            assert (outcome.ticks, outcome.ended_by) == (ticks, ended_by)

    @pytest.mark.parametrize(
        "text",
        [
            "c0@A(c0|) ends=3",
            "c0@A(c1|), c1@B(c0) ends=3",
            "c0@A, c1@B(c0) ends=3",
            "c0@A, c1@B raises=0",
            "c0@A, c1@B(c0) raises=2, c2@C(c1)",
        ],
    )
    def test_any_component_may_end_the_run(self, text: str) -> None:
        """Those upstream and those that it is not connected with hear of it, too."""
        assert trouble(text, None) == ""

    def test_the_first_event_is_not_the_smallest(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: whoever is heard first wins."""

        def lower(self: StopCoordinator, cut: StopPoint) -> None:
            if self.stop_point.kind == "iterations":
                self.stop_point = cut
                self._tell(NewStopPoint(cut))

        def set_cut(self: NodeHost, cut: StopPoint) -> None:
            if self.cut.kind == "iterations":
                self.cut = cut

        mutant.setattr(StopCoordinator, "_lower", lower)
        mutant.setattr(NodeHost, "set_cut", set_cut)

        assert trouble("c0@A raises=3, c1@B ends=2") != ""

    def test_an_end_of_stream_does_not_come_before_its_tick(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: it wins against an error that comes first in the same tick."""
        text = "c0@A, c1@B raises=2, c2@C ends=2"

        @property  # type: ignore[misc]
        def place(self: StopPoint) -> tuple[int, int]:
            return (self.tick, 0 if self.kind == "end of stream" else self.order)

        mutant.setattr(StopPoint, "place", place)

        assert trouble(text) != ""


class TestLastTick:
    """Rule 8: after an event at (T, i) every host finishes T and starts none above."""

    COUPLED = "c0@A, c1@B(c0), c2@A raises=0, c3@C, c4@B(c3)"
    FAILED = "c2@C, c0@A raises=0, c1@B(c0)"

    @pytest.mark.parametrize("rule", [segments_of, by_crossings])
    def test_what_is_below_an_error_fires_in_its_tick(
        self, rule: Any, mutant: pytest.MonkeyPatch
    ) -> None:
        """In other segments and hosts, too, also after they have heard of it."""
        mutant.setattr(node_host, "segments_of", rule)

        assert trouble(self.COUPLED) == ""
        for outcome in runs(self.COUPLED, seeds=20):
            assert outcome.fired == {"c0": 1, "c1": 1, "c2": 0, "c3": 0, "c4": 0}

    def test_what_is_not_below_must_answer_nevertheless(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: only components below run; c1 waits for c3 in its segment."""
        mutant.setattr(node_host, "segments_of", by_crossings)
        ready = NodeHost._ready

        def runs_tick(self: NodeHost, runner: SegmentRunner) -> bool:
            names = (self.spec.components[n].name for n in runner.segment.order)
            return runner.next < self.cut.tick or any(
                self.place[name] < self.cut.order for name in names
            )

        def only_below(self: NodeHost) -> list[SegmentRunner]:
            return [runner for runner in ready(self) if runs_tick(self, runner)]

        mutant.setattr(NodeHost, "_ready", only_below)

        assert "Deadlock" in trouble(self.COUPLED)

    def test_the_failed_segment_answers(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: it does not; who reads it cannot finish the tick."""
        assert trouble(self.FAILED) == ""

        def finish(self: NodeHost, runner: SegmentRunner, tick: int) -> None:
            runner.next = tick + 1
            for channel, inlet in runner.inlets:
                inlet.finish(tick)
                channel.release()

        mutant.setattr(NodeHost, "_finish", finish)

        assert "Deadlock" in trouble(self.FAILED)

    def test_the_tick_of_an_event_is_run(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: only ticks before it are; c0's value is there or not, by luck."""
        assert trouble("c0@A, c1@B raises=0") == ""

        def may_start(self: NodeHost, tick: int) -> bool:
            return tick < min(self.cut.tick, self.floor + self.run_ahead)

        @property  # type: ignore[misc]
        def is_finished(self: NodeHost) -> bool:
            return self.progress >= self.cut.tick

        mutant.setattr(NodeHost, "_may_start", may_start)
        mutant.setattr(NodeHost, "is_finished", is_finished)

        assert trouble("c0@A, c1@B raises=0") != ""

    def test_a_host_that_fails_goes_on(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: it stops at once; c1 waits for ever for the credit of tick 0."""
        text = "c0@A ends=1, c1@B, c2@A(c1)"
        assert trouble(text, windows=(1,)) == ""
        ready, raised = NodeHost._ready, NodeHost._raised
        gone = set[NodeHost]()

        def is_gone(self: NodeHost, *args: Any) -> None:
            raised(self, *args)
            gone.add(self)

        def none_if_gone(self: NodeHost) -> list[SegmentRunner]:
            return [] if self in gone else ready(self)

        @property  # type: ignore[misc]
        def is_finished(self: NodeHost) -> bool:
            return self in gone or self.progress > self.cut.tick

        mutant.setattr(NodeHost, "_raised", is_gone)
        mutant.setattr(NodeHost, "_ready", none_if_gone)
        mutant.setattr(NodeHost, "is_finished", is_finished)

        assert trouble(text, windows=(1,)) != ""

    @pytest.mark.parametrize(
        ("text", "reader"),
        [
            ("c0@A, c1@B(c0), c2@C(c0)", "B"),
            ("c0@A, c1@B(c0), c2@C(c0)", "C"),
            ("c0@A, c1@B, c2@A(c0, c1), c3@B(c0)", "A"),
            ("c0@A, c1@B, c2@A(c0, c1), c3@B(c0)", "B"),
        ],
    )
    def test_a_value_that_cannot_be_sent_is_an_error_of_its_sender(
        self, text: str, reader: str, mutant: pytest.MonkeyPatch
    ) -> None:
        """To whichever of its readers: they hear that there is nothing, and finish."""
        third = single(text, 6).report.records["c0.output"][2][1]
        send = FifoLink.send

        def refuses(self: FifoLink, tick: int, value: Any) -> None:
            if value == third and self.channel.consumer == reader:
                raise TypeError("cannot be sent")
            send(self, tick, value)

        def copies(value: Any) -> Any:
            if value == third and reader == "A":
                raise TypeError("cannot be copied")
            return value

        mutant.setattr(FifoLink, "send", refuses)
        mutant.setattr(fan_out, "snapshot", copies)

        for outcome in runs(text, seeds=12):
            assert outcome.error == (TypeError, "c0", 2)

    def test_a_run_is_over_when_all_have_finished(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: it is over with the event; who is behind counts too little."""

        @property  # type: ignore[misc]
        def is_done(self: StopCoordinator) -> bool:
            return self.stop_point.kind == "error"

        mutant.setattr(StopCoordinator, "is_done", is_done)

        assert trouble("c0@A, c1@B raises=2") != ""


class Stops:
    """Notes, of a simulation that is stopped, how far all were when they froze.

    Call it after each turn.
    """

    def __init__(self) -> None:
        self.fired: dict[str, int] = {}
        self.unfinished: dict[str, int] = {}
        self.started: dict[str, int] = {}

    def __call__(self, simulation: Simulation) -> None:
        """Look at the hosts that have frozen."""
        for node, host in simulation.hosts.items():
            if host._is_frozen and node not in self.unfinished:
                self.unfinished[node] = host.progress
                self.started[node] = max(x.next for x in host._runners) - 1
                for name in host.components:
                    self.fired[name] = calls(simulation, name)
        self.later = {
            name: calls(simulation, name) - before
            for name, before in self.fired.items()
        }

    @property
    def tick(self) -> int:
        """Where the run is to end."""
        last = min(self.unfinished.values())
        return last + (max(self.started.values()) >= last)


def calls(simulation: Simulation, name: str) -> int:
    """Return how often a component has fired."""
    return len(getattr(simulation.components[name], "received", []))


def stopped(text: str, seeds: int = 48) -> Iterator[tuple[Outcome, Stops]]:
    """Simulate a system that is stopped; yield how it ended, and what was noted."""
    system, spec = read(text)
    for seed in range(seeds):
        stops = Stops()
        simulation = Simulation(
            spec,
            system.components(),
            None,
            seed=seed,
            window=(1, 2, 8)[seed % 3],
            run_ahead=(1, 2, 5, 256)[seed // 3 % 4],
            watch=stops,
        )
        yield simulation.run(random.Random(seed).randrange(99)), stops


def most_after_a_stop(text: str) -> int:
    """Return how often a component has fired at most after its host had frozen."""
    return max(max(stops.later.values()) for _, stops in stopped(text))


class TestStop:
    """Rule 9: a stop freezes first, ends the smallest tick, and begins none above."""

    SYSTEMS = (
        "c0@A",
        "c0@A, c1@B",
        "c0@A, c1@B(c0), c2@A(c1), c3@C every=2",
        "c0@A(c1|), c1@B(c0)",
        "c0@A, c1@B silence=6, c2@A(c0, c1~), c3@B(c2|)",
    )
    QUEUE = "c0@A, c1@B(c0), c2@C(c1)"

    @pytest.mark.parametrize("text", SYSTEMS)
    def test_all_hosts_end_at_one_cut(self, text: str) -> None:
        """At whatever turn; the results are those of so many iterations."""
        assert trouble(text, None, stops=True, seeds=100) == ""
        for outcome in runs(text, None, stops=True):
            assert outcome.ended_by == "stop"

    @pytest.mark.parametrize("text", [*SYSTEMS, QUEUE])
    def test_it_ends_the_smallest_tick_if_that_has_begun(self, text: str) -> None:
        """And each component fires once more at most."""
        for outcome, stops in stopped(text):
            assert outcome.ticks == stops.tick
            assert max(stops.later.values()) <= 1

    def test_what_had_begun_above_it_is_beyond_the_end(self) -> None:
        """A source was ahead of its readers; what waited for them stays where it is."""
        assert any(outcome.beyond["c0"] > 1 for outcome, _ in stopped(self.QUEUE))

    @pytest.mark.parametrize(
        "text", ["c0@A ends=4, c1@B", "c0@A, c1@B(c0) raises=4, c2@A(c1)"]
    )
    def test_an_event_may_arrive_meanwhile(self, text: str) -> None:
        """The smaller of the two ends the run; both happen."""
        assert trouble(text, None, stops=True) == ""

        assert len({outcome.ended_by for outcome in runs(text, None, stops=True)}) == 2

    def test_without_a_freeze_hosts_go_on(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: they answer how far they are, and run until they hear the cut."""
        may_start = NodeHost._may_start

        def starts(self: NodeHost, tick: int) -> bool:
            before, self._is_frozen = self._is_frozen, False
            try:
                return may_start(self, tick)
            finally:
                self._is_frozen = before

        mutant.setattr(NodeHost, "_may_start", starts)

        assert most_after_a_stop("c0@A, c1@B") > 1

    def test_who_thaws_before_the_cut_goes_on(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: the cut is another message, after the one that thaws."""
        tell = StopCoordinator._tell

        def thaws_first(self: StopCoordinator, message: ToParticipant) -> None:
            if isinstance(message, StopGranted):
                tell(self, StopGranted(FOREVER))
                message = NewStopPoint(message.stop_point)
            tell(self, message)

        mutant.setattr(StopCoordinator, "_tell", thaws_first)

        assert most_after_a_stop("c0@A") > 1

    def test_a_cut_above_all_that_has_begun_takes_the_queue_along(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: the highest tick that anybody has started is the last one."""

        def above(self: StopCoordinator, tick: int) -> None:
            assert self._replies is not None
            cut(self, max(reply.started for reply in self._replies.values()) + 1)

        cut = StopCoordinator._cut
        mutant.setattr(StopCoordinator, "_cut", above)

        assert most_after_a_stop(self.QUEUE) > 1

    def test_a_tick_that_has_begun_is_not_left_in_the_middle(
        self, mutant: pytest.MonkeyPatch
    ) -> None:
        """Mutant: nobody says that it has started the tick."""

        def freeze(self: NodeHost) -> int:
            began(self)
            return -1

        began = NodeHost.freeze
        mutant.setattr(NodeHost, "freeze", freeze)

        assert any(outcome.ticks < stops.tick for outcome, stops in stopped(self.QUEUE))


class TestHostsThatAreAhead:
    """Rule 10: they are cut, not rolled back."""

    AHEAD = "c0@A ends=2, c1@B silence=3"

    def test_what_lies_beyond_the_cut_does_not_count(self) -> None:
        """Components may have fired there; records and counts do not show it."""
        assert trouble(self.AHEAD) == ""

        found = list(runs(self.AHEAD))
        assert all(outcome.fired["c1"] == 2 for outcome in found)
        assert any(outcome.beyond["c1"] for outcome in found)

    def test_records_are_cut(self, mutant: pytest.MonkeyPatch) -> None:
        """Mutant: all that was recorded is given."""

        def recorded(self: NodeHost) -> dict[str, list[tuple[int, Any]]]:
            return {
                address: [
                    (t, item) for t, item in enumerate(items[:]) if item is not None
                ]
                for address, items in self._records.items()
            }

        mutant.setattr(NodeHost, "recorded", recorded)

        assert "records of c1.output" in trouble(self.AHEAD)

    def test_no_cut_is_below_the_floor(self) -> None:
        """What has been finished everywhere is never taken back."""

        def counts(simulation: Simulation) -> None:
            cut = simulation.leader.stop_point
            assert all(host.floor <= cut.tick + 1 for host in simulation.hosts.values())

        for text in (self.AHEAD, "c0@A ends=4, c1@B raises=3, c2@C raises=2"):
            list(runs(text, watch=counts))


class TestMeaning:
    """What the words about time mean where they leave something open."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("c0@A silence=8, c1@B(c0|)", {"c0": (6, 0), "c1": (6, 0)}),
            ("c0@A every=2, c1@B(c0)", {"c0": (3, 3), "c1": (3, 3)}),
            ("c0@A silence=8, c1@B(c0)", {"c0": (6, 0), "c1": (0, 6)}),
            ("c0@A every=2, c1@B, c2@C(c0, c1|)", {"c1": (6, 0), "c2": (3, 3)}),
            ("c0@A every=3, c1@B(c0~)", {"c1": (6, 0)}),
            ("c0@A, c1@B(c0~) every=4", {"c1": (2, 4)}),
        ],
    )
    def test_who_fires_when(
        self, text: str, expected: dict[str, tuple[int, int]]
    ) -> None:
        """Fired and absent, of 6 ticks.

        A delayed input is always there and a held one never triggers; all others are
        absent where one is missing.
        """
        assert trouble(text) == ""
        for outcome in runs(text, seeds=12):
            assert expected.items() <= outcome.components.items()

    def test_a_register_outlives_the_absence_of_another_input(self) -> None:
        """A delayed value waits until its reader fires; a newer one replaces it."""
        text = "c0@A every=3, c1@B, c2@C(c0, c1|)"
        assert trouble(text) == ""

        for outcome in runs(text, seeds=12):
            sent = [value for _, value in outcome.records["c1.output"]]
            first = outcome.records["c0.output"]
            assert outcome.received["c2"][:2] == [
                spell({"in0": first[0][1], "in1": -1}),
                spell({"in0": first[1][1], "in1": sent[2]}),
            ]

    def test_messages_are_values_sent_for_each_connection(self) -> None:
        """Also where no message was needed, or where the reader did not fire."""
        text = "c0@A, c1@A(c0), c2@B(c0), c3@A silence=8, c4@B(c0, c3)"
        assert trouble(text) == ""

        for outcome in runs(text, seeds=12):
            assert outcome.messages["c0.output"] == 6
            assert outcome.messages["c3.output"] == 0

    @pytest.mark.parametrize("faults", [None, BAD])
    def test_latest_waits_for_nothing(self, faults: Faults | None) -> None:
        """Nor does it hold a credit: who feeds it is as fast as it can be."""
        text = "c0@A, c1@B(c0?)"
        values = [
            spell({"in0": None}),
            *(
                spell({"in0": value})
                for _, value in single(text, 20).report.records["c0.output"]
            ),
        ]
        options: dict[str, Any] = {"windows": (1,), "run_aheads": (5,)}

        for outcome in runs(text, 20, seeds=30, faults=faults, **options):
            assert outcome.components == {"c0": (20, 0), "c1": (20, 0)}
            seen = [values.index(inputs) for inputs in outcome.received["c1"]]
            assert seen == sorted(seen)

    def test_latest_lets_its_producer_run_ahead(self) -> None:
        """As far as the limit, though the window is one."""
        most = 0

        def measure(simulation: Simulation) -> None:
            nonlocal most
            ahead = simulation.hosts["A"].progress - simulation.hosts["B"].progress
            most = max(most, ahead)

        list(runs("c0@A, c1@B(c0?)", 20, windows=(1,), run_aheads=(9,), watch=measure))

        assert most == 9

    def test_an_error_counts_those_before_it_in_the_order(self) -> None:
        """At its tick; the one that raises has not fired."""
        text = "c0@A, c1@B(c0), c2@C(c1) raises=1, c3@A(c2)"
        assert trouble(text) == ""

        for outcome in runs(text, seeds=12):
            assert outcome.fired == {"c0": 2, "c1": 2, "c2": 1, "c3": 1}


SMALLEST = [
    TestOrder.TIE,
    TestSegments.AND_ON,
    TestCredits.DELAYED,
    TestCredits.JOIN,
    *TestWatermarks.NOTHING.values(),
    TestLastTick.COUPLED,
    "c0@A ends=1, c1@B, c2@A(c1)",
    TestHostsThatAreAhead.AHEAD,
]


@pytest.mark.parametrize("text", SMALLEST)
def test_the_smallest_systems_run_over_a_bad_transport(text: str) -> None:
    """Through channels of flow, with windows from one, and stopped at any turn."""
    assert trouble(text, faults=BAD, seeds=20) == ""
    assert trouble(text, None, faults=BAD, seeds=20, stops=True) == ""


@pytest.mark.parametrize("method", ["release", "_missing"])
def test_what_flow_forgets_stops_the_run(
    method: str, mutant: pytest.MonkeyPatch
) -> None:
    """Mutant: credits do not come back, or what is lost is not asked for."""
    mutant.setattr(Receiver, method, lambda *args: ())

    assert "Deadlock" in trouble(TestSegments.AND_ON, faults=BAD, seeds=5)
