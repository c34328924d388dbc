"""The contract over several processes: the reference engine of these tests keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

from like_keras_core.testing import EngineConformance


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let processes find the engine where this one found it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


@pytest.mark.slow
class TestReference(EngineConformance):
    """Each node in a process of its own."""

    engine = ReferenceEngine
