"""Parameters: another system, of the same components with other arguments."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from every_type import WANTED, Every, Lens, Mode, Point, make  # type: ignore[import-not-found]

from like_keras_core import Component, InputPort, Node, OutputPort, System
from like_keras_core.authoring.parameters import parameters_of
from like_keras_core.errors import GraphError, ParameterError
from like_keras_core.port import Delay
from like_keras_core.testing import same
from like_keras_core.testing.components import Count


class Ramp(Component):
    """A source that says how often it was made."""

    made = 0

    def __init__(self, start: int = 0, every: int = 1, **more: Any) -> None:
        super().__init__(every=every, **more)
        type(self).made += 1
        if start < 0:
            raise ValueError("start is not negative")
        self.value = start

    def forward(self, back: float = 0.0) -> float:
        self.value += 1
        return self.value + back


class Gain(Component):
    @dataclass
    class Config:
        by: float = 2.0
        low: float = 0.0

        def __post_init__(self) -> None:
            if self.low > self.by:
                raise ValueError("low is above by")

    config: Config

    def forward(self, value: float) -> float:
        return value * self.config.by


class Loop(System):
    """A loop, with ports kept in attributes."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.ramp, self.gain = Ramp(), Gain()
        self.out = self.gain(self.ramp.outputs.output)
        self.ramp(self.out.delay(initial=1.0))
        self.parts = [self.ramp, "text"]


def values(system: System, port: str, ticks: int = 3) -> list[Any]:
    return [x for _, x in system.launch(ticks, record=port).records[port]]


def test_every_type_is_converted() -> None:
    """From what a file has, and what is of the type already stays."""
    plain = {
        "every": {
            "gain": 5, "count": 3, "flag": True, "label": "12", "mode": "SLOW",
            "path": "x/y.png", "ratio": "20/3", "size": [1, 2, 3], "names": ["a", "b"],
            "limits": {"low": 1}, "chosen": [1, 2], "either": "x",
            "point": {"x": 1, "y": 2}, "lens": {"focal": 2}, "joints": [1, 2],
            "small": 7,
            "config": {"gain": 7, "lens": {"size": [3, 4]}, "kind": "b"},
        }
    }  # fmt: skip

    one, two = make().with_params(plain), make().with_params(WANTED)

    assert one.to_spec() == two.to_spec() != make().to_spec()
    report = one.launch(1, record="every.output")
    assert same(dict(report.params), WANTED)
    assert report.spec == one.to_spec()
    assert same(report.records, two.launch(1, record="every.output").records)
    assert report.to_dict()["params"]["every.mode"] == "SLOW"
    assert "set: every.gain=5.0" in str(report)


def test_the_old_system_stays_as_it_is() -> None:
    """The new one has its own components, connected alike."""
    loop = Loop(name="loop", rate_hz=50)
    before = loop.to_spec()

    other = loop.with_params({"gain.config.by": 3, "ramp": {"start": 10}})

    assert loop.to_spec() == before
    assert (type(other), other.name, other.rate_hz) == (Loop, "loop", 50)
    assert other.gain is not loop.gain
    assert other.out is other.gain.outputs.output
    assert other.parts == [other.ramp, "text"]
    assert other.to_spec().connections == before.connections
    assert values(loop, "gain.output") == [4.0, 12.0, 30.0]
    assert values(other, "gain.output") == [36.0, 144.0, 471.0]
    assert loop.with_params({}).to_spec() == before


def test_a_launch_takes_parameters() -> None:
    """For this launch alone."""
    loop = Loop()

    report = loop.launch(1, params={"gain.config.by": 3}, record="gain.output")

    assert report.records["gain.output"] == [(0, 6.0)]
    assert report.params == {"gain.config.by": 3.0}
    assert loop.launch(1).params == {}


def test_addresses_have_the_prefix_of_subsystems() -> None:
    """A component in a system in a system, and connections across."""
    inner, gain = Loop(name="inner"), Gain()
    outer = System([inner, gain])
    outer.connect("inner.gain.output", "gain.value")

    other = outer.with_params({"inner": {"gain": {"config": {"by": 5}}}})

    assert other.to_spec().connections == outer.to_spec().connections
    assert values(outer, "gain.output", 1) == [8.0]
    assert values(other, "gain.output", 1) == [20.0]


def test_names_of_an_author_win() -> None:
    """As for every name of a system."""

    class Mine(System):
        def __init__(self) -> None:
            super().__init__()
            self.with_params, self.params = Ramp(name="with_params"), Gain()  # type: ignore[method-assign]
            self.params(self.with_params())

    report = Mine().launch(
        1, params={"gain.config.by": 3, "with_params.start": 2}, record="gain.output"
    )

    assert report.records["gain.output"] == [(0, 9.0)]


def test_what_was_said_after_construction_is_kept() -> None:
    """Names, nodes, times, policies, attributes and configs."""
    ramp, gain = Ramp(), Gain()
    gain(ramp())
    ramp.name, ramp.every, ramp.node = "front", 3, Node("one")
    gain.inputs.value.policy = "hold"
    gain.config.by = 4.0
    gain.extra = 7  # type: ignore[attr-defined]
    system = System([ramp, gain])

    other = system.with_params({"front.start": 5, "gain.config.low": 1})
    (front, twin) = other.components

    assert (front.name, front.every, front.node) == ("front", 3, ramp.node)
    assert twin.inputs.value.policy == "hold"
    assert (twin.config.by, twin.config.low, vars(twin)["extra"]) == (4.0, 1.0, 7)
    assert gain.config.low == 0.0
    again = system.with_params({"front.start": 5}).components[1]
    assert again.config.by == 4.0


def test_what_would_be_hidden_is_refused() -> None:
    """An attribute that was assigned has the argument's name."""
    ramp = Ramp()
    ramp.start = 5  # type: ignore[attr-defined]

    with pytest.raises(ParameterError, match=r"'ramp.start' was assigned after"):
        System([ramp]).with_params({"ramp.start": 3})


def test_times_can_be_set() -> None:
    """Where they were arguments; also of a system that was saved."""
    system = System([Ramp(every=2), Gain()], rate_hz=100)

    assert system.with_params({"ramp.every": 4}).to_spec().components[0].every == 4
    other = system.with_params({"ramp.every": 1, "ramp.rate_hz": 30})
    assert other.to_spec().components[0].every == Fraction(10, 3)


def test_a_saved_system_has_parameters(tmp_path: Path) -> None:
    """Loaded, it can be set as the one that was saved."""
    source = System([Count(), Gain()])
    source.components[0].every = 2
    source.save(tmp_path / "system.json")
    loaded = System.load(tmp_path / "system.json")

    other = loaded.with_params({"gain.config.by": 5})

    assert other.to_spec() == source.with_params({"gain.config.by": 5}).to_spec()
    assert other.to_spec().components[0].every == 2


def test_nothing_is_called_before_the_check() -> None:
    """Neither a constructor nor a config's own check."""
    loop, before = Loop(), Ramp.made

    with pytest.raises(ParameterError) as caught:
        loop.with_params(
            {
                "ramp.start": "x",
                "gain.config.by": None,
                "gain.config.hi": 3,
                "ramp.strat": 3,
                "rmap.start": 3,
                "gain": 4,
                "ramp.name": "x",
                "ramp": {"start": 2, "start.x": 3},
            }
        )

    assert Ramp.made == before
    assert caught.value.problems[:3] == (
        "params: 'ramp.start' takes int; got 'x' (str).",
        "params: 'gain.config.by' takes float; got None.",
        "params: 'gain.config' has no field 'hi'; it has: by, low.",
    )
    text = str(caught.value)
    assert "Did you mean 'ramp.start'?" in text
    assert "'gain' is not an argument. Write which one: gain.config.by=..." in text
    assert "the name of 'ramp' is not a parameter" in text


def test_arguments_that_are_passed_on() -> None:
    """Found by their own names, with the types of the class above."""
    system = System([Ramp(), Gain()])

    other = system.with_params({"ramp.takes": 3, "ramp.more.takes_s": None})

    assert other.to_spec().components[0].takes == 3
    assert other.launch(1).params == {"ramp.more.takes": 3, "ramp.more.takes_s": None}
    with pytest.raises(ParameterError, match=r"no argument 'taks'.*'ramp.takes'\?"):
        system.with_params({"ramp.taks": 3})
    with pytest.raises(ParameterError, match=r"takes int . None; got 'x'"):
        system.with_params({"ramp.takes": "x"})


def test_fields_are_set_together() -> None:
    """A config that checks itself sees only the end."""
    loop = Loop()

    other = loop.with_params({"gain.config": {"low": 5, "by": 6}})

    assert values(other, "gain.output", 1) == [12.0]
    with pytest.raises(ParameterError, match=r"making 'gain' .*low is above by"):
        loop.with_params({"gain.config.low": 5})
    with pytest.raises(ParameterError, match="start=-1 raised ValueError: start is"):
        loop.with_params({"ramp.start": -1})


def test_ports_that_arguments_declare() -> None:
    """A connection that has no place any more is named."""

    class Sum(Component):
        def __init__(self, names: list[str], policy: str = "sync") -> None:
            super().__init__()
            ports = {x: InputPort(int, policy=policy) for x in names}
            self.declare_ports(inputs=ports)

        def forward(self, **numbers: int) -> int:
            return sum(numbers.values())

    count, total = Count(), Sum(["a", "b"])
    total(a=count(), b=count())
    system = System([count, total])

    held = system.with_params({"sum.policy": "hold"})
    assert held.components[1].inputs.a.policy == "hold"
    with pytest.raises(ParameterError, match=r"count.output -> sum.b cannot be made"):
        system.with_params({"sum.names": ["a"]})


def test_a_system_with_errors_says_so() -> None:
    """Two components of one name leave no address."""
    with pytest.raises(GraphError, match="the name 'x'"):
        System([Ramp(name="x"), Gain(name="x")]).with_params({})


def test_a_required_config_is_made_of_its_fields() -> None:
    """All that is missing is named."""
    system = make()

    assert system.with_params({"every.lens": {"focal": 3}}).components[0].values[
        "lens"
    ] == Lens(3.0)
    with pytest.raises(ParameterError, match="takes Point with x too"):
        system.with_params({"every.point": {"y": 3}})


def test_what_a_config_does_not_keep_is_not_lost() -> None:
    """It could not be made again with one field changed."""

    class Seeded(Component):
        @dataclass
        class Config:
            seed: InitVar[int] = 0
            size: int = 1

        def forward(self) -> None: ...

    with pytest.raises(ParameterError, match="does not keep what it was made with as"):
        System([Seeded()]).with_params({"seeded.config.size": 2})
    config = Seeded.Config(3, 4)
    other = System([Seeded()]).with_params({"seeded.config": config})
    assert other.components[0].config == config


def test_parameters_know_types_units_and_docs() -> None:
    """From annotations, docstrings and the metadata of fields."""
    found = {x.address: x for x in parameters_of({"every": Every()})}

    assert (found["every.gain"].unit, found["every.gain"].doc) == (
        "m/s",
        "How much [m/s], at most 9.",
    )
    assert (found["every.config.gain"].unit, found["every.config.gain"].doc) == (
        "Hz",
        "Of it.",
    )
    assert found["every.mode"].type is Mode
    assert found["every.point"].default == Point(0.0)
    assert "every.config.lens.size" in found


def test_a_delay_keeps_its_initial_value() -> None:
    """It is a new register of the new port."""
    other = Loop().with_params({"ramp.start": 1})
    source = other.ramp.inputs.back.source

    assert isinstance(source, Delay)
    assert (source.port, source.initial) == (other.gain.outputs.output, 1.0)
    assert isinstance(other.out, OutputPort)
