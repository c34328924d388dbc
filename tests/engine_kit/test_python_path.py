"""Where processes on this machine find code: the author's folders, and no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from like_keras_core import System
from like_keras_core.engine_kit.python_path import author_path, is_found
from like_keras_core.plugins.interpreter_path import author_entries, own_path
from like_keras_core.testing.components import Count


def fresh_path() -> list[str]:
    """Return the `sys.path` of an interpreter that was started with nothing."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.path[1:], sep='\\n')"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_what_every_interpreter_has_is_its_own() -> None:
    """Its library, its site folders, and what `.pth` files add."""
    assert [entry for entry in fresh_path() if entry not in own_path()] == []


def test_the_rest_of_the_path_is_the_authors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Absolute, in order, each once."""
    monkeypatch.chdir(tmp_path)
    path = ["", *fresh_path(), "lib", str(tmp_path / "lib"), "/opt/robot"]
    monkeypatch.setattr(sys, "path", path)

    expected = [str(tmp_path), str(tmp_path / "lib"), "/opt/robot"]
    assert author_entries() == expected
    assert author_path(System([Count()]).to_spec()) == tuple(expected)


def test_modules_are_looked_for_and_not_imported(tmp_path: Path) -> None:
    """Packages, their modules, single files and scripts."""
    (tmp_path / "package" / "inner").mkdir(parents=True)
    for name in ("package/__init__.py", "package/inner/part.py", "single.py"):
        (tmp_path / name).write_text("raise SystemExit")
    path = [str(tmp_path)]

    for module in ("package", "package.inner.part", "single", "single.py"):
        assert is_found(module, path)
        assert not is_found(module, [])
    for module in ("package.nothing", "single.part", "nothing", "nothing.py"):
        assert not is_found(module, path)
    for module in ("email.message", "sys", "json.decoder", "like_keras_core.node"):
        assert is_found(module, [])
    assert "single" not in sys.modules


def test_what_was_imported_before_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process has not imported it."""
    monkeypatch.setitem(sys.modules, "made_up_here", type(sys)("made_up_here"))

    assert not is_found("made_up_here", [str(tmp_path)])
