"""The matrix in the documentation is what the kit found, on every engine in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.cli.main import main
from tests.testing.test_kit import kit

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "reference" / "capabilities"


def outcomes(path: Path, engine: str) -> Mapping[str, Any]:
    """Return the outcome of each capability of an engine, from a file of the kit."""
    rows = json.loads(path.read_text("utf-8"))["engines"][engine]["rows"]
    return {name: row["outcome"] for name, row in rows.items()}


def test_the_page_shows_what_is_stored() -> None:
    """Its table is drawn from the outcomes, engine by engine."""
    files = [str(STORED / f"{name}.json") for name in ("native", "dora", "ros2")]
    page = str(ROOT / "docs" / "engines.md")

    assert main(["engines", "matrix", *files, "--into", page, "--check"]) == 0


@pytest.mark.parametrize("path", sorted(STORED.glob("*.json")), ids=lambda x: x.stem)
def test_what_is_stored_holds_no_failure(path: Path) -> None:
    """An engine is shown when it passes, and all of its tests were run."""
    found = outcomes(path, path.stem)

    assert set(found.values()) <= {"passed", "refused", "untested"}


@pytest.mark.slow
def test_native_still_does_what_is_stored(tmp_path: Path) -> None:
    """The kit finds the same of it today."""
    suites = [
        word
        for suite in ("basic", "capabilities", "time", "records")
        for word in ("--lk-suite", suite)
    ]
    engine = ["--pyargs", "like_keras_core.testing", "--lk-engine", "native"]

    done = kit(tmp_path, *engine, *suites, "--lk-matrix", "out.json")

    assert done.returncode == 0
    found = outcomes(tmp_path / "out.json", "native")
    assert found == outcomes(STORED / "native.json", "native")
