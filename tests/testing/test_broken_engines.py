"""The kit can fail: each of many broken engines is caught by a test of its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.testing import EngineConformance
from like_keras_core.testing.suites.failures import FailuresSuite
from tests.testing import broken_ends, broken_engines
from tests.testing.broken_engines import Sound
from tests.testing.noisy_engine import Noisy

BROKEN: list[Any] = [*broken_engines.BROKEN, *broken_ends.BROKEN, Noisy]

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes find the engines where this one found them."""
    monkeypatch.syspath_prepend(str(ROOT))


class TestSound(EngineConformance):
    """What the broken engines are made of breaks nothing."""

    engine = Sound
    examples = 10


def outcomes(
    folder: Path, *words: str, kinds: Sequence[Any] = BROKEN
) -> Mapping[str, Mapping[str, str]]:
    """Run the kit on broken engines; return outcomes by engine and test."""
    lines = [
        "from like_keras_core.testing import EngineConformance",
    ]
    for kind in kinds:
        lines += [
            f"from {kind.__module__} import {kind.__name__}",
            f"class Test{kind.__name__}(EngineConformance):",
            f"    engine = {kind.__name__}",
            "    timeout_s = 10.0",
            "    examples = 10",
        ]
    (folder / "test_broken.py").write_text("\n".join(lines) + "\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    plugin = ["-p", "like_keras_core.testing.pytest_plugin"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:timeout"),
            *(plugin if not is_installed() else ()),
            *("-p", "no:cacheprovider", "--lk-matrix", "out.json", *words),
            "test_broken.py",
        ],
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    print(done.stdout[-20_000:], done.stderr[-5000:])
    assert done.returncode == 1
    data = json.loads((folder / "out.json").read_text(encoding="utf-8"))
    return {
        name: {
            test: outcome
            for row in engine["rows"].values()
            for test, outcome in row["tests"].items()
        }
        for name, engine in data["engines"].items()
    }


def is_installed() -> bool:
    """Say whether pytest finds the plug-in by itself."""
    from importlib.metadata import entry_points

    found = entry_points(group="pytest11")
    return any(x.value == "like_keras_core.testing.pytest_plugin" for x in found)


@pytest.fixture(scope="module")
def caught(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, str]]:
    """What the test that must catch each engine says of it."""
    wanted = []
    for kind in BROKEN:
        words = [f"Test{kind.__name__}", kind.caught_by, getattr(kind, "only", "")]
        wanted.append(f"({' and '.join(filter(None, words))})")
    return outcomes(tmp_path_factory.mktemp("broken"), "-k", " or ".join(wanted))


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.name)
def test_a_broken_engine_is_caught_by_name(
    kind: Any, caught: Mapping[str, Mapping[str, str]]
) -> None:
    """The test whose name says what is broken fails."""
    found = caught[kind.name]

    assert {name.partition("[")[0] for name in found} == {kind.caught_by}
    assert "failed" in found.values()


@pytest.mark.soak
@pytest.mark.timeout(1000)
def test_no_broken_engine_passes_the_whole_kit(tmp_path: Path) -> None:
    """And none breaks everything, so that the names of failures say something."""
    left_out = ["random", "ctrl_c", "block", "import", "limit", "other_signals"]
    left_out += [test for test in vars(FailuresSuite) if test.startswith("test")]
    words = " and ".join(f"not {word}" for word in left_out)
    kinds = [*broken_engines.BROKEN, Noisy]

    for name, found in outcomes(tmp_path, "-k", words, kinds=kinds).items():
        if name in ("dies-of-interrupt", "noisy"):
            continue  # They are caught by what is left out here.
        failed = sorted(test for test, outcome in found.items() if outcome == "failed")
        print(name, len(failed), *failed)
        assert 1 <= len(failed) < len(found), name
