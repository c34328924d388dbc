"""Runs over dora are recorded as runs in one process are."""

from pathlib import Path

import pytest
from robots import robot  # type: ignore[import-not-found]

from like_keras_core.testing import same
from lk_record_mcap import Difference, Recording, replay

pytest.importorskip("lk_engine_dora")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing outside of the test's folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UV_NO_CACHE", "1")


def test_runs_over_dora_and_in_one_process_are_recorded_alike() -> None:
    """But for times; each replays on each, and a change is found by tick and port."""
    for engine in ("native", "dora"):
        robot().launch(100, engine=engine, record_to=f"{engine}.mcap", timeout_s=60)

    one, two = Recording("native.mcap"), Recording("dora.mcap")
    assert (one.absent, one.counted, one.spec) == (two.absent, two.counted, two.spec)
    for port in one.ports:
        assert same(one.values(port), two.values(port))
    assert replay(one, robot(), engine="dora", timeout_s=60).is_equal
    assert replay(two, robot()).is_equal
    value = dict(two.values("mean.output"))[57]
    found = replay(two, robot(wrong_at=57), engine="dora", timeout_s=60)
    assert found.difference == Difference(
        tick=57, port="mean.output", recorded=value, replayed=value + 1
    )
