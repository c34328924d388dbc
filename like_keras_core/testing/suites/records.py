"""What a launch remembers: records, and taps."""

from __future__ import annotations

from pathlib import Path

from like_keras_core.node import Node
from like_keras_core.system import System
from like_keras_core.tap import Tap
from like_keras_core.testing.components import Count, Odd, Scale
from like_keras_core.testing.requires import uses
from like_keras_core.testing.suite import Suite

ADDRESSES = ["count.output", "scale.output", "odd.output"]


def three() -> System:
    """Return a chain over two nodes."""
    return System([Count(node=Node("a")), Scale(node=Node("b")), Odd(node=Node("a"))])


class RecordsSuite(Suite):
    """These need the capability `record`."""

    @uses("record")
    def test_what_is_recorded_is_what_was_sent(self) -> None:
        """Tick and value, in order, from every node."""
        report = self.launch(three(), 4, record="all")

        assert {name: list(map(tuple, x)) for name, x in report.records.items()} == {
            "count.output": [(0, 0), (1, 1), (2, 2), (3, 3)],
            "scale.output": [(0, 0), (1, 2), (2, 4), (3, 6)],
            "odd.output": [],
        }

    @uses("record")
    def test_only_what_is_asked_for_is_recorded(self) -> None:
        """One port of three; and nothing, if nothing is asked for."""
        some = self.launch(three(), 3, record=["scale.output"])
        none = self.launch(three(), 3)

        assert list(some.records) == ["scale.output"]
        assert dict(none.records) == {}

    @uses("record")
    def test_a_tap_sees_each_value(self, tmp_path: Path) -> None:
        """With its tick, once, in order, in whichever process the port is."""
        taps = [
            Tap(
                address,
                "like_keras_core.testing.kit_components:ToFile",
                {"path": str(tmp_path / address)},
            )
            for address in ADDRESSES
        ]

        self.launch(three(), 20, taps=taps)

        for address, factor in zip(ADDRESSES[:2], (1, 2), strict=True):
            lines = (tmp_path / address).read_text(encoding="utf-8").splitlines()
            assert lines == [f"{n} {factor * n}" for n in range(20)]
        assert not (tmp_path / "odd.output").exists()
