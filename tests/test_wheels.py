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
        run(sys.executable, "-m", "build", "--outdir", dist, project, cwd=dist)
    return {path.name.split("-")[0]: path for path in dist.glob("*.whl")}


@pytest.mark.parametrize("package", ["like_keras_core", "lk_engine_native"])
def test_a_wheel_holds_its_package_and_nothing_else(
    built: dict[str, Path], package: str
) -> None:
    """Besides the package, typed, there is metadata only, with the licence in it."""
    names = zipfile.ZipFile(built[package]).namelist()

    metadata = f"{package}-0.1.0.dist-info"
    assert {name.split("/")[0] for name in names} == {package, metadata}
    assert f"{package}/py.typed" in names
    assert f"{metadata}/licenses/LICENSE" in names


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
