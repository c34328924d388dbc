"""Engines by name: only the chosen one is imported, and a broken one says why."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from like_keras_core import Component, Issue, System, SystemSpec
from like_keras_core.engine import Engine
from like_keras_core.errors import (
    CapabilityError,
    EngineBrokenError,
    EngineContractError,
    EngineNotFoundError,
)
from like_keras_core.plugins import engine_registry
from like_keras_core.plugins.engine_registry import (
    get_engine,
    list_engines,
    open_session,
    register_engine,
)
from like_keras_core.report import RunReport
from like_keras_core.testing.components import Count

if TYPE_CHECKING:
    from tests.conftest import Site

CHOOSE = """
    import sys
    from like_keras_core.plugins.engine_registry import open_session
    from like_keras_core.errors import LkError

    try:
        engine = open_session({name!r}).engine
        print(type(engine).__module__)
    except LkError as error:
        print(type(error).__name__)
        print(error)
"""


class Toy(Engine):
    """The least that an engine can be."""

    def validate(self, system: Any) -> tuple[bool, list[str]]:
        return True, []

    def compile(self, system: Any, build_dir: Path | None = None) -> None:
        return None

    def launch(
        self, system: Any, config_path: Path | None = None, **options: Any
    ) -> RunReport:
        return RunReport(engine=self.name, system="demo")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(engine_registry, "_registered", {})
    monkeypatch.setenv("LK_PLUGINS_DISABLE", "*")


def test_a_registered_engine_is_had_by_its_name() -> None:
    """Each call makes an instance, which knows the name it was chosen by."""
    register_engine("toy", Toy)

    first, second = get_engine("toy"), get_engine("toy")

    assert isinstance(first, Toy)
    assert first is not second
    assert first.name == "toy"
    assert "toy" in list_engines()


def test_one_class_may_have_two_names() -> None:
    """The name belongs to the instance."""
    register_engine("toy", Toy)
    register_engine("other-toy", Toy)

    assert [get_engine("toy").name, get_engine("other-toy").name] == [
        "toy",
        "other-toy",
    ]


def test_registering_again_replaces() -> None:
    """A notebook cell can be run twice."""

    class Newer(Toy):
        pass

    register_engine("toy", Toy)
    register_engine("toy", Newer)

    assert isinstance(get_engine("toy"), Newer)


@pytest.mark.parametrize("engine_class", [Toy(), int, "Toy"])
def test_what_is_no_engine_class_is_refused(engine_class: Any) -> None:
    """The error says what was expected and what came."""
    with pytest.raises(EngineContractError, match="expected a subclass of"):
        register_engine("toy", engine_class)


def test_an_unfinished_engine_is_refused() -> None:
    """The methods that it lacks are named."""

    class Half(Engine):
        def validate(self, system: Any) -> tuple[bool, list[str]]:
            return True, []

    with pytest.raises(EngineContractError, match="does not define compile, launch"):
        register_engine("half", Half)  # type: ignore[type-abstract]


@pytest.mark.parametrize("name", ["", "a b", "../up"])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    """An engine's name is the name of its build folder, too."""
    with pytest.raises(EngineContractError, match="letters, digits"):
        register_engine(name, Toy)


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    """The installed names are listed, and the nearest is suggested."""
    register_engine("toy", Toy)

    with pytest.raises(EngineNotFoundError, match="Did you mean 'toy'") as caught:
        get_engine("tyo")

    assert "toy" in caught.value.installed


def test_a_session_takes_an_engine_or_its_name() -> None:
    """An engine that nobody registered can be used as well."""
    register_engine("toy", Toy)
    engine = Toy()

    assert open_session("toy").engine.name == "toy"
    assert open_session(engine).engine is engine


def test_a_constructor_that_raises_is_the_engines_own_error() -> None:
    """What is registered by hand is not wrapped."""

    class Raising(Toy):
        def __init__(self) -> None:
            raise OSError("no such board")

    register_engine("raising", Raising)

    with pytest.raises(OSError, match="no such board"):
        get_engine("raising")


def test_an_installed_engine_runs(site: Site) -> None:
    """From its entry point to its report, beside all that is broken."""
    code = """
        from pathlib import Path
        from like_keras_core.plugins.engine_registry import list_engines, open_session
        from like_keras_core.spec import SystemSpec

        spec = SystemSpec(name="demo")
        session = open_session("fine")
        assert session.validate(spec) == []
        artefact = session.compile(spec, Path())
        report = session.launch(spec, artefact, {"iterations": 3})
        print(list_engines())
        print(artefact.path.read_text(), report.engine, report.iterations)
        artefact.path.unlink()
    """

    done = site.run(code)

    assert done.stdout.splitlines() == [
        "['crash', 'dora', 'fine', 'twin', 'wrong']",
        "demo fine 3",
    ]


@pytest.mark.parametrize(
    ("name", "error", "parts"),
    [
        ("crash", "EngineBrokenError", ["lk-engine-crash 1.2", "libcrash.so"]),
        ("bad", "EngineBrokenError", ["lk-engine-bad 1.2", "malformed"]),
        ("stale", "EngineBrokenError", ["missing-module", "'a_deleted_module'"]),
        ("newer", "EngineBrokenError", ["incompatible", ">=99.0", "0.1.0"]),
        ("wrong", "EngineContractError", ["lk-engine-wrong 1.2", "compile(self)"]),
        ("fin", "EngineNotFoundError", ["Did you mean 'fine'?"]),
    ],
)
def test_choosing_a_broken_engine_repeats_its_reason(
    site: Site, name: str, error: str, parts: list[str]
) -> None:
    """The error names the engine, its distribution and version, and what is wrong."""
    kind, text = site.run(CHOOSE.format(name=name)).stdout.split("\n", 1)

    assert kind == error
    assert [part for part in [f"'{name}'", *parts] if part not in text] == []


@pytest.mark.parametrize(
    ("name", "module"), [("twin", "first_twin"), ("dora", "lk_engine_dora")]
)
def test_a_name_that_two_claim_has_one_owner(
    site: Site, name: str, module: str
) -> None:
    """A known distribution comes before the first on the path."""
    assert site.run(CHOOSE.format(name=name)).stdout.strip() == module


@pytest.mark.parametrize("switch", ["fine", "*"])
def test_a_disabled_engine_says_so(site: Site, switch: str) -> None:
    """The switch is named, so that it can be found."""
    done = site.run(CHOOSE.format(name="fine"), LK_ENGINES_DISABLE=switch)

    assert done.stdout.startswith("EngineBrokenError")
    assert "LK_ENGINES_DISABLE" in done.stdout


def test_only_the_chosen_engine_is_imported(site: Site) -> None:
    """No other engine's module is loaded along with it."""
    code = """
        import sys
        from like_keras_core.plugins.engine_registry import get_engine

        get_engine("fine")
        print([n for n in sys.modules if n.startswith(("lk_engine", "first", "lk_"))])
    """

    assert site.run(code).stdout.strip() == "['lk_engine_fine']"


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (
            "lk_needs_more",
            "'a_library_of_robots', .*: pip install dist-of-more",
        ),
        ("lk_needs_more.gone", "dist-of-more 1.0 does not contain it"),
    ],
)
def test_a_module_that_is_missing_is_told_from_one_that_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, reason: str
) -> None:
    """Both are a ModuleNotFoundError; what to do about them differs."""
    package = tmp_path / "lk_needs_more"
    package.mkdir()
    need = "" if "." in module else "import a_library_of_robots"
    (package / "__init__.py").write_text(need)
    info = tmp_path / "more-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: dist-of-more\nVersion: 1.0\n")
    lines = f"[like_keras_core.engines]\nmore = {module}:Engine\n"
    (info / "entry_points.txt").write_text(lines)
    monkeypatch.syspath_prepend(tmp_path)

    try:
        with pytest.raises(EngineBrokenError, match=reason):
            get_engine("more")
    finally:
        sys.modules.pop("lk_needs_more", None)


def test_a_launch_that_lacks_a_module_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the engine imports it late."""
    (tmp_path / "lk_lazy.py").write_text(
        textwrap.dedent(
            """
            from like_keras_core import Engine

            class Lazy(Engine):
                def validate(self, system):
                    return True, []

                def compile(self, system, build_dir=None):
                    return None

                def launch(self, system, config_path=None, **options):
                    import a_library_of_robots
            """
        )
    )
    info = tmp_path / "lazy-1.0.dist-info"
    info.mkdir()
    needs = "Requires-Dist: a-library-of-robots>=2"
    (info / "METADATA").write_text(f"Name: dist-of-lazy\nVersion: 1.0\n{needs}\n")
    lines = "[like_keras_core.engines]\nlazy = lk_lazy:Lazy\n"
    (info / "entry_points.txt").write_text(lines)
    monkeypatch.syspath_prepend(tmp_path)

    try:
        with pytest.raises(EngineBrokenError, match="pip install dist-of-lazy"):
            System([Count()]).launch(1, engine="lazy")
    finally:
        sys.modules.pop("lk_lazy", None)


def test_the_cause_of_a_failed_import_is_kept(site: Site) -> None:
    """The engine's own exception is the cause of ours."""
    code = """
        from like_keras_core.plugins.engine_registry import get_engine

        get_engine("crash")
    """

    done = site.run(code)

    assert "ImportError: libcrash.so is missing" in done.stderr
    assert "The above exception was the direct cause" in done.stderr


class Foreign(Component):
    """Runs only where nodes of others do."""

    needs = ("foreign-nodes",)

    def forward(self) -> int:
        return 1


def test_a_component_may_need_a_capability() -> None:
    """It is part of the spec, and refused before anything runs."""
    register_engine("toy", Toy)
    system = System([Foreign()])
    spec = system.to_spec()

    assert spec.components[0].needs == ("foreign-nodes",)
    assert SystemSpec.from_json(spec.to_json()) == spec
    with pytest.raises(CapabilityError, match=r"'foreign-nodes'.* for 'foreign'"):
        system.launch(engine="toy", iterations=1)


class Picky(Toy):
    """Refuses a system in its own words."""

    capabilities = frozenset({"foreign-nodes"})

    def validate(self, system: Any) -> tuple[bool, list[str]]:
        return False, [Issue("cannot restart 'a'", code="capability", address="a")]


def test_an_engine_may_say_itself_what_it_lacks() -> None:
    """In its own words."""
    register_engine("picky", Picky)

    with pytest.raises(CapabilityError, match=r"^cannot restart 'a'$"):
        System([Foreign()]).compile(engine="picky")
