"""Strangers publish engines: from wheels, elsewhere, with the documentation alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "how-to" / "write-an-engine.md"
ENGINE = ROOT / "docs" / "examples" / "pipes_engine.py"


def fences(page: Path, language: str) -> list[str]:
    """Return what stands in the fences of a page that are in one language."""
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def code_of(page: Path) -> str:
    """Return the python fences of a page as one file."""
    return "\n\n".join(fences(page, "python"))


def test_the_page_shows_the_engine_that_tests_run() -> None:
    """All of it, word for word: its fences are the file, one after the other."""
    assert code_of(PAGE) == ENGINE.read_text("utf-8")


class Stranger:
    """Somebody with an empty environment, and the wheel of the core.

    Args:
        folder: Where they work.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.bin = folder / "env" / "bin"
        venv.create(folder / "env", symlinks=True)
        self.run(self.uv("build", "-q", "--wheel", "-o", self.wheels, ROOT))

    def uv(self, *words: str | Path) -> list[str | Path]:
        """Return a command of uv, which is quicker than pip and does the same."""
        return [sys.executable, "-m", "uv", *words]

    def install(self, *what: str | Path, cwd: Path) -> None:
        """Install into the environment; our own come as wheels."""
        into: list[str | Path]
        into = [self.bin / "python", "--find-links", self.wheels]
        self.run(self.uv("pip", "install", "-q", "-p", *into, *what), cwd)

    def run(self, command: list[str | Path], cwd: Path | None = None) -> str:
        """Run a command, which must succeed, and return what it printed."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "PYTEST_", "LK_", "COV_", "VIRTUAL_ENV"))
        }
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env={**kept, "UV_SYSTEM_CERTS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        print(done.stdout)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def lk(self, *words: str | Path, cwd: Path | None = None) -> str:
        """Run the installed `lk`."""
        return self.run([self.bin / "lk", *words], cwd)


def follow_the_page(folder: Path) -> None:
    """Change a new distribution as the page says."""
    engine = folder / "src" / "lk_engine_pipes" / "engine.py"
    engine.write_text(code_of(PAGE), encoding="utf-8")
    project = folder / "pyproject.toml"
    (line,) = fences(PAGE, "toml")
    lines = [
        line if old.startswith("dependencies = ") else old
        for old in project.read_text("utf-8").splitlines(keepends=True)
    ]
    project.write_text("".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    """Somebody who has installed the core, and has two new engines."""
    folder = tmp_path_factory.mktemp("stranger")
    made = Stranger(folder)
    made.install("like-keras-core[testing]", cwd=folder)
    for name in ("steam", "pipes"):
        made.lk("engines", "new", name)
    follow_the_page(folder / "lk-engine-pipes")
    for name in ("steam", "pipes"):
        made.install("-e", ".[test,lint]", cwd=folder / f"lk-engine-{name}")
    yield made
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_scaffold_writes_is_green(stranger: Stranger) -> None:
    """Its tests pass, its README has the table that they made, style and types hold."""
    folder = stranger.folder / "lk-engine-steam"

    told = stranger.run([stranger.bin / "pytest", "--lk-matrix", "m.json"], folder)

    passed = "basic, delay, hold, latest, every, takes, rate, late, record"
    assert f"passed: {passed}" in told
    stranger.lk(
        "engines", "matrix", "m.json", "--into", "README.md", "--check", cwd=folder
    )
    stranger.run([stranger.bin / "ruff", "check", "."], folder)
    stranger.run([stranger.bin / "ruff", "format", "--check", "."], folder)
    stranger.run([stranger.bin / "mypy"], folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_engine_of_the_page_works_for_who_follows_it(stranger: Stranger) -> None:
    """It is listed, described, checked from its wheel, and drawn as a table."""
    folder = stranger.folder / "lk-engine-pipes"
    stranger.run(stranger.uv("build", "-q", "--wheel", "-o", "dist"), folder)
    (wheel,) = (folder / "dist").glob("*.whl")

    listed = json.loads(stranger.lk("engines", "list", "--json"))["engines"]
    described = stranger.lk("engines", "info", "pipes", "--load")
    checked = stranger.lk("engines", "check", "pipes", "--wheel", wheel)
    stranger.run([stranger.bin / "mypy"], folder)
    words = ["--lk-matrix", "m.json", "-k", "needs_it or options_of_nodes"]
    stranger.run([stranger.bin / "pytest", *words], folder)
    table = stranger.lk("engines", "matrix", "m.json", cwd=folder)

    statuses = {item["name"]: item["status"] for item in listed}
    assert statuses == {"pipes": "ok", "steam": "ok"}
    assert "multi-process  each node in a process of its own" in described
    assert checked.endswith("pipes: nothing is wrong.\n")
    assert "| `multi-process` | each node in a process of its own | yes |" in table
    assert "| `zero-copy` |" in table
