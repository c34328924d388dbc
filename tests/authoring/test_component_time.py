"""When a component fires and how long that takes: what is declared, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

import like_keras_core as lk
from like_keras_core import Component, System
from like_keras_core.issue import errors_in
from like_keras_core.spec import SystemSpec
from like_keras_core.testing.components import Count, Scale


class Camera(Component):
    """Takes what every component takes."""

    def forward(self) -> int:
        return 1


class Slow(Component):
    """Says how long it takes in its class."""

    takes = 8

    def forward(self) -> int:
        return 1


def spec_of(component: Component, rate_hz: float | None = 200) -> lk.spec.ComponentSpec:
    """Return a component as a system of a rate has it, without a complaint."""
    lowered = System([component], rate_hz=rate_hz).lower()
    assert not lowered.issues
    return lowered.spec.components[0]


@pytest.mark.parametrize(
    ("rate_hz", "of_system", "every"),
    [
        (30, 200, Fraction(20, 3)),
        (100, 200, 2),
        (200, 200, 1),
        (29.97, 100, Fraction(10000, 2997)),
        (0.1, 0.3, 3),
        (Fraction(30000, 1001), 60, Fraction(2002, 1000)),
    ],
)
def test_a_rate_becomes_a_part_of_the_systems(
    rate_hz: float, of_system: float, every: Fraction
) -> None:
    """By the digits that were written: 0.3 / 0.1 is 3."""
    camera = Camera(rate_hz=rate_hz)

    found = spec_of(camera, of_system).every

    assert found == every
    assert isinstance(found, int) == (every.denominator == 1)
    assert (camera.rate_hz, camera.takes_s) == (rate_hz, None)


@pytest.mark.parametrize(
    ("takes_s", "of_system", "takes"),
    [(0.08, 100, 8), (0.081, 100, 9), (0.1, 0.3, 1), (0.07, 100, 7), (1e-9, 10, 1)],
)
def test_seconds_become_ticks_rounded_up(
    takes_s: float, of_system: float, takes: int
) -> None:
    """Exactly: 0.07 * 100 is above 7 as floats, and 7 here."""
    camera = Camera(takes_s=takes_s)

    assert spec_of(camera, of_system).takes == takes
    assert camera.takes_s == takes_s


def test_a_class_may_say_what_its_firings_take() -> None:
    """Its constructor's arguments come first."""
    assert (Slow.takes, Slow().takes, spec_of(Slow()).takes) == (8, 8, 8)
    assert (Slow(takes=3).takes, spec_of(Slow(takes=3)).takes) == (3, 3)
    assert spec_of(Slow(takes_s=0.1)).takes == 20
    assert spec_of(Slow(takes=0)).takes == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"every": 0.5}, "every of 'camera' counts ticks, so it is 1 or more"),
        ({"every": 20 / 3}, r"Write Fraction\(20, 3\) .* or rate_hz= in Hz"),
        ({"every": Fraction(2, 3)}, r"1 or more, an int or a Fraction; got Fraction"),
        ({"every": True}, "got True"),
        ({"rate_hz": 0}, "rate_hz of 'camera' must be a number greater than 0; got 0"),
        ({"rate_hz": float("nan")}, "greater than 0; got nan"),
        ({"rate_hz": float("inf")}, "greater than 0; got inf"),
        ({"rate_hz": -30}, "greater than 0; got -30"),
        ({"rate_hz": "30"}, "greater than 0; got '30'"),
        ({"rate_hz": 30, "every": 2}, "rate_hz=30 and every=2; both say when it fires"),
        ({"takes": -1}, "takes of 'camera' counts ticks.*0 or more; got -1"),
        ({"takes": True}, "got True"),
        ({"takes": 1.5}, "got 1.5. takes_s= takes seconds"),
        ({"takes_s": 0}, "takes_s of 'camera' must be a number greater than 0; got 0"),
        ({"takes_s": float("nan")}, "got nan"),
        ({"takes": 2, "takes_s": 0.1}, "takes=2 and takes_s=0.1; both say how long"),
    ],
)
def test_times_that_cannot_be_are_refused(given: dict[str, Any], expected: str) -> None:
    """By name, with what was given and what to write."""
    with pytest.raises(ValueError, match=expected):
        Camera(**given)


@pytest.mark.parametrize(
    ("given", "rate_hz", "expected"),
    [
        ({"rate_hz": 300}, 200, "rate_hz=300 is above the system's rate of 200 Hz"),
        ({"rate_hz": 30}, None, r"rate_hz=30 needs a system with a rate.*every="),
        ({"takes_s": 0.1}, None, r"takes_s=0.1 needs a system with a rate.*takes="),
    ],
)
def test_times_that_do_not_fit_the_system_are_issues(
    given: dict[str, Any], rate_hz: float | None, expected: str
) -> None:
    """They name the component, and nothing runs."""
    system = System([Camera(**given)], rate_hz=rate_hz)

    (issue,) = errors_in(system.validate())

    assert issue.code == "rate"
    assert issue.address == "camera"
    with pytest.raises(lk.GraphError, match=expected):
        system.launch(1)


def test_a_launch_may_give_the_rate() -> None:
    """To a system without one."""
    camera = Camera(rate_hz=50)

    report = System([camera]).launch(5, rate_hz=100, record="all")

    assert report.spec is not None
    assert report.spec.rate_hz == 100
    assert report.records["camera.output"] == [(0, 1), (2, 1), (4, 1)]


def test_the_outermost_system_has_the_rate() -> None:
    """A subsystem's own counts for nothing, as for its ticks."""
    inner = System([Camera(rate_hz=50)], name="inner", rate_hz=1000)

    assert System([inner], rate_hz=100).to_spec().components[0].every == 2


def test_a_saved_system_has_ticks_and_comes_back_equal() -> None:
    """Its components still know what they were given."""
    parts = [Camera(rate_hz=30, takes_s=0.1), Count(every=Fraction(7, 2))]
    spec = System(parts, rate_hz=200).to_spec()

    again = System.from_spec(SystemSpec.from_json(spec.to_json()))

    assert again.to_spec() == spec
    assert [x.every for x in spec.components] == [Fraction(20, 3), Fraction(7, 2)]
    assert [x.takes for x in spec.components] == [20, 0]
    camera = again.components[0]
    assert (camera.rate_hz, camera.takes_s) == (30, 0.1)
    assert (camera.every, camera.takes) == (Fraction(20, 3), 20)


def test_a_second_launch_has_the_times_of_the_first() -> None:
    """Also where they were assigned after construction."""
    camera = Camera()
    camera.rate_hz = 50
    system = System([camera], rate_hz=100)

    fired = [system.run(10).components["camera"].fired for _ in range(2)]

    assert fired == [5, 5]


def test_times_may_be_assigned_from_outside() -> None:
    """Like `every` and `node`; they are checked, and the last one holds."""
    camera = Camera(rate_hz=30)

    camera.takes = 8
    assert spec_of(camera).takes == camera.takes == 8
    camera.takes_s = 0.1
    assert spec_of(camera).takes == 20
    camera.every = 4
    assert (spec_of(camera).every, camera.rate_hz) == (4, None)
    camera.rate_hz = 50
    assert spec_of(camera).every == 4
    with pytest.raises(ValueError, match="0 or more; got -1"):
        camera.takes = -1
    with pytest.raises(ValueError, match="greater than 0; got nan"):
        camera.rate_hz = float("nan")


def test_what_cannot_be_a_time_is_an_attribute_from_outside() -> None:
    """As any other, which another process would not have."""
    camera = Camera()
    camera.takes = ["one"]

    (issue,) = System([camera]).lower().issues

    assert camera.takes == ["one"]
    assert issue.code == "assigned-attribute"


NAMES = ("rate_hz", "takes", "takes_s", "tick", "time_s", "dt")


def own_attribute(name: str) -> type[Component]:
    class Own(Component):
        def __init__(self) -> None:
            super().__init__()
            setattr(self, name, ["mine"])

        def forward(self) -> Any:
            return getattr(self, name)

    return Own


def own_constant(name: str) -> type[Component]:
    def forward(self: Component) -> Any:
        return getattr(self, name)

    return type("Own", (Component,), {name: ["mine"], "forward": forward})


def own_property(name: str) -> type[Component]:
    def forward(self: Component) -> Any:
        return getattr(self, name)

    mine = property(lambda self: ["mine"])
    return type("Own", (Component,), {name: mine, "forward": forward})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("made", [own_attribute, own_constant, own_property])
def test_none_of_the_names_is_reserved(
    made: Callable[[str], type[Component]], name: str
) -> None:
    """An author's own attribute, constant or property takes the place of ours."""
    system = System([made(name)()], rate_hz=100)

    assert not system.validate()
    report = system.run(2, record="all")

    assert report.records["own.output"] == [(0, ["mine"]), (1, ["mine"])]


def test_a_counter_of_ones_own_still_counts() -> None:
    """`self.tick += 1` was written before components had a tick."""

    class Clock(Component):
        def __init__(self, rate_hz: float = 25.0, dt: float = 0.5) -> None:
            super().__init__(every=2)
            self.rate_hz, self.dt, self.tick = rate_hz, dt, 10

        def forward(self) -> tuple[int, float, float]:
            self.tick += 1
            return self.tick, self.dt, self.rate_hz

    system = System([Clock(dt=0.25)])
    report = system.run(3, record="all")

    assert not system.validate()
    assert report.records["clock.output"] == [
        (0, (11, 0.25, 25.0)),
        (2, (12, 0.25, 25.0)),
    ]


def test_the_fields_of_a_dataclass_have_no_defaults_of_ours() -> None:
    """A field without a default stays one."""

    @dataclass(eq=False)
    class Filter(Component):
        dt: float
        takes: list[int]
        tick: int
        rate_hz: float
        gain: float

        def forward(self) -> float:
            return self.dt

    with pytest.raises(TypeError, match="missing 5 required"):
        Filter()  # type: ignore[call-arg]
    made = Filter(0.1, [1], 2, 3.0, 4.0)

    assert (made.dt, made.takes, made.tick, made.rate_hz) == (0.1, [1], 2, 3.0)


def test_an_own_number_of_takes_is_warned_of() -> None:
    """It means nothing to the run, and may have been meant to."""

    class Shot(Component):
        def __init__(self) -> None:
            super().__init__()
            self.takes = 3

        def forward(self) -> int:
            return 1

    (issue,) = System([Shot()]).validate()

    assert (issue.code, issue.severity) == ("own-takes", "warning")
    assert "super().__init__(takes=3)" in str(issue)


def test_a_sync_input_leaves_no_rate_to_choose() -> None:
    """What fires a component already is named."""
    count, scale = Count(), Scale()
    scale.rate_hz = 50
    scale(count())

    (issue,) = errors_in(System([count, scale], rate_hz=100).validate())

    assert "Set every on the source (or rate_hz), or give the input" in str(issue)


def test_inputs_of_other_rates_are_named_with_theirs() -> None:
    """As fractions, where they are."""

    class Pair(Component):
        def forward(self, a: int, b: int) -> int:
            return a + b

    slow, fast, pair = Camera("slow", rate_hz=30), Camera("fast"), Pair()
    pair(slow(), fast())

    (issue,) = System([slow, fast, pair], rate_hz=200).validate()

    assert "pair.b (every 1), pair.a (every 20/3)" in str(issue)
