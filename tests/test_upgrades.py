"""What was made for today's core works with a newer one, which says what is new.

The newer core is today's with one more argument of a hook, one more capability and one
more option of a launch. It stands before the installed one on the path; the native
engine is the installed one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import like_keras_core

pytestmark = pytest.mark.slow

EDITS = {
    "hookspecs.py": (
        "def compile(system: SystemSpec, build_dir: Path | None)",
        "def compile(system: SystemSpec, build_dir: Path | None, trace_id: str)",
    ),
    "plugins/session.py": (
        "hooks.compile(system=as_spec(system), build_dir=build_dir)",
        "hooks.compile(system=as_spec(system), build_dir=build_dir, trace_id='t1')",
    ),
    "engine.py": (
        "CAPABILITIES: Mapping[str, str] = {\n",
        'CAPABILITIES: Mapping[str, str] = {\n    "teleport": "no way between",\n',
    ),
    "testing/level.py": (
        'LEVEL = 1\n"""The newest level of the kit."""\n\nLEVELS: dict[str, int] = {\n',
        'LEVEL = 2\n\nLEVELS: dict[str, int] = {\n    "teleport": 2,\n',
    ),
    "launch_options.py": (
        "    iterations: int | None = field(\n",
        """    pace: int = field(default=1, metadata=_about("How fast."))
    iterations: int | None = field(
""",
    ),
}
"""What the newer core changes, file by file."""

PLUGINS = """
from like_keras_core.hookspecs import hookimpl

class Today:
    @hookimpl(wrapper=True)
    def compile(self, system, build_dir):
        print("today:", system.name)
        return (yield)

class Tomorrow:
    @hookimpl(wrapper=True)
    def compile(self, system, trace_id):
        print("tomorrow:", trace_id)
        return (yield)

today, tomorrow = Today(), Tomorrow()
"""

ROBOT = """
from like_keras_core import System
from like_keras_core.testing.components import Count

print("fired:", System([Count(name="c")], name="robot").run(3).components["c"].fired)
"""

ENGINE = """
from like_keras_core import Engine, EngineOptionError, RunReport, System
from like_keras_core import register_engine
from like_keras_core.testing.components import Count

class Names(Engine):
    capabilities = frozenset()

    def validate(self, system):
        return True, []

    def compile(self, system, build_dir=None):
        return None

    def launch(self, system, config_path=None, *, iterations=None, stop=None):
        return RunReport(engine=self.name, system="s", iterations=iterations)

class Takes(Names):
    def launch(self, system, config_path=None, **options):
        known = {"iterations", "rate_hz", "record", "taps", "check_values", "timeout_s"}
        known |= {"seed", "window", "run_ahead", "heartbeat_s", "progress", "stop"}
        assert known <= set(options)
        if set(options) - known:
            raise EngineOptionError(self.name, set(options) - known, known)
        return super().launch(system, iterations=options["iterations"])

for engine in (Names, Takes):
    name = engine.__name__.lower()
    register_engine(name, engine)
    print(System([Count()]).launch(3, engine=name, pace=1).iterations)
    try:
        System([Count()]).launch(3, engine=name, pace=2)
    except EngineOptionError as error:
        print("refused:", *error.unknown)
"""

CONFORMANCE = """
from like_keras_core.testing import EngineConformance

class TestNative(EngineConformance):
    engine = "native"
    suite_level = 1
"""


def distribution(folder: Path, name: str, version: str, group: str = "") -> None:
    """Have an installed distribution's metadata in a folder of the path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    said = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (info / "METADATA").write_text(said)
    (info / "entry_points.txt").write_text(group)


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newer core, and two plug-ins: one made for today's, one made for it."""
    folder = tmp_path_factory.mktemp("newer")
    core = folder / "like_keras_core"
    today = Path(like_keras_core.__file__).parent
    shutil.copytree(today, core, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (old, new) in EDITS.items():
        text = (core / name).read_text()
        assert text.count(old) == 1, f"{name} has no {old!r} any more; mend EDITS"
        (core / name).write_text(text.replace(old, new))
    (folder / "both.py").write_text(PLUGINS)
    entries = (
        "[like_keras_core.plugins]\ntoday = both:today\ntomorrow = both:tomorrow\n"
    )
    distribution(folder, "like-keras-core", "0.1.9")
    distribution(folder, "lk-both", "1.0", entries)
    return folder


def run(newer: Path, folder: Path, *words: str) -> str:
    """Run Python with the newer core; return what it printed."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-B", *words],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(newer)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_hook_may_have_one_more_argument(newer: Path, tmp_path: Path) -> None:
    """Who was made before hears of the call as ever; who asks for it, gets it."""
    said = run(newer, tmp_path, "-c", ROBOT).splitlines()

    assert sorted(said) == ["fired: 3", "today: robot", "tomorrow: t1"]


def test_a_new_option_of_a_launch_breaks_no_engine(newer: Path, tmp_path: Path) -> None:
    """At its default nobody hears of it; else it is refused by name."""
    lines = run(newer, tmp_path, "-c", ENGINE).splitlines()

    said = [x for x in lines if not x.startswith(("today:", "tomorrow:"))]
    assert said == ["3", "refused: pace"] * 2


def test_the_engine_is_listed_with_the_newer_core(newer: Path, tmp_path: Path) -> None:
    """It is as good as it was, within the range that it was made for."""
    said = run(newer, tmp_path, "-m", "like_keras_core", "engines", "list")

    assert [line.split()[:2] for line in said.splitlines() if "native" in line]
    assert "incompatible" not in said


def test_a_new_capability_is_one_line_of_the_kit(newer: Path, tmp_path: Path) -> None:
    """An engine that is pinned to its level stays green, and is told what is new."""
    (tmp_path / "test_native.py").write_text(CONFORMANCE)

    words = ("-q", "-rx", "-p", "no:cacheprovider", "-k", "needs_it")
    said = run(newer, tmp_path, "-m", "pytest", *words)

    told = [line for line in said.splitlines() if "new: this core knows" in line]
    assert len(told) == 1
    assert "'teleport'" in told[0]
    assert "  new: teleport" in said
