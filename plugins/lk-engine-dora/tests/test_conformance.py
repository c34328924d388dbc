"""The contract of engines: dora keeps it, with real processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from like_keras_core.testing import EngineConformance
from lk_engine_dora import DoraEngine

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.slow
@pytest.mark.usefixtures("launches")
class TestDora(EngineConformance):
    """A process per node, on this machine."""

    engine = "dora"


def test_the_documentation_shows_what_it_declares() -> None:
    """The outcomes in the documentation are of an engine that declares the same."""
    path = DOCS / "reference" / "capabilities" / "dora.json"
    rows = json.loads(path.read_text("utf-8"))["engines"]["dora"]["rows"]

    shown = {name for name, row in rows.items() if row["declared"]} - {"basic"}

    assert shown == DoraEngine.capabilities
