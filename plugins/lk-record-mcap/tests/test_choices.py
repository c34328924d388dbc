"""What clocks decided is recorded, and a replay repeats it on any engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from late_robot import robot  # type: ignore[import-not-found]

from like_keras_core import ComponentError, LkWarning
from like_keras_core.report import Choices
from lk_record_mcap import Recording, replay
from lk_record_mcap.run_metadata import RunEnd


@pytest.mark.parametrize("takes", [0, 3])
def test_a_run_that_skips_replays_equal(reference: str, takes: int) -> None:
    """All of it or a part, in one process or in several."""
    report = robot(takes).launch(60, engine=reference, record_to="run.mcap")
    every = ["ticks", "detector", "controller"]

    recording = Recording("run.mcap")

    assert recording.choices == report.choices
    assert recording.choices
    for engine in ("native", reference):
        assert replay(recording, robot(takes), engine=engine).is_equal
        assert replay(recording, robot(takes), engine=engine, only=every).is_equal
    assert replay(recording, robot(takes), start=20, only=["controller"]).is_equal


def test_a_failure_that_stopped_a_run_happens_again(reference: str) -> None:
    """What others sent before the run was stopped is equal."""
    with pytest.raises(ComponentError, match="no light") as first:
        robot(fails_at=20).launch(engine=reference, record_to="run.mcap")

    with pytest.raises(ComponentError, match="no light") as again:
        replay("run.mcap", robot(fails_at=20))

    choices = Recording("run.mcap").choices
    assert choices is not None
    assert choices.ended == {"detector": first.value.tick}
    assert again.value.tick == first.value.tick
    assert replay("run.mcap", robot(), only=["controller"]).is_equal


def test_what_a_killed_run_decided_is_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A replay says that it may differ."""
    last = dict.fromkeys(["ticks.output", "detector.output", "controller.output"], 9)
    seen = RunEnd.seen(last, None)
    monkeypatch.setattr(RunEnd, "of", lambda report, error: seen)
    robot().launch(10, record_to=tmp_path / "run.mcap")

    recording = Recording(tmp_path / "run.mcap")

    assert recording.choices is None
    with pytest.warns(LkWarning, match="was killed before it could say what its"):
        replay(recording, robot(), only=["controller"])


def test_where_no_clock_decides_nothing_is_recorded_of_it(tmp_path: Path) -> None:
    """The choices are known, and empty."""
    system = robot()
    system.late = "wait"
    for port in system.components[2].inputs:
        port.policy = "hold"
    system.launch(10, record_to=tmp_path / "run.mcap", rate_hz=10_000)

    recording = Recording(tmp_path / "run.mcap")

    assert recording.choices == Choices()
    assert not recording.has_choices
