"""Failures: each kind is raised where it happened, as what it is documented to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from like_keras_core.errors import ComponentError, LaunchTimeoutError
from like_keras_core.node import Node
from like_keras_core.spec import SystemSpec
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing.components import Count, Fail, Scale
from like_keras_core.testing.kit_failures import RAISED, Exits
from like_keras_core.testing.suite import Suite


def failing(phase: str, tick: int = 0) -> System:
    """Return a chain whose second component fails."""
    fail = Fail(phase, tick, name="fail", node=Node("b"))
    return System([Count(node=Node("a")), fail, Scale(node=Node("a"))])


def endings(first: str, one: int, second: str, two: int) -> System:
    """Return two branches on two nodes, each of which ends the run in its way.

    Args:
        first: How the left branch ends: `"error"` or `"end"`.
        one: The value at which it does.
        second: How the right branch ends.
        two: The value at which it does.
    """
    count = Count(node=Node("a"))
    left = parts.Ends(first, one, name="left", node=Node("b"))
    right = parts.Ends(second, two, name="right", node=Node("c"))
    numbers = count()
    left(numbers)
    right(numbers)
    return System([count, left, right])


class ErrorsSuite(Suite):
    """What a component raises is raised by `launch`, with where and when."""

    def test_an_exception_in_forward_is_raised(self) -> None:
        """It ends the run, and nothing swallows it."""
        try:
            report = self.launch(failing("forward", 7), 20)
        except Exception:  # noqa: BLE001 - of which kind is another test's business
            return
        pytest.fail(f"forward raised, and launch returned: {report}")

    def test_an_exception_in_forward_is_a_component_error(self) -> None:
        """With component, node, phase, tick, and the traceback of the original."""
        with pytest.raises(ComponentError) as caught:
            self.launch(failing("forward", 7), 20)

        error = caught.value
        assert (error.component, error.node, error.phase) == ("fail", "b", "forward")
        assert error.tick == 7
        assert "ValueError" in error.error
        assert "asked to fail at 7" in error.error
        assert "asked to fail at 7" in error.traceback

    def test_the_report_of_an_error_reaches_up_to_it(self) -> None:
        """What came before it counts: at its tick, what is before it in the order."""
        found = self.agree(lambda: failing("forward", 7), 20)

        assert found.error is not None
        assert (found.iterations, found.ended_by) == (7, "error")
        assert found.fired == {"count": (8, 0), "fail": (7, 0), "scale": (7, 0)}

    def test_an_exception_in_init_is_a_component_error(self) -> None:
        """Where the launch makes the component from a spec."""
        data = failing("forward", 99).to_spec().to_dict()
        data["components"][1]["config"]["phase"] = "__init__"

        with pytest.raises(ComponentError) as caught:
            self.launch_spec(SystemSpec.from_dict(data), 3)

        assert (caught.value.component, caught.value.phase) == ("fail", "__init__")
        assert caught.value.tick is None

    @pytest.mark.parametrize(
        "phase", ["on_configure", "on_activate", "on_deactivate", "on_shutdown"]
    )
    def test_an_exception_in_a_hook_is_a_component_error(self, phase: str) -> None:
        """It names the hook, and no tick."""
        with pytest.raises(ComponentError) as caught:
            self.launch(failing(phase), 3)

        error = caught.value
        assert (error.component, error.phase, error.tick) == ("fail", phase, None)
        assert f"asked to fail in {phase}" in error.error

    @pytest.mark.parametrize("kind", sorted(RAISED))
    def test_whatever_is_raised_in_forward_is_a_component_error(
        self, kind: str
    ) -> None:
        """Also what ends a program elsewhere, or cannot be printed; with the report."""
        exits = Exits(kind, at=3, name="exits", node=Node("b"))

        with pytest.raises(ComponentError) as caught:
            self.launch(System([Count(node=Node("a")), exits]), 9)

        error = caught.value
        assert (error.component, error.phase, error.tick) == ("exits", "forward", 3)
        assert kind in error.error
        assert error.report is not None
        assert (error.report.iterations, error.report.ended_by) == (3, "error")

    @pytest.mark.parametrize(
        "phase", ["__init__", "on_configure", "on_activate", "on_deactivate"]
    )
    def test_an_exit_outside_of_forward_is_a_component_error(self, phase: str) -> None:
        """It names the phase; the launching process goes on."""
        exits = Exits("SystemExit", "none", name="exits", node=Node("b"))
        data = System([Count(node=Node("a")), exits]).to_spec().to_dict()
        data["components"][1]["config"]["phase"] = phase

        with pytest.raises(ComponentError) as caught:
            self.launch_spec(SystemSpec.from_dict(data), 3)

        assert (caught.value.component, caught.value.phase) == ("exits", phase)
        assert "SystemExit" in caught.value.error

    @pytest.mark.parametrize("phase", ["on_deactivate", "on_shutdown"])
    def test_an_exception_on_the_way_down_has_the_whole_report(
        self, phase: str
    ) -> None:
        """All ticks count: the run was over."""
        with pytest.raises(ComponentError) as caught:
            self.launch(failing(phase, -1), 3)

        assert caught.value.report is not None
        assert caught.value.report.components["scale"].fired == 3

    def test_a_result_that_fits_no_port_is_a_component_error(self) -> None:
        """At its tick, as if the component had raised."""

        def make() -> System:
            misfit = parts.Ends("misfit", 4, name="misfit", node=Node("b"))
            return System([Count(node=Node("a")), misfit])

        found = self.agree(make, 9)

        assert found.error is not None
        assert (found.error[0], found.error[3]) == ("misfit", 4)

    @pytest.mark.parametrize(
        ("first", "one", "second", "two"),
        [
            ("error", 6, "error", 3),
            ("error", 3, "end", 2),
            ("end", 6, "error", 3),
            ("error", 4, "error", 4),
            ("end", 4, "error", 4),
        ],
    )
    def test_the_earliest_of_several_endings_counts(
        self, first: str, one: int, second: str, two: int
    ) -> None:
        """The smallest tick, then the order of execution, whatever its kind."""
        self.agree(lambda: endings(first, one, second, two), 20)

    def test_a_time_limit_raises_with_the_report(self) -> None:
        """`timeout_s` ends a run as stop() does."""
        system = System([parts.Endless(node=Node("a")), Scale(node=Node("b"))])

        with pytest.raises(LaunchTimeoutError) as caught:
            self.launch(system, timeout_s=0.5)

        assert caught.value.report.ended_by == "timeout"

    def test_stop_ends_a_run_at_one_tick_everywhere(self, tmp_path: Path) -> None:
        """From another thread; every component has fired in every tick that counts."""
        path = tmp_path / "diary"
        diary = parts.Diary(str(path), name="diary", node=Node("b"))
        system = System([parts.Endless(node=Node("a")), diary])

        def has_fired() -> bool:
            return path.exists() and "forward" in path.read_text(encoding="utf-8")

        report = self.launch_until(system, has_fired)

        assert report.ended_by == "stop"
        assert report.iterations > 0
        assert {x.fired for x in report.components.values()} == {report.iterations}
