"""Components run on what was recorded, and what they send is compared."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from components import (  # type: ignore[import-not-found]
    Count,
    Pair,
    Pass,
    Ticks,
    Times,
)
from robots import (  # type: ignore[import-not-found]
    Camera,
    Mean,
    Pose,
    Trips,
    robot,
    tripping,
)

from like_keras_core import Component, ComponentError, GraphError, System
from like_keras_core.testing import same
from lk_record_mcap import ABSENT, Difference, Recording, RecordingError, replay


class Scale(Component):
    """Sends a multiple."""

    def __init__(self, factor: float) -> None:
        super().__init__("scale")
        self.factor = factor

    def forward(self, value: int) -> float:
        """Return the value, times the factor."""
        return value * self.factor


@pytest.fixture
def run() -> str:
    """A recording of a hundred ticks of the robot."""
    robot().launch(100, record_to="run.mcap")
    return "run.mcap"


def test_a_replay_of_the_same_code_is_equal(run: str) -> None:
    """Sources are played back, and all others run."""
    found = replay(run, robot())

    assert found.is_equal
    assert found.components == ("mean", "tally", "rare")
    assert found.ticks == range(100)
    assert str(found).startswith("run.mcap on native: equal, 2")


def test_a_replay_names_the_first_difference(run: str) -> None:
    """Tick, port and both values, though others after it differ, too."""
    recorded = dict(Recording(run).values("mean.output"))[57]

    found = replay(run, robot(wrong_at=57))

    assert found.difference == Difference(
        tick=57, port="mean.output", recorded=recorded, replayed=recorded + 1
    )
    assert "At tick 57, 'mean.output' sent" in str(found)
    assert found.differing > 1


def test_a_replay_says_what_has_changed_since() -> None:
    """Where it differs: arguments, rates, and the ticks that a component takes."""

    def scaled(factor: float, takes: int, rate_hz: float) -> System:
        ticks, scale = Ticks(), Scale(factor)
        scale.takes = takes
        scale(ticks())
        return System([ticks, scale], rate_hz=rate_hz)

    scaled(2, 2, 100).launch(10, speed=None, record_to="run.mcap")

    same_again = replay("run.mcap", scaled(2, 2, 100))
    found = replay("run.mcap", scaled(3, 4, 50))

    assert same_again.is_equal
    assert same_again.changed == ()
    assert "Since it was recorded, rate_hz was 100.0 and is 50.0; " in str(found)
    assert "scale.takes was 2 and is 4; scale.factor was 2 and is 3." in str(found)


def test_components_may_be_chosen(run: str) -> None:
    """The others are played back, so that their mistakes are not seen."""
    found = replay(run, robot(wrong_at=57), only=["tally"])

    assert found.is_equal
    assert found.components == ("tally",)
    assert found.messages == 100


def test_a_source_runs_if_it_is_chosen(run: str) -> None:
    """With the seed of the recorded run."""
    assert replay(run, robot(), only=["camera"]).messages == 100


def test_a_replay_may_begin_in_the_middle(run: str) -> None:
    """Delays hold then what they held; state is regained with ticks that go before."""
    found = replay(run, robot(), start=40, stop=60, only=["mean", "tally"])

    assert found.is_equal
    assert (found.ticks, found.messages) == (range(40, 60), 40)
    assert replay(run, robot(), start=41, warm_up=1, only=["rare"]).is_equal


def test_what_is_held_at_the_beginning_was_sent_before_it(run: str) -> None:
    """A hold knows what came before the first tick of the replay."""

    def hold(value: int = 0) -> System:
        count, slow, pair = Count(), Count("slow", every=10), Pair()
        pair(count(), slow())
        pair.inputs.right.policy = "hold"
        return System([count, slow, pair])

    hold().launch(30, record_to="held.mcap")

    found = replay("held.mcap", hold(), start=15, only=["pair"])

    assert found.is_equal
    assert found.report.iterations == 15


def test_what_fires_rarely_begins_at_its_own_ticks(run: str) -> None:
    """Else it would fire at others than it did."""
    with pytest.raises(RecordingError, match="begins at a multiple of 4"):
        replay(run, robot(), start=41, only=["rare"])


def test_a_failure_happens_again() -> None:
    """At the same tick, with the same inputs."""
    with pytest.raises(ComponentError):
        tripping(6).launch(50, record_to="run.mcap")

    with pytest.raises(ComponentError, match="no light") as caught:
        replay("run.mcap", tripping(6))

    assert caught.value.tick == 6


def test_a_failure_that_is_mended_is_equal_as_far_as_it_went() -> None:
    """What lies behind it was never sent."""
    with pytest.raises(ComponentError):
        tripping(6).launch(50, record_to="run.mcap")

    found = replay("run.mcap", tripping(99))

    assert found.is_equal
    assert found.messages == 6


def test_a_new_failure_is_raised(run: str) -> None:
    """After all that was compared before it was equal."""
    system = tripping(50)
    system.launch(40, record_to="fine.mcap")

    with pytest.raises(ComponentError) as caught:
        replay("fine.mcap", tripping(20))

    assert caught.value.tick == 20


def test_a_difference_before_a_failure_comes_first() -> None:
    """It may be why; the text says that there was a failure."""

    def pair(wrong_at: int = -1, fails_at: int = -1) -> System:
        camera, mean = Camera(), Mean(wrong_at)
        trips = Trips(fails_at)
        mean(image := camera())
        trips(image)
        return System([camera, mean, trips])

    pair().launch(20, record_to="pair.mcap")

    found = replay("pair.mcap", pair(wrong_at=3, fails_at=9))

    assert found.difference is not None
    assert (found.difference.tick, found.difference.port) == (3, "mean.output")
    assert str(found).endswith("After that a component failed, which may come of it.")


def test_sending_nothing_is_a_difference(run: str) -> None:
    """In both directions."""
    recording = Recording(run)
    silent = next(
        tick
        for tick in range(0, 100, 4)
        if tick not in dict(recording.values("rare.output"))
    )

    found = replay(run, robot(wrong_at=silent), only=["mean", "rare"])

    assert found.difference is not None
    assert found.difference.port == "mean.output"
    odd = replay(run, robot(wrong_at=silent))
    assert odd.differing > 1


def test_a_replay_may_be_kept(run: str) -> None:
    """As a recording of its own, to be looked at beside the first."""
    replay(run, robot(), record_to="again.mcap")

    again = Recording("again.mcap")

    assert again.values("mean.output") == Recording(run).values("mean.output")


def test_a_replay_may_keep_the_recorded_pace() -> None:
    """Values come no sooner than they came then."""
    System([Count(), Pass()]).launch(11, rate_hz=50, record_to="slow.mcap")
    began = time.monotonic()

    assert replay("slow.mcap", System([Count(), Pass()]), is_paced=True).is_equal

    assert time.monotonic() - began >= 0.1


def timed(rate_hz: float | None, camera_hz: float = 30) -> System:
    """Return what reads the clock, fed at another rate than the system's."""
    camera, times = Ticks("camera", rate_hz=camera_hz), Times()
    times(camera())
    return System([camera, times], rate_hz=rate_hz)


@pytest.mark.parametrize("of_launch", [False, True])
def test_a_replay_has_the_clock_of_the_run(of_launch: bool) -> None:
    """So `dt` is as it was, however fast the run and its replay were."""
    rates: dict[str, Any] = {"rate_hz": 200} if of_launch else {"speed": 20}
    timed(None if of_launch else 200).launch(41, record_to="run.mcap", **rates)
    slow = timed(None if of_launch else 200)

    found = replay("run.mcap", slow)

    assert found.is_equal
    assert found.messages == 7
    assert found.report.spec is not None
    assert found.report.spec.rate_hz == 200


def test_a_replay_is_as_fast_as_possible() -> None:
    """What took a minute is looked at at once; unless another speed is asked for."""
    timed(1, 0.5).launch(seconds=60, speed=None, record_to="run.mcap")
    began = time.monotonic()

    assert replay("run.mcap", timed(1, 0.5)).is_equal
    assert time.monotonic() - began < 30

    began = time.monotonic()
    assert replay("run.mcap", timed(1, 0.5), speed=200.0).is_equal
    assert time.monotonic() - began >= 0.29


def test_a_replay_from_the_middle_keeps_the_rhythm_of_a_fraction() -> None:
    """It begins where that begins again; the error says where, and with what."""
    timed(200).launch(81, speed=None, record_to="run.mcap")

    with pytest.raises(RecordingError, match=r"multiple of 20; got 47.*up of 7 ticks"):
        replay("run.mcap", timed(200), start=47, only=["camera"])
    found = replay("run.mcap", timed(200), start=47, warm_up=7, only=["camera"])

    assert found.ticks == range(47, 81)
    assert [x.tick for x in Recording("run.mcap").messages(["camera.output"])] == [
        *(0, 7, 14, 20, 27, 34, 40, 47, 54, 60, 67, 74, 80)
    ]
    # What it sends is its tick, which counts from where the replay begins.
    assert found.difference is not None
    assert (found.difference.tick, found.difference.replayed) == (47, 7)


@pytest.mark.parametrize("step_s", [3600, -3600])
@pytest.mark.parametrize("how", ["rate", "mean", "stamps"])
def test_a_clock_that_was_set_does_not_change_the_pace(
    how: str, step_s: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ticks are paced: as the run's rate says, or its duration, or most stamps."""
    clock = Clock(step_s)
    with monkeypatch.context() as patch:
        patch.setattr("lk_record_mcap.shard.time", clock)
        rate_hz = 50 if how == "rate" else None
        System([Waits(), Pass()]).launch(15, rate_hz=rate_hz, record_to="set.mcap")
    recording = Recording("set.mcap")
    if how == "stamps":
        recording.metadata["duration_s"] = "0.0"
    stamps = [message.stamp_ns for message in recording.messages(["waits.output"])]
    began = time.monotonic()

    assert replay(recording, System([Waits(), Pass()]), is_paced=True).is_equal

    assert abs(stamps[-1] - stamps[0] - step_s * 1e9) < 60e9
    assert 0.15 <= time.monotonic() - began < 10


class Clock:
    """The module `time`, with a wall clock that is set once."""

    def __init__(self, step_s: int) -> None:
        self.step_ns = step_s * 1_000_000_000
        self.calls = 0
        self.monotonic_ns = time.monotonic_ns

    def time_ns(self) -> int:
        """Return the time, after some calls another one."""
        self.calls += 1
        return time.time_ns() + (self.step_ns if self.calls > 8 else 0)


class Waits(Component):
    """Is a source that takes its time."""

    def forward(self) -> int:
        time.sleep(0.02)
        return 1


def test_what_was_not_recorded_counts_among_what_differs() -> None:
    """More may differ than was recorded; the sentence says of how many."""
    System([Count(), Gate(7)]).launch(10, record_to="few.mcap")

    found = replay("few.mcap", System([Count(), Gate(0)]))

    assert (found.messages, found.compared, found.differing) == (3, 10, 7)
    assert "In all, 7 of 10 messages of gate" in str(found)


class Gate(Component):
    """Passes numbers on, from one of them on."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first

    def forward(self, value: int) -> int | None:
        return value if value >= self.first else None


def test_differences_of_wide_floats_are_found_by_value() -> None:
    """The bytes that pad a longdouble say nothing."""
    old, new = (np.zeros(2, np.longdouble) for _ in range(2))
    for n, array in enumerate((old, new)):
        array.view(np.uint8).reshape(2, -1)[:, 10:] = n if array.itemsize > 10 else 0
    new[1] = 1

    difference = Difference(tick=0, port="a.b", recorded=old, replayed=new)

    assert same(old, old.copy())
    assert "at [1]: " in difference.where
    assert "1 of 2 elements differ" in difference.where


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"only": ["meen"]}, "no component 'meen' to replay.*Did you mean 'mean'"),
        ({"only": ["camera", "nobody"]}, "no component 'nobody'"),
        ({"start": 100}, "no tick to replay from 100 to 100: .* has 100 ticks"),
        ({"start": 8, "stop": 5}, "no tick to replay from 8 to 5"),
    ],
)
def test_what_is_not_there_cannot_be_replayed(
    run: str, options: dict[str, Any], text: str
) -> None:
    """The error names what is."""
    with pytest.raises(RecordingError, match=text):
        replay(run, robot(), **options)


def test_what_feeds_a_component_must_have_been_recorded() -> None:
    """The error names the port."""
    robot().launch(5, record_to="run.mcap", record_ports=["tally.output"])

    with pytest.raises(RecordingError, match=r"mean\.output"):
        replay("run.mcap", robot(), only=["tally"])


def test_a_system_of_sources_has_nothing_to_replay() -> None:
    """Unless one is named."""
    System([Count()]).launch(5, record_to="run.mcap")

    with pytest.raises(RecordingError, match="--only"):
        replay("run.mcap", System([Count()]))
    assert replay("run.mcap", System([Count()]), only=["count"]).messages == 5


def test_a_component_that_cannot_be_made_anew_is_refused(run: str) -> None:
    """A replay makes its components from their arguments."""
    system = robot()
    system.components[1].fired = 3

    with pytest.raises(GraphError, match="fired"):
        replay(run, system)


IMAGE = np.zeros((4, 4, 3), np.uint8)
CHANGED = IMAGE.copy()
CHANGED[1, 2, 0], CHANGED[3, 3, 2] = 3, 200


@pytest.mark.parametrize(
    ("recorded", "replayed", "where"),
    [
        (0.5, 0.25, ""),
        (0, 0.0, "in type: builtins.float, recorded builtins.int"),
        (ABSENT, 1, ""),
        (
            IMAGE,
            CHANGED,
            "at [1, 2, 0]: 3, recorded 0; 2 of 48 elements differ, by at most 200",
        ),
        (
            IMAGE,
            IMAGE[:2],
            "in form: uint8 of shape (2, 4, 3), recorded uint8 of shape (4, 4, 3)",
        ),
        (
            np.array([0.0, np.nan]),
            np.array([-0.0, np.nan]),
            "at [0]: -0.0, recorded 0.0; 1 of 2 elements differ, by at most 0",
        ),
        (Pose(1.0, 2.0), Pose(1.0, 2.5), "at .y: 2.5, recorded 2.0"),
        ([1, {"a": (1, 2)}], [1, {"a": (1, 3)}], "at [1]['a'][1]: 3, recorded 2"),
        ([1, 2], [1, 2, 3], "in length: 3, recorded 2"),
        ({"a": 1}, {"b": 1}, "in keys: ['b'], recorded ['a']"),
    ],
)
def test_a_difference_says_where_and_by_how_much(
    recorded: Any, replayed: Any, where: str
) -> None:
    """The first place in a value that differs; of arrays how many, and how far."""
    found = Difference(tick=3, port="a.b", recorded=recorded, replayed=replayed)

    assert found.where == where
    assert str(found).startswith("At tick 3, 'a.b' sent ")


def test_nothing_is_left_of_a_replay(run: str, folder: Path) -> None:
    """What it sent was kept elsewhere, and not for long."""
    replay(run, robot())

    assert [path.name for path in folder.iterdir()] == ["run.mcap"]
