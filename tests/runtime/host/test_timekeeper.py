"""What is noted of when components fire in a run at a rate, and who held them up."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from like_keras_core import Component, InputPort, Node, System
from like_keras_core.graph.checks import periods
from like_keras_core.runtime.host import timekeeper
from like_keras_core.runtime.host.sampling import ThinnedSamples
from like_keras_core.runtime.host.timekeeper import KEPT, Timekeeper


class Imu(Component):
    """A fast source."""

    def forward(self) -> float:
        """Return a constant."""
        return 1.0


class Detector(Component):
    """Slow: 60 ms."""

    def forward(self, image: float) -> float:
        """Sleep."""
        time.sleep(0.06)
        return image


class Controller(Component):
    """Fires with the IMU, and holds what the detector found."""

    boxes = InputPort(float, policy="hold")

    def forward(self, imu: float, boxes: float | None) -> float:
        """Return what came."""
        return imu


def robot() -> System:
    """Return a fast loop beside a slow detector."""
    imu, camera, detector = Imu(), Imu("camera", every=10), Detector()
    controller = Controller()
    detector(camera())
    controller(imu(), detector.outputs.output)
    return System([imu, controller, camera, detector], rate_hz=100)


class TestSamples:
    """Few of many, and the greatest."""

    def test_they_stay_few_and_the_greatest_is_exact(self) -> None:
        """However many come."""
        samples = ThinnedSamples(KEPT)
        for n in range(20 * KEPT):
            samples.add(float(n % 1000))
        samples.add(5000.0)

        assert len(samples.kept) < KEPT
        assert samples.greatest == 5000.0
        assert samples.quantile(0.5) == pytest.approx(500, abs=20)
        assert samples.quantile(0.99) == pytest.approx(990, abs=8)

    def test_of_nothing_there_is_nothing(self) -> None:
        """Neither a quantile nor a greatest."""
        assert ThinnedSamples().quantile(0.5) is None
        assert ThinnedSamples().greatest is None


class TestTimekeeper:
    """Beside a clock that the test sets."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """Return the time, as the one item of a list."""
        now = [0.0]
        monkeypatch.setattr(timekeeper, "perf_counter", lambda: now[0])
        return now

    def test_it_names_who_held_up_a_firing(self, clock: list[float]) -> None:
        """The one that ran when it was due, not another that ran before."""
        keeper = Timekeeper(100.0)
        tick: list[int] = [0, 0]

        def takes(duration_s: float) -> None:
            clock[0] += duration_s

        quick = keeper.wrap("quick", lambda: takes(0.001), tick)
        short = keeper.wrap("short", lambda: takes(0.005), tick)
        slow = keeper.wrap("slow", lambda: takes(0.035), tick)
        keeper.start(0.0)
        for firing in (quick, short, slow):
            firing()
        tick[1] = 1
        quick()

        timing = keeper.timing("quick", 1.0, fired=2, duration_s=0.042)
        assert timing.held_by == {"slow": pytest.approx(0.031)}
        assert timing.late_max_s == pytest.approx(0.031)
        assert timing.period_max_s == pytest.approx(0.041)
        assert timing.target_hz == 100.0
        assert keeper.timing("slow", 1.0, 1, 0.042).took_max_s == pytest.approx(0.035)

    def test_what_was_waited_for_counts_where_nobody_ran(
        self, clock: list[float]
    ) -> None:
        """As in a process that has nothing to do but wait for another one."""
        keeper = Timekeeper(100.0)
        tick: list[int] = [0, 3]
        firing = keeper.wrap("controller", lambda: None, tick)
        keeper.start(0.0)
        clock[0] = 0.05
        keeper.blocked_by = "camera"
        firing()

        timing = keeper.timing("controller", 1.0, 1, 0.05)
        assert timing.held_by == {"camera": pytest.approx(0.02)}

    def test_nobody_is_named_for_what_the_machine_did(self, clock: list[float]) -> None:
        """The process did nothing, and waited for nobody."""
        keeper = Timekeeper(100.0)
        firing = keeper.wrap("controller", lambda: None, [0, 0])
        keeper.start(0.0)
        clock[0] = 0.05
        firing()

        assert keeper.timing("controller", 1.0, 1, 0.05).held_by == {}

    def test_a_firing_that_raises_is_noted(self, clock: list[float]) -> None:
        """It took its time, too."""
        keeper = Timekeeper(100.0)

        def fails() -> None:
            clock[0] += 0.5
            raise ValueError("asked to")

        with pytest.raises(ValueError, match="asked to"):
            keeper.wrap("a", fails, [0, 0])()

        assert keeper.timing("a", 1.0, 0, 0.5).took_max_s == 0.5


def test_periods_follow_the_graph() -> None:
    """The slowest of the sync inputs says how often a component is to fire."""
    spec = robot().to_spec()

    assert periods(spec) == {
        "imu": 1,
        "controller": 1,
        "camera": 10,
        "detector": 10,
    }


def test_what_takes_ticks_begins_with_the_first_value_that_finds_it_free() -> None:
    """Each second image of every fifth tick, for eight ticks."""
    camera, detector = Imu("camera", every=5), Detector(takes=8)
    detector(camera())
    back_to_back = Imu("driver", takes=3)

    found = periods(System([camera, detector, back_to_back]).to_spec())

    assert found == {"camera": 5, "detector": 10, "driver": Fraction(3)}


def test_a_report_says_who_held_whom() -> None:
    """A perfect loop differs from one that a detector holds up."""
    report = robot().launch(40)

    controller = report.components["controller"].timing
    assert controller is not None
    assert controller.target_hz == 100
    assert "detector" in controller.held_by
    assert 0.04 < controller.held_by["detector"] < 0.5
    assert controller.period_max_s is not None
    assert controller.period_max_s > 0.04
    assert "controller: held for up to" in str(report)
    assert report.to_dict()["components"]["imu"]["timing"]["skipped"] == 0


def test_without_a_rate_there_is_nothing_to_keep() -> None:
    """Nor does it cost anything."""
    system = System([Imu()])
    report = system.launch(3)

    assert report.components["imu"].timing is None
    assert "wanted" not in str(report)


def test_a_node_names_the_component_elsewhere_that_it_waited_for() -> None:
    """Over real processes, by what stood in the way of a tick that was late."""
    from tests.reference_engine import ReferenceEngine

    system = robot()
    for component in system.components:
        if component.name in ("camera", "detector"):
            component.node = Node("slow")
    report = ReferenceEngine().launch(system, None, iterations=40)

    controller = report.components["controller"].timing
    assert controller is not None
    assert "detector" in controller.held_by


@pytest.mark.parametrize(("speed", "ticks"), [(1.0, "4 ticks"), (2.0, "7 ticks")])
def test_a_report_says_how_many_ticks_would_do_at_its_speed(
    speed: float, ticks: str
) -> None:
    """A component does not compute faster where the clock does."""

    class Slow(Component):
        def forward(self) -> int:
            time.sleep(0.031)
            return 1

    report = System([Slow(takes=2)], rate_hz=100).launch(40, speed=speed)

    timing = report.components["slow"].timing
    assert timing is not None
    assert (timing.takes, timing.takes_s) == (2, 0.02 / speed)
    assert timing.overruns > 0
    line = next(x for x in str(report).splitlines() if x.startswith("slow: takes"))
    assert "takes 2 ticks = " in line
    assert ticks in line or "would do" in line


def test_a_component_that_never_fired_is_named() -> None:
    """Nothing else would say that a rate is beyond the machine."""
    report = System([Imu()], rate_hz=1e8, late="skip").launch(2_000)

    assert report.components["imu"].fired == 0
    assert "imu: never fired: 2000 ticks were over before it could" in str(report)
