"""Ports that a component declares in its constructor."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

import like_keras_core as lk
from like_keras_core import Component, InputPort, OutputPort, System
from like_keras_core.engine_kit import address_of
from like_keras_core.testing.components import Count


class Anything(Component):
    """Its ports are what it is given; returns its inputs, by the outputs' names."""

    def __init__(
        self, inputs: Any = None, outputs: Any = None, answer: Any = None
    ) -> None:
        super().__init__()
        self.answer = answer
        self.declare_ports(inputs, outputs)

    def forward(self, **inputs: Any) -> Any:
        if self.answer is not None:
            return self.answer
        given = inputs.values()
        return dict(zip((port.name for port in self.outputs), given, strict=False))


def test_they_take_the_place_of_those_of_the_class() -> None:
    """Each instance has its own, in the order in which they are declared."""
    one = Anything(["b", "a"], ["x"])
    two = Anything({"in": InputPort(int, policy="hold", queue=3)}, [])

    assert [port.name for port in one.inputs] == ["b", "a"]
    assert [port.address for port in one.outputs] == ["anything.x"]
    port = two.inputs["in"]
    assert (port.type, port.policy, port.options) == (int, "hold", {"queue": 3})
    assert (len(two.inputs), len(two.outputs)) == (1, 0)


def test_a_side_that_is_not_declared_is_read_from_the_class() -> None:
    """None leaves it as it is."""

    class Twice(Component):
        def __init__(self) -> None:
            super().__init__()
            self.declare_ports(
                outputs={"half": OutputPort(float), "twice": OutputPort()}
            )

        def forward(self, value: int) -> dict[str, float]:
            return {"twice": 2 * value}

    twice = Twice()

    assert twice.inputs.value.type is int
    assert [port.name for port in twice.outputs] == ["half", "twice"]


def test_they_are_what_a_spec_says_and_what_is_built_from_it() -> None:
    """The arguments alone make the same ports again."""
    count = Count()
    both = Anything(["left", "right"], ["x", "y"])
    both(count(), right=count())
    system = System([count, both])

    spec = system.to_spec()
    report = System.from_spec(spec).launch(3, record="all")

    assert [port.name for port in spec.component("anything").outputs] == ["x", "y"]
    assert report.records["anything.y"] == [(0, 0), (1, 1), (2, 2)]


def test_a_port_may_be_called_what_no_parameter_can_be() -> None:
    """Names of other systems' ports, such as of dora nodes, have dashes."""
    count, both = Count(), Anything(["left-eye", "class"], ["left-eye", "out"])
    both(count(), **{"class": count()})
    report = System([count, both]).launch(2, record="all")

    assert report.records["anything.out"] == [(0, 0), (1, 1)]
    assert both.outputs["left-eye"].address == "anything.left-eye"


def test_a_name_left_out_sends_nothing() -> None:
    """As None for it does."""
    count, some = Count(), Anything(["a"], ["x", "y"])
    some(count())

    report = System([count, some]).launch(1, record="all")

    assert report.records["anything.x"] == [(0, 0)]
    assert report.records["anything.y"] == []


@pytest.mark.parametrize("answer", [5, (1, 2), {"z": 1}])
def test_an_answer_that_is_not_by_their_names_is_an_error(answer: Any) -> None:
    """Even with a single output: what a dict means does not depend on their number."""
    text = "its output ports (x) are declared by declare_ports, so it returns a dict"

    with pytest.raises(lk.ComponentError, match=re.escape(text)):
        System([Anything([], ["x"], answer)]).launch(1)


def test_a_parameter_with_a_default_may_stay_unconnected() -> None:
    """As a port that is read from the class."""

    class Scaled(Component):
        def __init__(self, inputs: list[str]) -> None:
            super().__init__()
            self.declare_ports(inputs)

        def forward(self, value: int, factor: int = 3) -> int:
            return value * factor

    count, scaled = Count(), Scaled(["factor", "value"])
    scaled(value=count())
    report = System([count, scaled]).launch(2, record="all")

    assert report.records["scaled.output"] == [(0, 0), (1, 3)]
    with pytest.raises(TypeError, match=r"'scaled' declares the input 'x', which .*"):
        Scaled(["value", "x"])
    with pytest.raises(TypeError, match=r"forward needs 'value', which is not among"):
        Scaled(["factor"])


def test_fields_are_no_ports_where_outputs_are_declared() -> None:
    """So the advice for a record that is waited for whole is not given."""

    class Pose(NamedTuple):
        x: float

    class Poses(Component):
        def __init__(self) -> None:
            super().__init__()
            self.declare_ports(outputs=["pose"])

        def forward(self) -> Pose:
            return {"pose": Pose(1.0)}  # type: ignore[return-value]

    class Reader(Component):
        def forward(self, pose: Pose, other: float = 0.0) -> None: ...

    issues = System([Poses(), Reader(), Count()]).validate()

    assert "fields-are-ports" not in {issue.code for issue in issues}


def test_a_component_that_is_made_keeps_its_ports() -> None:
    """Another process could not know of the change."""
    component = Anything(["a"])

    with pytest.raises(RuntimeError, match="Call declare_ports in the __init__ of Any"):
        component.declare_ports(["b"])


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((["a", "b", "a"],), ValueError, "inputs of 'anything' have 'a' 2 times; name"),
        (("ab",), TypeError, "inputs of 'anything' are a list of names, or a dict"),
        ((InputPort(),), TypeError, "inputs of 'anything' are a list of names, or a"),
        ((5,), TypeError, "inputs of 'anything' are a list of names, or a dict from"),
        (([InputPort()],), TypeError, "inputs of 'anything' are named by strings; got"),
        ((["a.b"],), ValueError, "named with letters, digits, '_' and '-'; got 'a.b'"),
        (({"a": int},), TypeError, "made of InputPort; 'a' is <class 'int'>. Write"),
        (({"a": OutputPort()},), TypeError, "made of InputPort; 'a' is <OutputPort"),
        ((None, {"a": InputPort()}), TypeError, "made of OutputPort; 'a' is <InputPor"),
    ],
)
def test_what_can_be_no_ports_is_refused(
    arguments: tuple[Any, ...], kind: type[Exception], text: str
) -> None:
    """The error says what to write."""
    with pytest.raises(kind, match=re.escape(text)):
        Anything(*arguments)


def test_a_component_finds_its_address_once_it_runs() -> None:
    """Before that it has a name only."""

    class Place(Component):
        def on_configure(self) -> None:
            self.place = address_of(self)

        def forward(self) -> None: ...

    place = Place()
    inner = System([place], name="arm")
    report = System([inner]).launch(1)

    assert address_of(Place()) == "place"
    assert report.instances["arm.place"].place == "arm.place"
