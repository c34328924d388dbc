"""Values of every size and shape, and what may be done to them."""

from __future__ import annotations

import pytest

from like_keras_core.errors import GraphError
from like_keras_core.node import Node
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing.components import Reuse
from like_keras_core.testing.edge_values import odd_values
from like_keras_core.testing.suite import Suite


class PayloadsSuite(Suite):
    """A value arrives as it was sent, and belongs to nobody."""

    def test_odd_values_arrive_as_they_were(self) -> None:
        """Empty, NaN, -0.0, large ints, any string, arrays of any shape and strides."""
        pytest.importorskip("numpy")

        def make() -> System:
            echo = parts.Echo(name="echo", node=Node("b"))
            digest = parts.Digest(name="digest", node=Node("c"))
            return System([parts.Odds(name="odds", node=Node("a")), echo, digest])

        self.agree(make, len(odd_values()))

    @pytest.mark.parametrize("size", [0, 1, 40_000_000], ids=["0-B", "1-B", "40-MB"])
    def test_a_block_arrives_whole(self, size: int) -> None:
        """From nothing at all to forty megabytes."""
        pytest.importorskip("numpy")

        def make() -> System:
            block = parts.Block(size, name="block", node=Node("a"))
            return System([block, parts.Digest(name="digest", node=Node("b"))])

        record = {"record": ["digest.output"]} if "record" in self.declared else {}
        self.agree(make, 3, **record)

    def test_names_of_any_script_work_or_are_refused(self) -> None:
        """Components, nodes and the system; a refusal names them, and nothing ran."""

        def make() -> System:
            source = parts.Play([1, 2], name="größe", node=Node("knoten_ß"))
            echo = parts.Echo(name="机器人", node=Node("узел"))
            return System([source, echo], name="système")

        try:
            self.agree(make, 4)
        except GraphError as error:
            names = ("größe", "机器人", "knoten_ß", "узел", "système")
            unclear = [x for x in error.issues if not any(n in x for n in names)]
            assert unclear == []
            assert not get_engine(self.name).validate(make().to_spec())[0]

    def test_an_array_arrives_read_only(self) -> None:
        """On the producer's node and on another."""
        pytest.importorskip("numpy")

        def make() -> System:
            block = parts.Block(100, name="block", node=Node("a"))
            near = parts.Writes(name="near", node=Node("a"))
            far = parts.Writes(name="far", node=Node("b"))
            array = block()
            near(array)
            far(array)
            return System([block, near, far])

        found = self.agree(make, 3)

        if "record" in self.declared:
            for name in ("near", "far"):
                assert [value for _, value in found.records[f"{name}.output"]] == [
                    *(True, True, True)
                ]

    @pytest.mark.parametrize("node", ["a", "b"])
    def test_check_values_names_who_changes_a_value(self, node: str) -> None:
        """Component and tick, on the producer's node and on another."""

        def make() -> System:
            lists = parts.Lists(name="lists", node=Node("a"))
            return System([lists, parts.Spoils(5, name="spoils", node=Node(node))])

        found = self.agree(make, 20, check_values=True)

        assert found.error is not None
        assert (found.error[0], found.error[3]) == ("spoils", 4)

    @pytest.mark.parametrize("node", ["a", "b"])
    def test_check_values_names_who_uses_a_buffer_again(self, node: str) -> None:
        """At its next firing, also where all that receive it have a copy."""

        def make() -> System:
            reuse = Reuse(name="reuse", node=Node("a"))
            return System([reuse, parts.Digest(name="digest", node=Node(node))])

        found = self.agree(make, 20, check_values=True)

        assert found.error is not None
        assert (found.error[0], found.error[3]) == ("reuse", 1)

    def test_check_values_changes_nothing_else(self) -> None:
        """A system that keeps the rules gives the same with it."""

        def make() -> System:
            lists = parts.Lists(name="lists", node=Node("a"))
            return System([lists, parts.Digest(name="digest", node=Node("b"))])

        self.agree(make, 20, check_values=True)
