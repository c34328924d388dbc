"""Runs at a rate that go on where something is late, and repeat what clocks decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from like_keras_core.errors import ComponentError
from like_keras_core.node import Node
from like_keras_core.report import RunReport
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing import timed_components as timed
from like_keras_core.testing.components import Count
from like_keras_core.testing.outcome import Outcome
from like_keras_core.testing.requires import uses
from like_keras_core.testing.suite import Suite

RATE_HZ = 100.0
STALL_S = 0.4


def _newest() -> System:
    """Return a component that takes what came last of another node, and its reader."""
    count = Count(name="count", node=Node("a"))
    newest = parts.Newest(name="newest", node=Node("b"))
    echo = parts.Echo(name="echo", node=Node("c"))
    echo(newest(count()))
    return System([newest, count, echo])


class LateSuite(Suite):
    """With `late="skip"` a run is on time, and its choices make it repeatable."""

    def _recorded(self) -> dict[str, Any]:
        return {"record": "all"} if "record" in self.declared else {}

    def repeated(
        self, make: Callable[[], System], iterations: int, **options: Any
    ) -> RunReport:
        """Launch twice, the second time by the choices of the first, and compare.

        Args:
            make: Makes the system again at each call.
            iterations: How many ticks.
            **options: Of the first launch.
        """
        __tracebackhide__ = True
        options = {**self._recorded(), **options}
        report = self.launch(make(), iterations, **options)
        ticks = report.iterations
        first = Outcome.of(lambda: report)
        second = self.outcome(make(), ticks, choices=report.choices)
        different = first.differences(second)
        if different:
            listed = "\n".join(f"  - {line}" for line in different[:12])
            pytest.fail(
                f"On {self.name!r} a run with the choices of another one gives "
                f"something else:\n{listed}\n\n{report.choices}"
            )
        return report

    @uses("late", "rate")
    def test_ticks_that_are_over_are_not_fired(self) -> None:
        """A component that stalls once is absent meanwhile, and the run ends in time.

        The values that it sends are counted on, so nothing is lost.
        """

        def make() -> System:
            source = timed.Stalls(10, STALL_S, name="source", node=Node("a"))
            echo = parts.Echo(name="echo", node=Node("a"))
            echo(source())
            return System([source, echo])

        report = self.repeated(make, 100, rate_hz=RATE_HZ, late="skip")

        source, echo = report.components["source"], report.components["echo"]
        assert report.iterations == 100
        assert source.fired + source.absent == 100
        assert source.absent >= STALL_S * RATE_HZ / 2
        assert (echo.fired, echo.absent) == (source.fired, source.absent)
        assert report.choices.skipped["source"]

    @uses("late", "rate", "hold")
    def test_nobody_waits_for_a_node_that_stalls(self) -> None:
        """A loop on another node takes what is there, which is written down."""

        def make() -> System:
            count = Count(name="count", node=Node("a"))
            slow = timed.Stalls(10, STALL_S, name="slow", node=Node("b"))
            loop = timed.Loop(name="loop", node=Node("a"))
            loop(count(), slow())
            return System([loop, count, slow])

        report = self.repeated(make, 100, rate_hz=RATE_HZ, late="skip")

        loop, slow = report.components["loop"], report.components["slow"]
        assert report.iterations == 100
        if "multi-process" in self.declared:
            assert loop.absent < slow.absent
            assert report.choices.took["loop.b"]

    @uses("late", "rate", "takes", "hold")
    @pytest.mark.parametrize("node", ["a", "b"])
    def test_a_late_result_comes_later_and_holds_up_nobody(self, node: str) -> None:
        """Its component is free only then; the loop does without it until then."""

        def make() -> System:
            camera = Count(name="camera", node=Node("a"))
            detector = timed.Detector(
                2, STALL_S, name="detector", node=Node(node), takes=3
            )
            loop = timed.Loop(name="loop", node=Node("a"))
            loop(camera(), detector(camera.outputs.output))
            return System([camera, detector, loop])

        report = self.repeated(make, 100, rate_hz=RATE_HZ, late="skip")

        assert report.choices.due["detector"]
        assert report.components["loop"].fired > STALL_S * RATE_HZ

    @uses("late", "latest")
    def test_choices_say_what_latest_takes(self) -> None:
        """Here nothing at ticks 0 to 4, and then the value of the tick before."""
        took = {"newest.value": [[0, 5, 1, -1, 0], [5, 15, 1, 4, 1]]}

        found = self.outcome(_newest(), 20, choices={"took": took})

        if "record" in self.declared:
            values = [value for _, value in found.records["echo.output"]]
            assert values == [-1] * 5 + [*range(4, 19)]

    @uses("late", "latest")
    def test_what_latest_took_is_taken_again(self) -> None:
        """Without a rate it is a matter of luck, and with the choices it is not."""
        self.outcome(
            _newest(), 5, choices={"took": {"newest.value": [[0, 1, 1, -1, 0]]}}
        )

        report = self.repeated(_newest, 300)

        assert report.components["newest"].fired == 300

    @uses("late", "rate")
    def test_an_error_ends_the_run_as_a_stop_does(self) -> None:
        """What others have sent is not cut away with it; the error is raised."""
        count = Count(name="count", node=Node("a"))
        ends = parts.Ends("error", 20, name="ends", node=Node("b"))
        ends(count())
        other = Count(name="other", node=Node("c"))

        with pytest.raises(ComponentError) as caught:
            self.launch(
                System([count, ends, other]), 10_000, rate_hz=RATE_HZ, late="skip"
            )

        assert caught.value.component == "ends"
        report = caught.value.report
        assert report is not None
        assert "ends" in report.choices.ended
        assert 0 < report.iterations < 10_000
