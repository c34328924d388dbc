"""The kit as its users meet it: options, capabilities, levels, and the matrix."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from like_keras_core.engine import CAPABILITIES
from like_keras_core.testing.level import LEVEL, LEVELS
from tests.testing.test_broken_engines import ROOT, is_installed

HEAD = """\
from like_keras_core.testing import EngineConformance
from tests.testing.broken_engines import Sound
"""


def kit(
    folder: Path, *words: str, code: str = "", first: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, with a test file if there is code for one."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    if code:
        (folder / "test_mine.py").write_text(HEAD + code)
    if first:
        (folder / "conftest.py").write_text(first)
    plugin = [] if is_installed() else ["-p", "like_keras_core.testing.pytest_plugin"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *plugin,
            *words,
        ],
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done


def test_an_installed_engine_needs_no_file(tmp_path: Path) -> None:
    """It is named on the command line; outcomes go into a matrix."""
    words = ["--pyargs", "like_keras_core.testing", "--lk-engine", "native"]

    done = kit(tmp_path, *words, "--lk-matrix", "out.json", "-k", "delay or needs_it")

    assert done.returncode == 0
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["schema"] == 1
    native = data["engines"]["native"]
    assert (native["distribution"], native["suite_level"]) == ("lk-engine-native", 1)
    assert native["rows"]["delay"]["outcome"] == "passed"
    assert native["rows"]["multi-process"] == {
        "declared": False,
        "outcome": "refused",
        "tests": {
            "test_a_component_that_needs_it_runs_or_is_refused[multi-process]": "passed"
        },
    }
    assert "refused: multi-process" in done.stdout


@pytest.mark.parametrize(
    ("words", "text"),
    [((), "Which engine?"), (("--lk-engine", "nativ"), "Did you mean 'native'?")],
)
def test_an_engine_that_is_not_there_is_said_once(
    words: tuple[str, ...], text: str, tmp_path: Path
) -> None:
    """At collection, before a hundred tests fail."""
    done = kit(tmp_path, "--pyargs", "like_keras_core.testing", *words)

    assert done.returncode != 0
    assert text in done.stdout
    assert "1 error" in done.stdout


MODEST = """
class Modest(Sound):
    name = "modest"
    capabilities = frozenset()

class TestModest(EngineConformance):
    engine = Modest
    examples = 10
"""


def test_what_is_not_declared_must_be_refused(tmp_path: Path) -> None:
    """An engine that declares nothing passes, and no test is skipped for that."""
    words = ["-rs", "-k", "not ctrl_c and not block and not process_is_left"]

    done = kit(tmp_path, "--lk-matrix", "out.json", *words, code=MODEST)

    assert done.returncode == 0
    rows = json.loads((tmp_path / "out.json").read_text())["engines"]["modest"]["rows"]
    outcomes = {name: row["outcome"] for name, row in rows.items() if name != "basic"}
    assert set(outcomes.values()) == {"refused"}
    assert set(rows["delay"]["tests"].values()) == {"refused", "passed"}
    assert set(rows["basic"]["tests"].values()) == {"passed"}
    assert "SKIPPED" not in done.stdout


SURPRISE = """
import pytest
from like_keras_core.testing.requires import uses

class TestModest(EngineConformance):
    engine = Sound

    @uses("zero-copy")
    def test_works_all_the_same(self) -> None:
        pass
"""


def test_a_surprise_pass_fails(tmp_path: Path) -> None:
    """What works is to be declared."""
    done = kit(tmp_path, "-k", "all_the_same", code=SURPRISE)

    assert done.returncode == 1
    assert "A surprise: the engine does not declare zero-copy" in done.stdout


SEVERAL = """
import pytest
from like_keras_core.testing.requires import uses

class Own(EngineConformance):
    engine = Sound
    fails = False

    @uses("delay")
    def test_of_my_own(self) -> None:
        assert not self.fails

    @uses("hold")
    def test_that_waits(self) -> None:
        pass

    @uses("record")
    def test_that_is_mended(self) -> None:
        pass

class TestOne(Own):
    fails = True

class TestTwo(Own):
    @pytest.mark.skip(reason="not here")
    @uses("hold")
    def test_that_waits(self) -> None:
        pass

class TestThree(Own):
    pass
"""


def test_no_class_hides_what_another_found(tmp_path: Path) -> None:
    """A failure stays one, and a test that a mark skips is in the matrix."""
    names = "test_of_my_own or test_that_waits or test_that_is_mended"

    kit(tmp_path, "--lk-matrix", "out.json", "-k", names, code=SEVERAL)

    (engine,) = json.loads((tmp_path / "out.json").read_text())["engines"].values()
    rows = {name: engine["rows"][name] for name in ("delay", "hold", "record")}
    assert {name: row["outcome"] for name, row in rows.items()} == {
        "delay": "failed",
        "hold": "skipped",
        "record": "passed",
    }
    assert rows["delay"]["tests"] == {"test_of_my_own": "failed"}
    assert rows["hold"]["tests"] == {"test_that_waits": "skipped"}


NEWER = """
import like_keras_core.engine as engine
engine.CAPABILITIES = {**engine.CAPABILITIES, "teleport": "messages without a way"}
"""


@pytest.mark.parametrize("declares", [False, True])
def test_a_new_capability_of_the_core_is_one_line(
    declares: bool, tmp_path: Path
) -> None:
    """The kit is pinned to a level; what came in later is told, and not required."""
    code = """
class TestMine(EngineConformance):
    engine = Sound
    suite_level = 1
"""
    if declares:
        code += 'Sound.capabilities = Sound.capabilities | {"teleport"}\n'

    done = kit(tmp_path, "-rx", "-k", "needs_it", code=code, first=NEWER)

    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("XFAIL")]
    assert len(lines) == 1
    assert "[teleport]" in lines[0]
    assert "  new: teleport" in done.stdout


def test_the_newest_level_knows_every_capability() -> None:
    """A new one in the core needs a level of the kit, and a row in LEVELS."""
    assert set(LEVELS) == set(CAPABILITIES)
    assert max(LEVELS.values()) == LEVEL


def test_a_class_without_an_engine_is_told_so(tmp_path: Path) -> None:
    """With the line to write."""
    code = "class TestMine(EngineConformance):\n    pass\n"

    done = kit(tmp_path, "-x", code=code)

    assert 'TestMine names no engine: engine = "mine"' in done.stdout


def test_a_suite_can_be_run_alone(tmp_path: Path) -> None:
    """Tests of one's own are no part of a suite, and stay."""
    code = """
class TestMine(EngineConformance):
    engine = Sound

    def test_of_my_own(self) -> None:
        pass
"""

    done = kit(tmp_path, "-rp", "--lk-suite", "contract", code=code)

    assert done.returncode == 0
    assert "::test_an_unknown_option_is_refused" in done.stdout
    assert "::test_of_my_own" in done.stdout
    assert "::test_no_message_is_lost" not in done.stdout


def test_an_unknown_suite_is_told_those_that_there_are(tmp_path: Path) -> None:
    """Instead of running nothing, which would pass."""
    engine = ["--pyargs", "like_keras_core.testing", "--lk-engine", "native"]

    done = kit(tmp_path, *engine, "--lk-suite", "besic")

    assert done.returncode == 4
    assert "has no suite 'besic'; it has: basic, capabilities" in done.stderr


FIXTURE = """
from like_keras_core.testing.components import Odd

def test_odd(lk_run):
    assert lk_run(Odd(), value=[1, 2]) == [1, None]
"""


def test_a_fixture_feeds_components(tmp_path: Path) -> None:
    """`lk_run` is `like_keras_core.testing.run`."""
    done = kit(tmp_path, code=FIXTURE)

    assert done.returncode == 0
