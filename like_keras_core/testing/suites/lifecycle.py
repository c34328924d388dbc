"""The life of components: four hooks, each once, with barriers over all processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from like_keras_core.errors import ComponentError
from like_keras_core.node import Node
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing.components import Count, Fail
from like_keras_core.testing.suite import Suite

UP = ("on_configure", "on_activate")
DOWN = ("on_deactivate", "on_shutdown")
PLACES = {"d0": "a", "d1": "a", "d2": "b", "d3": "c"}
SLOW = {"d3": 0.05}


def diaries(path: Path, *last: object) -> System:
    """Return a chain of components on three nodes that write into one file."""
    chain = [
        parts.Diary(str(path), SLOW.get(name, 0.0), name=name, node=Node(node))
        for name, node in PLACES.items()
    ]
    return System([Count(node=Node("a")), *chain, *last])


def read(path: Path) -> list[tuple[str, str, int]]:
    """Return component, what happened, and the number, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(name, what, int(n)) for name, what, n in map(str.split, lines)]


class LifecycleSuite(Suite):
    """What the components of a run on three nodes write into one file."""

    def _entries(self, tmp_path: Path) -> list[tuple[str, str, int]]:
        path = tmp_path / "diary"
        self.launch(diaries(path), 5)
        return read(path)

    def test_each_hook_is_called_once(self, tmp_path: Path) -> None:
        """Whatever the number of ticks."""
        entries = self._entries(tmp_path)

        for hook in (*UP, *DOWN):
            called = sorted(name for name, what, _ in entries if what == hook)
            assert called == sorted(PLACES), hook

    def test_all_are_configured_before_one_is_activated(self, tmp_path: Path) -> None:
        """A barrier over all processes."""
        self._barrier(tmp_path, "on_configure", "on_activate")

    def test_all_are_active_before_tick_0(self, tmp_path: Path) -> None:
        """A barrier over all processes."""
        self._barrier(tmp_path, "on_activate", "forward")

    def test_none_is_deactivated_before_the_last_tick(self, tmp_path: Path) -> None:
        """A barrier over all processes."""
        self._barrier(tmp_path, "forward", "on_deactivate")

    def test_all_are_deactivated_before_one_is_shut_down(self, tmp_path: Path) -> None:
        """A barrier over all processes."""
        self._barrier(tmp_path, "on_deactivate", "on_shutdown")

    def _barrier(self, tmp_path: Path, earlier: str, later: str) -> None:
        entries = [what for _, what, _ in self._entries(tmp_path)]
        last = max(n for n, what in enumerate(entries) if what == earlier)
        first = min(n for n, what in enumerate(entries) if what == later)
        assert last < first, entries

    def test_hooks_follow_the_execution_order_in_a_node(self, tmp_path: Path) -> None:
        """And its reverse on the way down."""
        entries = self._entries(tmp_path)

        for hooks, expected in ((UP, ["d0", "d1"]), (DOWN, ["d1", "d0"])):
            for hook in hooks:
                names = [name for name, what, _ in entries if what == hook]
                assert [name for name in names if name in expected] == expected, hook

    def test_each_component_fires_with_each_value(self, tmp_path: Path) -> None:
        """Once a tick, in order, and in no tick after the last."""
        entries = self._entries(tmp_path)

        for name in PLACES:
            values = [n for who, what, n in entries if (who, what) == (name, "forward")]
            assert values == list(range(5))

    @pytest.mark.parametrize("phase", ["on_configure", "on_activate"])
    def test_a_failure_on_the_way_up_shuts_down_what_was_configured(
        self, phase: str, tmp_path: Path
    ) -> None:
        """Nothing fires; what was configured is shut down, once."""
        path = tmp_path / "diary"

        with pytest.raises(ComponentError):
            self.launch(diaries(path, Fail(phase, node=Node("a"))), 5)

        entries = read(path)
        by_hook = {
            hook: sorted(name for name, what, _ in entries if what == hook)
            for hook in (*UP, *DOWN, "forward")
        }
        assert by_hook["forward"] == []
        assert by_hook["on_shutdown"] == by_hook["on_configure"]
        assert by_hook["on_deactivate"] == by_hook["on_activate"]

    def test_a_failure_in_a_tick_takes_everybody_down(self, tmp_path: Path) -> None:
        """Each component is deactivated and shut down, once."""
        path = tmp_path / "diary"

        with pytest.raises(ComponentError):
            self.launch(diaries(path, Fail("forward", 2, node=Node("b"))), 5)

        for hook in DOWN:
            called = sorted(name for name, what, _ in read(path) if what == hook)
            assert called == sorted(PLACES), hook
