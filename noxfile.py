"""Tasks that produce something; what must pass is in tox.ini."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"

ROOT = Path(__file__).parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
ENGINES = "like_keras_core.engines"
CAPABILITIES = ROOT / "docs" / "reference" / "capabilities"


def metadata_of(project: Path) -> dict[str, Any]:
    """Return a distribution's table `[project]`."""
    table: dict[str, Any] = nox.project.load_toml(project / "pyproject.toml")["project"]
    return table


def engines_of(project: Path) -> list[str]:
    """Name the engines that a distribution brings."""
    return list(metadata_of(project).get("entry-points", {}).get(ENGINES, {}))


def groups(*names: str) -> list[str]:
    """Return what the core's dependency groups ask for."""
    return list(nox.project.dependency_groups(PROJECT, *names))


@nox.session
def demo(session: nox.Session) -> None:
    """Run docs/examples/face_tracking.py and say where its picture is."""
    folder = ROOT / "build" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.rglob("*.png"):
        old.unlink()
    session.install("-q", ".", "./plugins/lk-engine-native", *groups("examples"))

    with session.chdir(folder):
        session.run("python", str(ROOT / "docs" / "examples" / "face_tracking.py"))

    pictures = sorted(folder.rglob("*.png"))
    if not pictures:
        session.error(f"The example left no picture in {folder}")
    for picture in pictures:
        session.log(f"The picture is {picture}")


@nox.session
def build(session: nox.Session) -> None:
    """Build every distribution into dist/; check what is in it and its metadata."""
    session.install("-q", "build[uv]", "twine")
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for project in (ROOT, *PLUGINS):
        options = ("-q", "--installer", "uv", "--outdir", str(dist))
        session.run("python", "-m", "build", *options, str(project))
    built = sorted(map(str, dist.iterdir()))
    session.run("twine", "check", "--strict", *built)
    session.run("python", ".ci/check_contents.py", *built)


@nox.session(requires=["build"])
def smoke(session: nox.Session) -> None:
    """Install each wheel alone, from dist/, into an empty environment; list engines."""
    session.install("-q", "uv")
    for project in (ROOT, *PLUGINS):
        name = metadata_of(project)["name"]
        folder = Path(session.create_tmp()) / name
        session.run("uv", "venv", "-q", "--clear", str(folder))
        options = ("-q", "--python", str(folder), "--find-links", str(ROOT / "dist"))
        session.run("uv", "pip", "install", *options, name)
        lk = str(folder / "bin" / "lk")
        listed = session.run(
            lk, "engines", "list", "--json", silent=True, external=True
        )
        entries = json.loads(str(listed))["engines"]
        works = {x["name"] for x in entries if x["status"] == "ok"}
        if missing := set(engines_of(project)) - works:
            session.error(f"{name} is installed, and {missing} not listed: {listed}")
        session.log(f"{name}: {', '.join(sorted(works)) or 'no engine'}")
        shutil.rmtree(folder)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation's site; `-- --browser` opens each page in Chromium."""
    is_browsed = "--browser" in session.posargs
    wanted = ("site", "browser") if is_browsed else ("site",)
    session.install("-q", ".[testing]", *groups(*wanted))
    site, pictures = ROOT / "build" / "site", ROOT / "build" / "site-pictures"
    session.run("mkdocs", "build", "-q", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})
    if is_browsed:
        session.run("python", ".ci/browse_site.py", str(site), str(pictures))
    session.log(f"The site is {site}; to read it: python -m http.server -d {site}")


@nox.session
def matrix(session: nox.Session) -> None:
    """Run the conformance kit on each engine, or on those that are named.

    What came of it goes to docs/reference/capabilities/ and, as a table, into
    docs/engines.md. Without names: the engines that have a file there.
    """
    session.install("-q", ".[processes,testing]", *groups("test"))
    names = session.posargs or sorted(path.stem for path in CAPABILITIES.glob("*.json"))
    for project in PLUGINS:
        for engine in (name for name in engines_of(project) if name in names):
            extras = ",".join(metadata_of(project).get("optional-dependencies", {}))
            session.install("-q", "./plugins/lk-engine-native")
            session.install("-q", f"{project}[{extras}]" if extras else str(project))
            out = f"--lk-matrix={CAPABILITIES / engine}.json"
            kit = ("--pyargs", "like_keras_core.testing", "--lk-engine", engine)
            session.run("pytest", "-q", *kit, out, success_codes=[0, 1])
    files = sorted(map(str, CAPABILITIES.glob("*.json")))
    session.run("lk", "engines", "matrix", *files, "--into", "docs/engines.md")


@nox.session
def bench(session: nox.Session) -> None:
    """Run benchmarks/, its scripts and its pytest files, or those that are named."""
    plugins = map(str, PLUGINS)
    session.install("-q", ".[processes]", *plugins, *groups("test", "peers"))
    every = sorted(map(str, (ROOT / "benchmarks").glob("[!_]*.py")))
    for file in session.posargs or every:
        is_test = Path(file).name.startswith(("bench_", "test_"))
        runner = ["pytest", "-W", "default"] if is_test else ["python"]
        session.run(*runner, file)


@nox.session
def release(session: nox.Session) -> None:
    """Say what a release would be: versions, tags, notes. `-- --yes` writes the notes.

    A distribution's version stands in its pyproject.toml, and its tag is `NAME-vX.Y.Z`.
    The tags are printed as commands; nothing is tagged and nothing is uploaded.
    """
    session.install("-q", "towncrier")
    is_written = "--yes" in session.posargs
    commands = []
    for project in (ROOT, *PLUGINS):
        metadata = metadata_of(project)
        name, version = metadata["name"], metadata["version"]
        tag = f"{name}-v{version}"
        if session.run("git", "tag", "--list", tag, silent=True, external=True):
            session.log(f"{tag} is released; its pyproject.toml has no new version")
        elif not list((project / "changelog.d").glob("*.md")):
            session.log(f"{tag}: changelog.d has no fragment, so there is no release")
        else:
            session.log(tag)
            notes = ["--yes"] if is_written else ["--draft"]
            where = ["--dir", str(project), "--version", version]
            session.run("towncrier", "build", *where, *notes)
            commands.append(f"git tag -a {tag} -m '{name} {version}'")
    for command in commands:
        session.log(command)
