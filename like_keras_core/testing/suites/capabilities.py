"""What is declared is there, and what is not declared is refused."""

from __future__ import annotations

import os

import pytest

from like_keras_core.engine import CAPABILITIES
from like_keras_core.errors import CapabilityError
from like_keras_core.node import Node
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing.level import LEVELS
from like_keras_core.testing.requires import uses
from like_keras_core.testing.suite import Suite


def needing(capability: str) -> System:
    """Return a system of one component that needs a capability."""
    return System([getattr(parts, parts.needing(capability))(name="one")])


class CapabilitiesSuite(Suite):
    """The declaration, name by name."""

    def test_what_is_declared_are_names_of_the_core(self) -> None:
        """A misspelt name would declare nothing."""
        assert self.declared <= set(CAPABILITIES)

    @pytest.mark.parametrize("capability", sorted(CAPABILITIES))
    def test_a_component_that_needs_it_runs_or_is_refused(
        self, capability: str
    ) -> None:
        """It runs where that is declared; elsewhere a CapabilityError names it."""
        level = LEVELS.get(capability)
        if level is None or level > self.suite_level:
            pytest.xfail(
                f"new: this core knows the capability {capability!r} "
                f"({CAPABILITIES[capability]}), which is not in level "
                f"{self.suite_level} of the kit; {self.name!r} "
                f"{'declares' if capability in self.declared else 'does not declare'} "
                "it, and nothing of it was tested"
            )
        if capability in self.declared:
            report = self.launch(needing(capability), 3)
            assert report.components["one"].fired == 3
            return
        with pytest.raises(CapabilityError) as caught:
            self.launch(needing(capability), 3)
        assert (caught.value.engine, caught.value.capability) == (self.name, capability)

    @uses("record")
    def test_nodes_are_processes_if_so_declared(self) -> None:
        """With `multi-process` each node has one of its own; without, all share one."""
        places = {"one": "a", "two": "a", "three": "b", "four": "c"}
        parts_ = [parts.Where(name=k, node=Node(v)) for k, v in places.items()]

        report = self.launch(System(parts_), 2, record="all")

        pids = {name: report.records[f"{name}.output"][0][1] for name in places}
        assert pids["one"] == pids["two"], "components of one node share its process"
        apart = {pids["one"], pids["three"], pids["four"]}
        if "multi-process" in self.declared:
            assert len(apart) == 3
            assert os.getpid() not in apart
        else:
            assert len(apart) == 1, "a surprise: 'multi-process' is not declared"

    @uses("stand-alone")
    def test_a_stand_alone_artefact_is_a_file(self) -> None:
        """There is something to run."""
        system = needing("stand-alone")
        if "stand-alone" not in self.declared:
            system.compile(engine=self.name)

        path = get_engine(self.name).compile(system.to_spec())

        assert path is not None
        assert path.is_file()

    @uses("zero-copy")
    def test_arrays_without_copying_are_whole(self) -> None:
        """Many of them, each different, and none overwritten while it is read."""
        pytest.importorskip("numpy")

        def make() -> System:
            block = parts.Block(3_000_000, name="block", node=Node("a"))
            digest = parts.Digest(name="digest", node=Node("b"))
            one = getattr(parts, parts.needing("zero-copy"))(name="one", node=Node("a"))
            digest(block())
            return System([block, digest, one])

        record = {"record": ["digest.output"]} if "record" in self.declared else {}
        self.agree(make, 40, **record)
