"""Tasks that produce something; what must pass is in tox.ini."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"

ROOT = Path(__file__).parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


@nox.session
def demo(session: nox.Session) -> None:
    """Run docs/examples/face_tracking.py and say where its picture is."""
    folder = ROOT / "build" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.rglob("*.png"):
        old.unlink()
    groups = nox.project.dependency_groups(PROJECT, "examples")
    session.install("-q", ".", "./plugins/lk-engine-native", *groups)

    with session.chdir(folder):
        session.run("python", str(ROOT / "docs" / "examples" / "face_tracking.py"))

    pictures = sorted(folder.rglob("*.png"))
    if not pictures:
        session.error(f"The example left no picture in {folder}")
    for picture in pictures:
        session.log(f"The picture is {picture}")


@nox.session
def wheels(session: nox.Session) -> None:
    """Build every distribution into dist/ and check what the index would say."""
    session.install("-q", "build", "twine")
    for project in (ROOT, *PLUGINS):
        session.run(
            "python", "-m", "build", "-q", "--outdir", str(ROOT / "dist"), str(project)
        )
    built = sorted(map(str, (ROOT / "dist").iterdir()))
    session.run("twine", "check", "--strict", *built)


@nox.session
def bench(session: nox.Session) -> None:
    """Run benchmarks/, its scripts and its pytest files, or those that are named."""
    groups = nox.project.dependency_groups(PROJECT, "test", "peers")
    session.install("-q", ".[arrow]", "./plugins/lk-engine-native", *groups)
    every = sorted(map(str, (ROOT / "benchmarks").glob("[!_]*.py")))
    for file in session.posargs or every:
        is_test = Path(file).name.startswith(("bench_", "test_"))
        runner = ["pytest", "-W", "default"] if is_test else ["python"]
        session.run(*runner, file)


@nox.session
def changelog(session: nox.Session) -> None:
    """Show the next release notes; `-- --yes` writes them and removes the fragments."""
    session.install("-q", "towncrier")
    for project in (ROOT, *PLUGINS):
        metadata = nox.project.load_toml(project / "pyproject.toml")["project"]
        release = ["--dir", str(project), "--version", metadata["version"]]
        session.run("towncrier", "build", *release, *(session.posargs or ["--draft"]))
