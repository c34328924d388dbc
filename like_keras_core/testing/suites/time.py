"""Time beyond the plain tick: delays, held and latest values, every, and rates."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from like_keras_core.node import Node
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing import timed_components as timed
from like_keras_core.testing.components import Count, Odd, Scale
from like_keras_core.testing.requires import uses
from like_keras_core.testing.suite import Suite


def delayed(values: list[Any], initial: Any) -> System:
    """Return a player on one node whose delayed values another echoes."""
    play = parts.Play(values, name="play", node=Node("a"))
    echo = parts.Echo(name="echo", node=Node("b"))
    echo(play.outputs.output.delay(initial=initial))
    return System([play, echo])


def loop(a: str = "a", b: str = "b") -> System:
    """Return a loop with a delay."""
    one, two = Scale(name="one", node=Node(a)), Odd(name="two", node=Node(b))
    one(two.outputs.output.delay(initial=1))
    two(one())
    return System([one, two], name="loop")


def held(values: list[Any]) -> System:
    """Return a join that fires with a count and holds what a player sends."""
    count = Count(node=Node("a"))
    play = parts.Play(values, name="play", node=Node("b"))
    join = parts.Held(name="join", node=Node("c"))
    join(count(), play())
    return System([join, count, play])


class TimeSuite(Suite):
    """Each of these needs its capability."""

    @uses("delay")
    def test_a_delay_begins_with_its_initial_value(self) -> None:
        """And is one tick late from then on."""
        self.agree(lambda: delayed([10, 20, 30], 5), 7)

    @uses("delay")
    def test_a_delay_keeps_its_value_while_nothing_is_sent(self) -> None:
        """It is a register, so it is never absent."""
        found = self.agree(lambda: delayed([1, None, None, 2], 0), 12)

        assert found.fired["echo"] == (12, 0)

    @uses("delay")
    @pytest.mark.parametrize("b", ["a", "b"])
    def test_a_loop_runs_with_a_delay(self, b: str) -> None:
        """Within a node and over two of them."""
        self.agree(lambda: loop("a", b), 25)

    @uses("delay")
    def test_a_loop_begins_again_in_each_launch(self) -> None:
        """The register is not kept from one launch to the next."""
        system = loop()

        first, second = self.outcome(system, 6), self.outcome(system, 6)

        assert first.differences(second) == []

    @uses("hold")
    def test_a_held_value_is_the_newest_up_to_the_tick(self) -> None:
        """None before the first; that of the same tick is waited for."""
        found = self.agree(lambda: held([None, 1, None, None, 2]), 200)

        assert found.fired["join"] == (200, 0)

    @uses("hold")
    def test_a_held_input_fires_nothing(self) -> None:
        """Only the sync inputs of a component do."""

        def make() -> System:
            rare = parts.Play([1, None, None], name="rare", node=Node("a"))
            count = Count(node=Node("b"))
            join = parts.Held(name="join", node=Node("c"))
            join(rare(), count())
            return System([rare, count, join])

        found = self.agree(make, 30)

        assert found.fired["join"] == (10, 20)

    @uses("hold", "delay")
    def test_a_held_input_may_be_delayed(self) -> None:
        """It gives what the delay gives."""

        def make() -> System:
            count = Count(node=Node("a"))
            join = parts.Held(name="join", node=Node("b"))
            join(count(), count.outputs.output.delay(initial=-1))
            return System([count, join])

        self.agree(make, 20)

    @uses("every")
    def test_every_fires_on_each_kth_tick(self) -> None:
        """From tick 0; what follows is absent in between."""

        def make() -> System:
            one = Count(every=3, name="one", node=Node("a"))
            two = Count(every=2, name="two", node=Node("b"))
            join = parts.Join(node=Node("c"))
            join(one(), two())
            return System([one, two, join])

        found = self.agree(make, 20)

        assert found.fired["one"] == (7, 13)
        assert found.fired["join"] == (4, 16)

    @uses("every")
    def test_every_may_be_no_whole_number(self) -> None:
        """It is rounded up to a tick each time, so that nothing adds up."""

        def make() -> System:
            camera = Count(every=Fraction(20, 3), name="camera", node=Node("a"))
            scale = Scale(name="scale", node=Node("b"))
            scale(camera())
            return System([camera, scale])

        found = self.agree(make, 41)

        assert found.fired["scale"] == (7, 34)
        if "record" in self.declared:
            ticks = [tick for tick, _ in found.records["scale.output"]]
            assert ticks == [0, 7, 14, 20, 27, 34, 40]

    @uses("every", "rate")
    def test_components_know_the_time_of_the_system(self) -> None:
        """Whatever the clock on the wall shows: it is the tick by the rate."""

        def make() -> System:
            fast = timed.Clocked(name="fast", node=Node("a"))
            slow = timed.Clocked(name="slow", node=Node("b"), rate_hz=300)
            return System([fast, slow], rate_hz=1000)

        found = self.agree(make, 9)

        if "record" in self.declared:
            sent = [*map(tuple, found.records["slow.output"])]
            period = 1 / 300
            assert sent == [
                (0, [0, 0.0, pytest.approx(period)]),
                (4, [4, pytest.approx(0.004), pytest.approx(0.004)]),
                (7, [7, pytest.approx(0.007), pytest.approx(0.003)]),
            ]

    @uses("latest")
    def test_latest_takes_what_has_come(self) -> None:
        """It fires at every tick, sees nothing that was not sent, and never goes back.

        Which value it sees is the one thing that may differ from engine to engine.
        """
        system = System(
            [Count(node=Node("a")), parts.Newest(name="newest", node=Node("b"))]
        )

        found = self.outcome(system, 200)

        assert found.fired["newest"] == (200, 0)
        assert found.messages["count.output -> newest.value"] == 200
        seen = [value for _, value in found.records.get("newest.output", ())]
        assert seen == sorted(seen), "an older value came after a newer one"
        assert set(seen) <= {-1, *range(200)}

    @uses("latest")
    def test_nothing_is_dropped_but_by_latest(self) -> None:
        """`dropped` is 0 on every other connection."""
        count, newest = Count(node=Node("a")), parts.Newest(node=Node("b"))
        scale = Scale(node=Node("b"))
        newest(count())
        scale(count.outputs.output)

        report = self.launch(System([count, newest, scale]), 100)

        assert report.connections["count.output -> scale.value"].dropped == 0
        assert report.components["scale"].fired == 100

    @uses("rate")
    def test_a_rate_paces_the_clock(self) -> None:
        """The last of N ticks begins at (N - 1) / rate, not before."""
        system = System([Count(node=Node("a")), Scale(node=Node("b"))])

        report = self.launch(system, 31, rate_hz=100)

        assert report.duration_s >= 30 / 100 - 0.001
        assert report.iterations == report.components["scale"].fired == 31

    @uses("rate")
    def test_late_ticks_are_counted_and_none_is_skipped(self) -> None:
        """A rate that nothing can keep makes no difference to what is sent."""
        system = System([Count(node=Node("a")), Scale(node=Node("b"))])

        report = self.launch(system, 100, rate_hz=1e7)

        assert report.late_ticks > 0
        assert report.iterations == report.components["scale"].fired == 100
