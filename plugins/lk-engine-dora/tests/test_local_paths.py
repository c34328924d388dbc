"""Where processes on this machine find what they run."""

import sys
from pathlib import Path

import pytest

from like_keras_core import System
from like_keras_core.testing.components import Count
from lk_engine_dora.local_paths import Places


def test_places_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may start in any folder."""
    monkeypatch.chdir(tmp_path)
    spec = System([Count()]).to_spec()

    places = Places.here(spec, Path("build/system.json"))

    assert places.system == str(tmp_path / "build" / "system.json")
    assert places.interpreter == sys.executable
