"""Engines of one process and of several, and systems that both find."""

import sys
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine may take longer over one example than hypothesis allows.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# Where the processes of launches find the components, and the tests find each other.
sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parents[3] / "tests"),
]


@pytest.fixture(scope="session")
def reference() -> str:
    """Have an engine with a process for each node."""
    from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

    from like_keras_core.plugins.engine_registry import register_engine

    register_engine("reference", ReferenceEngine)
    return "reference"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
