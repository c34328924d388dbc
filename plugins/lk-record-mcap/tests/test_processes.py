"""Several processes record one run, each what its own components send."""

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from robots import driven, robot, tripping  # type: ignore[import-not-found]

from like_keras_core import ComponentError, HostLostError, LkWarning
from like_keras_core.testing import same
from like_keras_core.testing.random_systems import Plan, plans
from lk_record_mcap import Recording, RecordingError, Replay, recover, replay
from lk_record_mcap.shard_reader import PartFile, tick_of

HERE = Path(__file__).parent
KILLED = """
import sys
sys.path[:0] = {path!r}
from robots import robot
robot().launch(record_to="run.mcap", progress=print)
"""


@pytest.fixture(scope="module")
def two(reference: str, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A recording of a run over two processes."""
    path = tmp_path_factory.mktemp("two") / "two.mcap"
    robot().launch(40, record_to=path, engine=reference)
    return Recording(path)


def test_several_processes_make_one_recording(two: Recording) -> None:
    """It differs from that of one process in the times alone."""
    robot().launch(40, record_to="one.mcap")

    one = Recording("one.mcap")

    assert (one.absent, one.counted) == (two.absent, two.counted)
    assert (one.spec, one.ports) == (two.spec, two.ports)
    assert [(x.tick, x.port) for x in one.messages()] == [
        (x.tick, x.port) for x in two.messages()
    ]
    for port in one.ports:
        assert same(one.values(port), two.values(port))
    assert [path.name for path in two.path.parent.iterdir()] == ["two.mcap"]


def test_a_large_buffer_is_recorded_as_it_was_sent(reference: str) -> None:
    """Also where its reader is in another process, and the run has a pace."""
    driven().launch(20, record_to="run.mcap", engine=reference, rate_hz=100)
    recording = Recording("run.mcap")

    for port in ("driver.output", "window.output"):
        lights = [int(image.mean()) for _, image in recording.values(port)]
        assert lights == list(range(1, 21))


def test_a_run_over_several_processes_replays_in_one(two: Recording) -> None:
    """Where a debugger can look at it."""
    assert replay(two, robot()).is_equal


def test_a_replay_runs_over_several_processes(two: Recording, reference: str) -> None:
    """Each plays back what its own components are fed with."""
    assert replay(two, robot(), engine=reference).is_equal


def test_a_failure_over_several_processes_is_recorded(reference: str) -> None:
    """Up to where it counts, though others were ahead of it."""
    with pytest.raises(ComponentError):
        tripping(6).launch(50, record_to="run.mcap", engine=reference)
    recording = Recording("run.mcap")

    assert recording.counted == {"camera": 7, "trips": 6}
    assert [tick for tick, _ in recording.values("camera.output")] == list(range(7))


@pytest.mark.slow
def test_a_run_that_lost_a_process_is_recorded(reference: str) -> None:
    """As far as its parts go, each without a gap."""
    pids: dict[str, int] = {}

    def kill(done: int) -> None:
        if done > 200 and pids:
            os.kill(pids.pop("back"), signal.SIGKILL)
            pids.clear()

    with pytest.raises(HostLostError, match="'back'"):
        robot().launch(
            engine=reference, record_to="run.mcap", started=pids.update, progress=kill
        )
    recording = Recording("run.mcap")

    assert recording.ended_by == "lost"
    assert recording.metadata["failed"].startswith("HostLostError: The process of node")
    for port in ("camera.output", "mean.output", "tally.output"):
        ticks = [item.tick for item in recording.messages([port])]
        assert ticks == list(range(len(ticks)))
    assert recording.counted["camera"] > 100


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(plans({"delay", "hold", "every"}))
def test_random_systems_are_recorded_and_replayed(plan: Plan) -> None:
    """A recording has what the report has, and its replay is equal."""
    path = Path("run.mcap")
    path.unlink(missing_ok=True)

    report, failure = outcome(
        lambda: plan.build().run(plan.iterations, record="all", record_to=path)
    )
    if not path.exists():
        assert not any(report.records.values())
        return

    recording = Recording(path)
    for port, values in report.records.items():
        assert same(recording.values(port), list(values))
    if not recording.iterations or not any(part.wires for part in plan.parts):
        return
    _, again = outcome(lambda: replay(path, plan.build()))
    assert again is None or again == failure


def outcome(run: Callable[[], Any]) -> tuple[Any, tuple[str, int | None] | None]:
    """Return what a run gives, and which component failed when, if one did.

    A replay that is not equal fails the test.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        try:
            found = run()
        except ComponentError as error:
            return error.report, (error.component, error.tick)
    if isinstance(found, Replay):
        assert found.is_equal, str(found)
    return found, None


def test_a_killed_run_is_recovered_up_to_its_last_whole_chunk() -> None:
    """Nothing that is in it is wrong, and no tick is missing."""
    path = [entry for entry in sys.path if entry]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED.format(path=path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while int(process.stdout.readline() or 3_000) < 3_000:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)

    with pytest.raises(RecordingError, match=r"lk recover .*run\.mcap"):
        Recording("run.mcap")
    recording = Recording(recover("run.mcap"))

    assert recording.ended_by == "lost"
    assert recording.iterations > 1000
    for port in ("camera.output", "mean.output", "tally.output"):
        ticks = [item.tick for item in recording.messages([port])]
        assert ticks == list(range(len(ticks)))
    assert replay(recording, robot(), stop=200).is_equal
    assert not Path("run.mcap.parts").exists()


def test_a_part_that_was_cut_off_counts_as_far_as_it_is_whole() -> None:
    """Wherever the cut is."""
    robot().launch(300, record_to="run.mcap")
    whole = Path("run.mcap").read_bytes()
    found = []

    for n in range(40):
        part = Path("part.mcap")
        part.write_bytes(whole[: 40 + n * (len(whole) - 40) // 40])
        file = PartFile(part)
        ticks = [item.tick for item in file.messages() if item.port == "camera.output"]
        assert ticks == list(range(len(ticks)))
        found.append(len(ticks))

    assert found == sorted(found)


@pytest.mark.slow
def test_parts_on_other_machines_are_put_together_by_hand(reference: str) -> None:
    """Until then the launch has its report, and a warning that says what to do."""
    away = Path("away")
    away.mkdir()
    system = robot(taken_to="away")

    with pytest.warns(LkWarning, match=r"another machine: mean\.output, rare\.output"):
        report = system.launch(20, engine=reference, record_to="run.mcap")

    assert report.iterations == 20
    with pytest.raises(RecordingError, match=r"mean\.output, rare\.output"):
        recover("run.mcap")
    for part in away.iterdir():
        part.rename(Path("run.mcap.parts") / part.name)
    recording = Recording(recover("run.mcap.parts"))
    assert (recording.iterations, recording.ended_by) == (20, "iterations")
    assert replay(recording, robot()).is_equal


def test_what_a_killed_run_left_is_not_written_over() -> None:
    """The error says how to finish it."""
    Path("run.mcap.parts").mkdir()

    with pytest.raises(RecordingError, match="lk recover"):
        robot().launch(3, record_to="run.mcap")


def test_ticks_go_on_beyond_32_bits() -> None:
    """MCAP's sequence has no more of them."""
    ticks = [0, 7, 2**31, 2**32 - 1, 2**32, 2**33 - 5, 2**33 + 9]
    last = 0
    found = []

    for tick in ticks:
        last = tick_of(tick % 2**32, last)
        found.append(last)

    assert found == ticks


def test_nothing_of_a_recording_is_left_open(reference: str) -> None:
    """Neither in this process nor in the others."""
    before = len(os.listdir("/proc/self/fd"))

    for n in range(3):
        robot().launch(3, record_to=f"{n}.mcap")
        replay(f"{n}.mcap", robot())

    assert len(os.listdir("/proc/self/fd")) <= before + 1
