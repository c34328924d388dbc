"""A real environment full of plug-ins, good and bad, made once for all tests."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import textwrap
import venv
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings
from uv import find_uv_bin

from like_keras_core.runtime.stop_signals import SIGNALS
from like_keras_core.testing.subprocess_env import default_signals

# A loaded machine may take longer over one example than hypothesis allows.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C and the like work in a test, and are afterwards what they were before."""
    before = [signal.getsignal(number) for number in SIGNALS]
    with default_signals():
        yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


CORE_VERSION = "0.1.0"
DEPENDENCIES = ("click", "packaging", "pluggy")

ENGINE = """\
from pathlib import Path
from like_keras_core.engine import Engine
from like_keras_core.report import RunReport

class {name}(Engine):
    capabilities = frozenset({{"delay", "a-capability-of-the-future"}})

    def validate(self, system):
        return True, []

    def compile(self, system, build_dir=None):
        if build_dir is None:
            return None
        path = Path(build_dir) / "plan.txt"
        path.write_text(system.name)
        return path

    def launch(self, system, config_path=None, **options):
        return RunReport(engine=self.name, system=system.name, **options)
"""

TRACE = """\
import sys
from like_keras_core.hookspecs import hookimpl

@hookimpl(wrapper=True)
def compile(system, build_dir):
    print("before compile", file=sys.stderr)
    artefact = yield
    print("after compile", artefact.engine, file=sys.stderr)
    return artefact
"""

RULE = """\
from like_keras_core.hookspecs import hookimpl

@hookimpl
def validate(system):
    return ["A robot needs a name."] if system.name == "system" else []
"""


def install_wheels(python: Path, wheels: list[Path]) -> None:
    """Install wheels, offline and without what they depend on."""
    options = ["--quiet", "--offline", "--no-cache", "--no-index", "--no-deps"]
    subprocess.run(
        [find_uv_bin(), "pip", "install", *options, "--python", python, *wheels],
        check=True,
        timeout=120,
    )


def make_wheel(
    folder: Path,
    name: str,
    *,
    version: str = "1.0",
    entry_points: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    requires: str = "like-keras-core>=0.1",
) -> Path:
    """Write a wheel by hand; `entry_points` is lines by group."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    groups = (f"[{group}]\n{lines}\n" for group, lines in (entry_points or {}).items())
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Summary: The {name} of the tests\n"
    metadata += f"Requires-Dist: {requires}\n" if requires else ""
    members = {
        **(files or {}),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
        f"{info}/entry_points.txt": "".join(groups).encode(),
    }
    record = "".join(f"{path},{_digest(data)}\n" for path, data in members.items())
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in members.items():
            archive.writestr(path, data)
    return wheel


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()},{len(data)}"


def _package(name: str) -> dict[str, bytes]:
    """Return the files of an importable package, for a wheel of it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in paths
        if "__pycache__" not in path.parts
    }


class Site:
    """An environment with its own interpreter, and ways to run something in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        self.work.mkdir()
        venv.create(folder / "venv")
        self.scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / "python"

    def run(self, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python code; every warning but those of the plug-in layer is an error."""
        options = ["-W", "error", "-c", textwrap.dedent(code)]
        return self._run([self.python, *options], environment)

    def lk(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the installed `lk`."""
        return self._run([self.scripts / "lk", *words], environment)

    def _run(
        self, command: list[Path | str], environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PYTHON", "LK_", "COV_", "_LK"))
        }
        done = subprocess.run(
            command,
            cwd=self.work,
            env={**kept, "LK_PLUGINS_DISABLE": "crashing", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        print(done.stdout, done.stderr, sep="\n")  # pytest shows it with a failure
        return done


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The core with an engine or plug-in for each thing that can be wrong."""
    folder = tmp_path_factory.mktemp("site")
    yield make_site(folder)
    shutil.rmtree(folder)


def make_site(folder: Path) -> Site:
    """Make an environment and install every wheel into it."""
    made = Site(folder)
    dependencies: dict[str, bytes] = {}
    for name in DEPENDENCIES:
        dependencies.update(_package(name))
    wheels = [
        make_wheel(folder, "dependencies", files=dependencies, requires=""),
        make_wheel(
            folder,
            "like-keras-core",
            version=CORE_VERSION,
            entry_points={"console_scripts": "lk = like_keras_core.cli.main:main"},
            files=_package("like_keras_core"),
            requires="",
        ),
    ]
    engine = ENGINE.format(name="Found")
    no_argument = engine.replace(
        "compile(self, system, build_dir=None)", "compile(self)"
    )
    crash = "raise ImportError('libcrash.so is missing')\n"
    group, always = "like_keras_core.engines", "like_keras_core.plugins"
    for name, entry, source in (
        ("lk-engine-fine", "fine = {0}:Found", engine),
        ("lk-engine-crash", "crash = {0}:Found", crash),
        ("lk-engine-bad", "bad = {0}", engine),
        ("lk-engine-wrong", "wrong = {0}:Found", no_argument),
        ("lk-engine-stale", "stale = a_deleted_module:Found", engine),
        ("first-twin", "twin = {0}:Found", engine),
        ("second-twin", "twin = {0}:Found", engine),
        ("another-dora", "dora = {0}:Found", engine),
        ("lk-engine-dora", "dora = {0}:Found", engine),
    ):
        module = name.replace("-", "_")
        wheels.append(
            make_wheel(
                folder,
                name,
                version="1.2",
                entry_points={group: entry.format(module)},
                files={f"{module}/__init__.py": source.encode()},
            )
        )
    wheels.append(
        make_wheel(
            folder,
            "lk-engine-newer",
            entry_points={group: "newer = lk_engine_newer:Found"},
            files={"lk_engine_newer.py": engine.encode()},
            requires="like-keras-core (>=99.0)",
        )
    )
    for name, source in (("tracing", TRACE), ("rule", RULE), ("crashing", crash)):
        wheels.append(
            make_wheel(
                folder,
                f"lk-{name}",
                entry_points={always: f"{name} = lk_{name}"},
                files={f"lk_{name}.py": source.encode()},
            )
        )
    install_wheels(made.python, wheels)
    return made
