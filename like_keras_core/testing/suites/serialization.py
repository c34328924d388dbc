"""Saved systems and artefacts: a launch needs nothing that is not written down."""

from __future__ import annotations

from pathlib import Path

from like_keras_core.node import Node
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.spec import SystemSpec
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing.outcome import Outcome
from like_keras_core.testing.reference import run_on_reference
from like_keras_core.testing.suite import Suite
from like_keras_core.testing.suites.basic import chain, diamond


def nested() -> System:
    """Return a system inside a system, with arguments of several types."""
    play = parts.Play([1, "ü", None, {"a": (1, 2)}, 2.5], name="play", node=Node("a"))
    echo = parts.Echo(name="echo", node=Node("b"))
    inner = System([play, echo], name="inner")
    last = parts.Digest(name="last", node=Node("a"))
    echo(play())
    last(echo.outputs.output)
    return System([inner, last], name="outer")


class SerializationSuite(Suite):
    """Live, saved, or as a spec: it is the same system."""

    def test_a_saved_system_gives_the_same(self, tmp_path: Path) -> None:
        """Written as JSON, read back, and launched."""
        path = nested().save(tmp_path / "system.json")

        self.agree(lambda: System.load(path), 10)

    def test_a_spec_gives_what_its_system_gives(self) -> None:
        """Nothing but the spec is needed."""
        spec = SystemSpec.from_json(diamond().to_spec().to_json())

        expected = Outcome.of(lambda: run_on_reference(spec, 15))
        found = Outcome.of(lambda: self.launch_spec(spec, 15))

        if "record" in self.declared:
            assert expected.differences(found) == []
        assert expected.fired == found.fired

    def test_validate_accepts_a_sound_system(self) -> None:
        """Live and as a spec."""
        engine = get_engine(self.name)

        for system in (chain(), chain().to_spec()):
            is_valid, reasons = engine.validate(system)
            assert is_valid, reasons

    def test_compile_writes_below_its_folder_only(self, tmp_path: Path) -> None:
        """And what it returns is there."""
        folder, before = tmp_path / "build", set(tmp_path.iterdir())

        path = get_engine(self.name).compile(chain().to_spec(), build_dir=folder)

        assert set(tmp_path.iterdir()) - before <= {folder}
        if path is not None:
            assert path.is_file()
            assert folder in path.parents

    def test_compiling_twice_writes_the_same(self, tmp_path: Path) -> None:
        """The artefact depends on the spec alone."""
        engine, spec = get_engine(self.name), nested().to_spec()
        folder, found = tmp_path / "build", []

        for _ in range(2):
            engine.compile(spec, build_dir=folder)
            files = [item for item in folder.rglob("*") if item.is_file()]
            found.append({item: item.read_bytes() for item in files})

        assert found[0] == found[1]

    def test_compile_and_launch_leave_the_system_as_it_was(self) -> None:
        """Its spec is equal before and after."""
        system = nested()
        before = system.to_spec()

        get_engine(self.name).compile(system)
        self.launch(system, 3)

        assert system.to_spec() == before
