"""A component that fails while others start."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

from like_keras_core import ComponentError, Node, System
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.testing.components import Fail
from like_keras_core.testing.failing_components import Misbehaves


@pytest.mark.timeout(60)
@pytest.mark.parametrize("phase", ["on_configure", "on_activate"])
def test_a_failure_does_not_wait_for_a_start_that_hangs(
    phase: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are taken down after `stop_grace_s`."""
    monkeypatch.chdir(tmp_path)
    register_engine("reference", ReferenceEngine)
    diary = str(tmp_path / "diary")
    hangs = Misbehaves(diary, {phase: "lock"}, name="camera", node=Node("a"))
    fail = Fail(phase, name="fail", node=Node("b"))
    fail(hangs())
    began = time.monotonic()

    with pytest.raises(ComponentError) as caught:
        System([hangs, fail]).launch(engine="reference", stop_grace_s=0.5)

    assert (caught.value.component, caught.value.phase) == ("fail", phase)
    assert time.monotonic() - began < 20
