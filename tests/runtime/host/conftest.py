"""What the tests of hosts share."""

from __future__ import annotations

import pytest


@pytest.fixture
def mutant(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Breaks the code under test, for one test."""
    return monkeypatch
