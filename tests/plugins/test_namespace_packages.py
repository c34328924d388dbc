"""Several distributions may share a package; errors name the one that is meant."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from like_keras_core.errors import EngineBrokenError, EngineContractError
from like_keras_core.plugins.compatibility import depth_in_common, is_importable
from like_keras_core.plugins.discovery import ENGINE_GROUP, find_engines
from like_keras_core.plugins.engine_adapter import describe
from like_keras_core.plugins.engine_registry import get_engine, open_session
from tests.conftest import ENGINE

WRONG = ENGINE.replace("compile(self, system, build_dir=None)", "compile(self)")


class Shelf:
    """A folder on sys.path into which distributions put parts of `acme`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, source: str, file: str = "__init__.py") -> None:
        """Install `acme-<name>`: an engine of that name, in `acme.<name>`."""
        info = self.folder / f"acme_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: acme-{name}\nVersion: 1.0\n")
        line = f"{name} = acme.{name}:Found"
        (info / "entry_points.txt").write_text(f"[{ENGINE_GROUP}]\n{line}\n")
        package = self.folder / "acme" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("from .engine import Found\n")
        (package / "engine.py").write_text("")
        (package / file).write_text(source)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A folder on sys.path, and no `acme` from another one."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("LK_ENGINES_DISABLE", raising=False)
    yield Shelf(tmp_path)
    for name in [x for x in sys.modules if x.partition(".")[0] == "acme"]:
        del sys.modules[name]


def test_an_engine_is_described_by_its_own_distribution(shelf: Shelf) -> None:
    """Not by the first that has a part in the same package."""
    for name in ("arm", "base", "camera"):
        shelf.install(name, ENGINE.format(name="Found"), "engine.py")

    described = [describe(get_engine(name)) for name in ("camera", "arm", "base")]

    assert described == [
        "Engine 'camera' (acme-camera 1.0)",
        "Engine 'arm' (acme-arm 1.0)",
        "Engine 'base' (acme-base 1.0)",
    ]


def test_a_wrong_method_names_its_distribution(shelf: Shelf) -> None:
    """Its author is the one to be told."""
    shelf.install("arm", ENGINE.format(name="Found"))
    shelf.install("base", WRONG.format(name="Found"))

    with pytest.raises(EngineContractError, match=r"'base' \(acme-base 1\.0\)"):
        open_session("base")


def test_a_part_that_no_distribution_has_is_named_by_its_class(shelf: Shelf) -> None:
    """A namespace package in common does not make it another one's."""
    shelf.install("arm", ENGINE.format(name="Found"))
    (shelf.folder / "acme" / "own.py").write_text(ENGINE.format(name="Mine"))
    kind = type(get_engine("arm"))
    own = import_module("acme.own").Mine

    assert describe(kind()).endswith("(acme-arm 1.0)")
    assert describe(own()).endswith("(acme.own.Mine)")


def test_two_engines_of_one_module_are_told_apart(shelf: Shelf) -> None:
    """Where modules say nothing, the name under which an engine was chosen does."""
    shelf.install("arm", ENGINE.format(name="Found"))
    other = shelf.folder / "another-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Name: another\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text(f"[{ENGINE_GROUP}]\nleg = acme.arm:Found")

    assert describe(get_engine("arm")) == "Engine 'arm' (acme-arm 1.0)"
    assert describe(get_engine("leg")) == "Engine 'leg' (another 1.0)"


@pytest.mark.parametrize(
    ("needed", "text"),
    [
        ("acme.base", "The module 'acme.base', which it needs, is not installed"),
        ("acme.arm.gone", "acme-arm 1.0 does not contain it"),
    ],
)
def test_a_missing_neighbour_is_not_a_missing_part(
    shelf: Shelf, needed: str, text: str
) -> None:
    """What another distribution should bring is not lacking in this one."""
    shelf.install("arm", f"import {needed}\n")

    with pytest.raises(EngineBrokenError) as caught:
        get_engine("arm")

    assert text in str(caught.value)


@pytest.mark.parametrize("is_loaded", [False, True])
def test_a_part_that_is_missing_is_found_without_importing(
    shelf: Shelf, is_loaded: bool
) -> None:
    """That a neighbour is installed does not make it there."""
    shelf.install("arm", ENGINE.format(name="Found"))
    shelf.install("base", "raise SystemExit(1)\n")
    shelf.install("camera", "")
    for file in (shelf.folder / "acme" / "camera").iterdir():
        file.unlink()
    if is_loaded:
        get_engine("arm")

    found = {x.name: x.status for x in find_engines() if x.entry_point[:5] == "acme."}

    assert found == {"arm": "ok", "base": "ok", "camera": "missing-module"}
    assert "acme.base" not in sys.modules


def test_namespace_packages_may_lie_in_each_other(shelf: Shelf) -> None:
    """A folder in a folder, and the module at the end."""
    folder = shelf.folder / "acme" / "robots"
    folder.mkdir(parents=True)
    (folder / "arm.py").write_text("")

    assert is_importable("acme.robots.arm")
    assert not is_importable("acme.robots.leg")
    assert not is_importable("acme.robots")


@pytest.mark.parametrize(
    ("module", "other", "depth"),
    [
        ("json.decoder", "json.encoder", 1),
        ("json.decoder", "json.decoder", 2),
        ("json", "jsonschema", 0),
        ("not_there.a", "not_there.b", 1),
    ],
)
def test_modules_have_packages_in_common(module: str, other: str, depth: int) -> None:
    """Whole names are compared."""
    assert depth_in_common(module, other) == depth
