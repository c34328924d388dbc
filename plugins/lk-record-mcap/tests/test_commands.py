"""`lk record`, `lk replay` and `lk recover`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from robots import robot  # type: ignore[import-not-found]

from like_keras_core.cli.main import main
from like_keras_core.testing import assert_replays
from lk_record_mcap import Recording, replay

TARGET = "robots:robot"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> str:
    """A recording of the robot, made by the command."""
    code = main(["record", TARGET, "-o", "run.mcap", "--iterations", "60"])
    assert code == 0
    assert capsys.readouterr().out.endswith("recorded to run.mcap\n")
    return "run.mcap"


def test_what_is_recorded_replays(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 says that it is equal."""
    assert main(["replay", run, TARGET]) == 0
    assert capsys.readouterr().out.startswith("run.mcap on native: equal, ")


def test_a_difference_exits_with_1(
    run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The output says where it is."""
    Path("changed.py").write_text(
        "from robots import robot\n\nchanged = robot(wrong_at=57)\n"
    )

    assert main(["replay", run, "changed.py"]) == 1
    assert "At tick 57, 'mean.output' sent" in capsys.readouterr().out


def test_a_replay_prints_json(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs, with a number for its form."""
    words = ["--only", "mean", "--from", "8", "--to", "12", "--json"]

    main(["replay", run, TARGET, *words])

    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["equal"], found["difference"]) == (1, True, None)
    assert (found["components"], found["ticks"]) == (["mean"], [8, 12])


ENDS = """
import hashlib, os, signal, sys
import like_keras_core as lk

class Camera(lk.Component):
    def forward(self) -> int:
        self.n = getattr(self, "n", -1) + 1
        if self.n == 30:
            {ending}
        return self.n

robot = lk.System([Camera()], name="robot")
"""
TERMINATE = "os.kill(os.getpid(), signal.SIGTERM)"
HANG = "hashlib.pbkdf2_hmac('sha256', b'x', b'y', 10**9)"


@pytest.mark.parametrize(
    ("ending", "code", "ticks", "ended_by"),
    [
        (TERMINATE, 143, 31, "interrupt"),
        ("sys.exit()", 4, 30, "error"),
        (f"{TERMINATE}; {HANG}", 4, 30, "error"),
    ],
    ids=["SIGTERM", "exit", "hangs"],
)
def test_however_a_run_ends_its_recording_is_there(
    ending: str, code: int, ticks: int, ended_by: str
) -> None:
    """With the report, and where the recording is; also if the process has to exit."""
    Path("ends.py").write_text(ENDS.format(ending=ending))
    command = [sys.executable, "-m", "like_keras_core", "record", "ends.py"]
    command += ["-o", "ends.mcap", "--stop-grace-s", "0.5"]

    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == code, done.stderr
    assert f"robot on native: {ticks} ticks" in done.stdout
    assert done.stdout.endswith("recorded to ends.mcap\n")
    recording = Recording("ends.mcap")
    assert (recording.iterations, recording.ended_by) == (ticks, ended_by)
    assert len(recording.values("camera.output")) == ticks


def test_options_of_the_command_are_those_of_the_launch() -> None:
    """Chosen ports, seed and compression."""
    words = ["--port", "mean.output", "--seed", "4", "--compression", "lz4"]
    words += ["--run-ahead", "9", "--check-values"]

    main(["record", TARGET, "-o", "run.mcap", "--iterations", "5", *words])

    recording = Recording("run.mcap")
    assert (recording.ports, recording.seed) == (["mean.output"], 4)
    assert json.loads(recording.metadata["options"]) == {
        "iterations": 5,
        "seed": 4,
        "run_ahead": 9,
        "check_values": True,
    }


def test_a_replay_takes_the_options_of_a_launch(run: str) -> None:
    """All but those that the recording has."""
    words = ["--run-ahead", "9", "--check-values", "--timeout-s", "60"]

    assert main(["replay", run, TARGET, *words]) == 0
    assert main(["replay", run, TARGET, "--seed", "1"]) == 2


def test_what_is_not_there_cannot_be_recovered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The error names the folder that was looked for."""
    assert main(["recover", "run.mcap"]) == 1
    assert "no folder 'run.mcap.parts'" in capsys.readouterr().err


def test_a_recording_is_a_regression_test(run: str) -> None:
    """It fails with the first difference, in words."""
    assert_replays(run, robot())

    with pytest.raises(AssertionError, match=r"At tick 57, 'mean\.output' sent"):
        assert_replays(run, robot(wrong_at=57))


def test_classes_of_values_may_be_limited(run: str) -> None:
    """A recording of others names the modules that it imports."""
    recording = Recording(run, allow=["nothing"])

    with pytest.raises(ImportError, match="robots"):
        recording.values("tally.output")
    with pytest.raises(ImportError, match="robots"):
        replay(recording, robot(), only=["tally"], start=4)
