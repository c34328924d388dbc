"""What is built can be installed."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels of the core and of the native engine, built from their sdists."""
    dist = tmp_path_factory.mktemp("dist")
    for project in (ROOT, ROOT / "plugins" / "lk-engine-native"):
        build = (sys.executable, "-m", "build", "--installer", "uv")
        run(*build, "--outdir", dist, project, cwd=dist)
    return {path.name.split("-")[0]: path for path in dist.glob("*.whl")}


def test_distributions_hold_what_they_should(built: dict[str, Path]) -> None:
    """A wheel: its package, typed, and metadata with the licence; nothing else."""
    files = sorted(built["like_keras_core"].parent.iterdir())

    said = run(sys.executable, ROOT / ".ci" / "check_contents.py", *files, cwd=ROOT)

    assert said == "4 distributions hold what they should\n"


def test_what_is_missing_or_too_much_is_named(tmp_path: Path) -> None:
    """Each problem of a wheel is a line, and there is an exit code."""
    wheel = tmp_path / "robot-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in "robot/__init__.py", "robot-1.0.dist-info/METADATA", "tests/a.pyc":
            archive.writestr(name, "")
    script = ROOT / ".ci" / "check_contents.py"

    done = subprocess.run(
        [sys.executable, script, wheel], stdout=subprocess.PIPE, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{wheel.name}: robot-1.0.dist-info/licenses/LICENSE is missing",
        f"{wheel.name}: robot/py.typed is missing",
        f"{wheel.name}: tests/a.pyc is neither the package nor metadata",
        f"{wheel.name}: tests/a.pyc is a leftover",
    ]


@pytest.mark.parametrize(
    "order",
    [("like_keras_core", "lk_engine_native"), ("lk_engine_native", "like_keras_core")],
    ids=["core-first", "engine-first"],
)
def test_the_wheels_install_in_either_order(
    built: dict[str, Path], order: Sequence[str], tmp_path: Path
) -> None:
    """In an empty environment, and the engine is listed afterwards."""
    venv.create(tmp_path / "env", with_pip=True, symlinks=True)
    scripts = tmp_path / "env" / "bin"

    for package in order:
        wheel = built[package]
        options = ("--quiet", "--find-links", str(wheel.parent))
        run(scripts / "pip", "install", *options, wheel, cwd=tmp_path)

    run(scripts / "pip", "check", cwd=tmp_path)
    both = "import like_keras_core, lk_engine_native"
    run(scripts / "python", "-c", both, cwd=tmp_path)
    assert "native" in run(scripts / "lk", "engines", "list", cwd=tmp_path)
