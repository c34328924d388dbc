"""Components whose firings take ticks: each table here was written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from like_keras_core.node import Node
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing import timed_components as timed
from like_keras_core.testing.components import Count, Scale
from like_keras_core.testing.requires import uses
from like_keras_core.testing.suite import Suite

Cells = list[tuple[int, Any]]

NODES = pytest.mark.parametrize("node", ["a", "b"])


def called(path: Path) -> list[list[str]]:
    """Return the lines that `Threads` have written, split into words."""
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()]


class TakesSuite(Suite):
    """A firing with `takes=k` reads at tick t, and what it gives belongs to t + k."""

    def _sends(self, found: Any, expected: dict[str, Cells]) -> None:
        if "record" in self.declared:
            sent = {port: [*map(tuple, found.records[port])] for port in expected}
            assert sent == expected

    @NODES
    @uses("takes")
    def test_a_source_that_takes_ticks_fires_back_to_back(self, node: str) -> None:
        """It begins again at the tick of its results; until then it is absent."""

        def make() -> System:
            camera = Count(name="camera", node=Node("a"), takes=3)
            scale = Scale(name="scale", node=Node(node))
            scale(camera())
            return System([scale, camera])

        found = self.agree(make, 11)

        assert found.fired == {"scale": (3, 8), "camera": (3, 8)}
        self._sends(found, {"scale.output": [(3, 0), (6, 2), (9, 4)]})

    @NODES
    @uses("takes", "hold")
    def test_a_slow_component_holds_up_no_loop(self, node: str) -> None:
        """The loop fires at every tick, with the newest that is there."""

        def make() -> System:
            camera = Count(name="camera", node=Node("a"))
            detector = parts.Echo(name="detector", node=Node(node), takes=4)
            loop = parts.Held(name="loop", node=Node("a"))
            loop(camera(), detector(camera.outputs.output))
            return System([camera, loop, detector])

        found = self.agree(make, 12)

        assert found.fired["loop"] == (12, 0)
        assert found.fired["detector"] == (2, 10)
        newest = [None] * 4 + [0] * 4 + [4] * 4
        loop = [(tick, [tick, value]) for tick, value in enumerate(newest)]
        self._sends(found, {"detector.output": [(4, 0), (8, 4)], "loop.output": loop})

    @NODES
    @uses("takes")
    def test_values_that_come_meanwhile_are_not_kept(self, node: str) -> None:
        """A sync input takes the value of a tick at which its component is free."""

        def make() -> System:
            source = parts.Play([0, None, 2, 3, None], name="source", node=Node("a"))
            slow = parts.Echo(name="slow", node=Node(node), takes=2)
            slow(source())
            return System([source, slow])

        found = self.agree(make, 10)

        self._sends(found, {"slow.output": [(2, 0), (4, 2), (7, 0), (9, 2)]})

    @NODES
    @uses("takes", "hold")
    def test_it_breaks_a_cycle(self, node: str) -> None:
        """Where a held input lets the first value come."""

        def make() -> System:
            count = Count(name="count", node=Node("a"))
            control = parts.Held(name="control", node=Node("a"))
            policy = parts.Echo(name="policy", node=Node(node), takes=2)
            control(count(), policy.outputs.output)
            policy(control.outputs.output)
            return System([control, count, policy])

        found = self.agree(make, 6)

        first, second = [0, None], [2, [0, None]]
        self._sends(found, {"policy.output": [(2, first), (4, second)]})

    @NODES
    @uses("takes", "hold", "every")
    def test_two_slow_components_are_busy_at_the_same_time(self, node: str) -> None:
        """Neither waits for the other; results of one tick come together."""

        def make() -> System:
            count = Count(name="count", node=Node("a"))
            one = parts.Echo(name="one", node=Node("a"), takes=2)
            two = parts.Echo(name="two", node=Node(node), takes=3)
            loop = timed.Loop(name="loop", node=Node("a"), every=2)
            loop(one(count()), two(count.outputs.output))
            return System([loop, two, one, count])

        found = self.agree(make, 8)

        held = [(0, [None, None]), (2, [0, None]), (4, [2, 0]), (6, [4, 3])]
        self._sends(found, {"loop.output": held})

    @NODES
    @uses("takes", "delay")
    def test_a_delay_adds_its_tick(self, node: str) -> None:
        """What belongs to tick 2 is read at tick 3."""

        def make() -> System:
            count = Count(name="count", node=Node("a"), takes=2)
            echo = parts.Echo(name="echo", node=Node(node))
            echo(count.outputs.output.delay(initial=-1))
            return System([count, echo])

        found = self.agree(make, 6)

        late = [(0, -1), (1, -1), (2, -1), (3, 0), (4, 0), (5, 1)]
        self._sends(found, {"echo.output": late})

    @NODES
    @pytest.mark.parametrize("how", ["error", "end"])
    @uses("takes")
    def test_how_a_firing_ends_belongs_to_the_tick_of_its_results(
        self, how: str, node: str
    ) -> None:
        """It began at tick 3; what fires at tick 6 comes after it."""

        def make() -> System:
            count = Count(name="count", node=Node("a"))
            ends = parts.Ends(how, 3, name="ends", node=Node(node), takes=3)
            ends(count())
            return System([count, ends])

        found = self.agree(make, 20)

        assert found.iterations == 6
        assert found.fired == {"count": (6, 0), "ends": (1, 5)}
        if how == "error":
            assert found.error is not None
            assert (found.error[0], found.error[3]) == ("ends", 6)

    @uses("takes")
    def test_hooks_and_forward_are_called_in_one_thread(self, tmp_path: Path) -> None:
        """One of its own for each component that takes ticks, from first to last."""
        path = tmp_path / "threads"

        def make() -> System:
            path.unlink(missing_ok=True)
            count = Count(name="count", node=Node("a"))
            slow = [
                timed.Threads(str(path), name=name, node=Node("a"), takes=2)
                for name in ("one", "two")
            ]
            fast = timed.Threads(str(path), name="fast", node=Node("a"))
            for component in (*slow, fast):
                component(count.outputs.output)
            return System([count, *slow, fast])

        self.launch(make(), 8)

        lines = called(path)
        found = {
            name: {where for one, _, where in lines if one == name}
            for name in ("one", "two", "fast")
        }
        assert [len(threads) for threads in found.values()] == [1, 1, 1]
        assert len(set.union(*found.values())) == 3
        assert {what for one, what, _ in lines if one == "one"} == {
            "on_configure",
            "on_activate",
            "begin",
            "end",
            "on_deactivate",
            "on_shutdown",
        }

    @uses("takes")
    def test_a_firing_under_way_ends_before_its_component_is_deactivated(
        self, tmp_path: Path
    ) -> None:
        """Its result is due after the end, so it does not count."""
        path = tmp_path / "threads"
        slow = timed.Threads(str(path), 0.3, name="slow", node=Node("b"), takes=5)
        count = Count(name="count", node=Node("a"))
        slow(count())

        report = self.launch(System([count, slow]), 2)

        assert report.components["slow"].fired == 0
        assert [what for _, what, _ in called(path)][2:] == [
            "begin",
            "end",
            "on_deactivate",
            "on_shutdown",
        ]
