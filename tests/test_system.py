"""Systems: wiring, placement, names, and every way to get them wrong."""

import json
import threading
import warnings
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

import like_keras_core as lk
from like_keras_core import Component, Engine, InputPort, Node, OutputPort, System
from like_keras_core.testing.components import Count, Fail, Odd, Scale, Sum


class Camera(Component):
    def __init__(self, node=None):
        super().__init__("camera", node=node)

    def forward(self) -> np.ndarray:
        return np.zeros((2, 2))


class Detector(Component):
    def forward(self, image: np.ndarray) -> list[int]:
        return [int(image.sum())]


class Planner(Component):
    def __init__(self, node=None):
        super().__init__("planner", node=node)
        self.plans = 0

    def forward(self, data):
        self.plans += 1
        return self.plans


def codes(system: System) -> list[str]:
    return [issue.code for issue in system.validate()]


def connections(system: System) -> list[str]:
    return [str(item) for item in system.to_spec().connections]


def test_the_first_versions_code_runs() -> None:
    """The calls that the project's first users were promised all work."""
    camera, detector = Camera(), Detector()
    system = System(components=[camera, detector])
    assert system.launch(iterations=100).components["detector"].fired == 100

    jetson = Node("jetson", machine="192.168.1.10", engine="dora")
    nuc = Node("nuc", machine="192.168.1.11", engine="dora")
    camera, planner = Camera(node=jetson), Planner(node=nuc)
    system = System(components=[camera, planner])
    assert [node.name for node in system.nodes] == ["jetson", "nuc"]
    assert System([camera, planner]).launch(engine="native", iterations=10).iterations
    assert system.get_node("nuc") is nuc
    assert system.get_components_by_node() == {"jetson": [camera], "nuc": [planner]}

    components = [Camera(), Detector(), Planner()]
    first = System(components).launch(engine="native", iterations=10)
    components[0].node = components[1].node = jetson
    components[2].node = nuc
    again = System(components).launch(engine="native", iterations=10)
    assert first.components["planner"].fired == again.components["planner"].fired == 10


def test_mixed_engines_name_both_engines_and_both_nodes() -> None:
    """Without an engine at launch the nodes must agree."""
    a = Camera(node=Node("left", engine="dora"))
    b = Planner(node=Node("right", engine="ros2"))

    with pytest.raises(lk.MixedEnginesError) as caught:
        System([a, b]).launch(iterations=1)

    for word in ("dora", "ros2", "left", "right"):
        assert repr(word) in str(caught.value)


def test_an_engine_that_is_not_there_is_answered_with_the_command() -> None:
    """A known engine gives the pip command, a misspelt one its neighbour."""
    node = Node("jetson", engine="dora")

    with pytest.raises(lk.EngineNotFoundError, match="pip install lk-engine-dora"):
        System([Camera(node=node), Planner(node=node)]).launch()
    with pytest.raises(lk.EngineNotFoundError, match="Did you mean 'native'"):
        System([Camera(), Planner()]).launch(engine="natvie")


def test_the_chain_is_inferred() -> None:
    """Unwired, each single output feeds the next single input, and the spec says so."""
    spec = System([Count(), Scale(), Odd()]).to_spec()

    assert [str(item) for item in spec.connections] == [
        "count.output -> scale.value",
        "scale.output -> odd.value",
    ]
    assert all(item.inferred for item in spec.connections)


def test_functional_wiring() -> None:
    """A call with ports records the connection and returns the output port."""
    count, scale, add = Count(), Scale(), Sum()
    numbers = count()
    add(a=numbers, b=scale(numbers))

    system = System([count, scale, add])

    assert connections(system) == [
        "count.output -> scale.value",
        "count.output -> sum.a",
        "scale.output -> sum.b",
    ]
    assert system.run(3, record="sum.output").records["sum.output"] == [
        (0, 0),
        (1, 3),
        (2, 6),
    ]


def test_wiring_by_address_and_by_port_is_the_same() -> None:
    """`connect` takes ports and addresses; repeating it changes nothing."""
    count, scale = Count(), Scale()
    system = System([scale, count])

    system.connect("count.output", "scale.value")
    system.connect(count.outputs.output, scale.inputs.value)

    assert connections(system) == ["count.output -> scale.value"]


def test_attributes_of_a_subclass_are_its_components() -> None:
    """Before and after `super().__init__()` alike; the default name is the class's."""

    class Robot(System):
        def __init__(self):
            self.count = Count()
            super().__init__()
            self.scale = Scale()

    robot = Robot()

    assert robot.name == "robot"
    assert [item.name for item in robot.components] == ["count", "scale"]
    assert robot.run(1, record="all").records["scale.output"] == [(0, 0)]


def test_subsystems_are_flattened_with_a_prefix() -> None:
    """Addresses show the nesting; a subsystem keeps its own wiring."""
    perception = System([Scale(), Odd()], name="perception")
    system = System([Count(), perception, Planner()])

    assert [item.name for item in system.to_spec().components] == [
        "count",
        "perception.scale",
        "perception.odd",
        "planner",
    ]
    assert connections(system)[-1] == "perception.odd.output -> planner.data"


def test_a_subsystem_that_works_alone_works_inside() -> None:
    """Its inferred chain stays when the outer system wires its ends."""
    inner = System([Scale(), Scale(name="again")], name="inner")
    count, planner = Count(), Planner()
    system = System([planner, inner, count])

    system.connect("count.output", "inner.scale.value")
    system.connect("inner.again.output", "planner.data")

    assert "inner.scale.output -> inner.again.value" in connections(system)
    assert codes(system) == []


def test_default_names_are_numbered() -> None:
    """Several components left with one default name are told apart in order."""
    system = System([Count(), Scale(), Scale(), Scale(name="scale_1")])

    assert [item.name for item in system.to_spec().components] == [
        "count",
        "scale_2",
        "scale_3",
        "scale_1",
    ]


def test_a_name_given_twice_is_an_error() -> None:
    """Both classes are named."""
    system = System([Count(name="x"), Scale(name="x")])

    assert codes(system) == ["duplicate-name"]
    with pytest.raises(lk.GraphError, match="a Count and a Scale"):
        system.run(1)


def test_an_unfed_input_shows_the_line_that_feeds_it() -> None:
    """The suggestion names a port that fits."""
    with pytest.raises(lk.GraphError) as caught:
        System([Count(), Sum()]).run(1)

    assert 'system.connect("count.output", "sum.a")' in str(caught.value)
    assert len(caught.value.issues) == 2


def test_two_sources_for_an_input_name_both() -> None:
    """The error prints the call that takes the first away, and that call works."""
    first, second, scale = Count(name="first"), Count(name="second"), Scale()
    scale(first())

    with pytest.raises(lk.GraphError) as caught:
        scale(second())

    text = str(caught.value)
    assert "'first.output'" in text
    assert "'second.output'" in text
    assert "scale.inputs.value.disconnect()" in text
    scale.inputs.value.disconnect()
    scale(second())
    assert connections(System([second, scale])) == ["second.output -> scale.value"]


def test_two_sources_through_connect_are_refused_too() -> None:
    """`disconnect` undoes what `connect` made."""
    first, second, scale = Count(name="first"), Count(name="second"), Scale()
    system = System([first, second, scale])
    system.connect("first.output", "scale.value")

    with pytest.raises(lk.GraphError, match=r"disconnect\(\)"):
        system.connect("second.output", "scale.value")

    scale.inputs.value.disconnect()
    system.connect("second.output", "scale.value")
    assert connections(system) == ["second.output -> scale.value"]


def test_types_that_cannot_match_are_an_issue() -> None:
    """Both ports and both types are named."""

    class Text(Component):
        def forward(self) -> str:
            return "x"

    with pytest.raises(lk.GraphError) as caught:
        System([Text(), Scale()]).run(1)

    assert str(caught.value).startswith("'text.output' gives str, but 'scale.value'")


def test_a_cycle_without_a_delay_is_printed_by_address() -> None:
    """The error shows where a delay would go; with it the loop runs."""
    a, b = Scale(name="a"), Scale(name="b")
    b(a(b.outputs.output))

    with pytest.raises(lk.GraphError) as caught:
        System([a, b]).run(1)

    assert "a.output -> b.value" in str(caught.value)
    assert "b.output -> a.value" in str(caught.value)
    assert ".delay(initial=...)" in str(caught.value)
    a.inputs.value.disconnect()
    a(b.outputs.output.delay(initial=1))
    records = System([a, b]).run(3, record="b.output").records
    assert records["b.output"] == [(0, 4), (1, 16), (2, 64)]


def test_a_delay_of_a_delay_is_refused() -> None:
    """It has no single meaning."""
    with pytest.raises(lk.GraphError, match="delayed twice"):
        Count().outputs.output.delay(initial=0).delay(initial=0)


def test_the_initial_value_must_fit_the_port() -> None:
    """Its type is checked like a connection's."""
    a = Scale(name="a")
    a(a.outputs.output.delay(initial="zero"))

    assert codes(System([a])) == ["type-mismatch"]


def test_the_initial_value_must_be_serializable() -> None:
    """Every engine needs it."""

    class Loose(Component):
        def forward(self, x):
            return x

    a = Loose()
    a(a.outputs.output.delay(initial=object()))

    assert codes(System([a])) == ["initial"]


def test_one_end_outside_is_an_issue() -> None:
    """Whichever end it is."""
    count, scale, odd = Count(), Scale(), Odd()
    odd(scale(count()))

    assert codes(System([scale, odd])) == ["outside"]
    assert codes(System([count, scale])) == ["outside"]
    with pytest.raises(lk.GraphError, match="'odd' is not in system"):
        System([count, scale]).run(1)


def test_one_end_outside_is_told_by_address_and_once() -> None:
    """No second issue says that the input is not connected, wherever it is."""
    count, scale, add = Count(), Scale(), Sum()
    scale(count())
    inner = System([scale, add], name="inner")

    issues = System([inner]).validate()

    assert [(issue.code, issue.address) for issue in issues] == [
        ("outside", "inner.scale.value"),
        ("unfed-input", "inner.sum.a"),
        ("unfed-input", "inner.sum.b"),
    ]
    assert "The connection count.output -> inner.scale.value has" in issues[0]


def test_many_unfed_inputs_get_no_made_up_lines() -> None:
    """Lines are shown for the first; what is said of the others is true as well."""
    issues = System([Count(), *(Sum() for _ in range(15))]).validate()

    assert len(issues) == 30
    assert "Connect it: system.connect(" in issues[0]
    assert issues[-1] == "Input 'sum_15.b' (int) is not connected."


def test_a_component_inside_a_component_is_refused() -> None:
    """Attribute, list or dict: the error says to use a System."""

    class Pipeline(Component):
        def __init__(self, stages: Any):
            super().__init__()
            self.stages = stages

        def forward(self):
            return 1

    for stages in (Scale(), [Scale()], {"a": Scale()}):
        with pytest.raises(lk.GraphError, match="put both into a System"):
            System([Pipeline(stages)]).run(1)


def test_a_mock_inside_a_component_is_no_component() -> None:
    """In tests of users it stands for a device, whatever attributes it has."""

    class Read(Component):
        def __init__(self, device: Any):
            super().__init__()
            self.device = device

        def forward(self) -> int:
            return int(self.device.read())

    device = MagicMock()
    device.read.return_value = 7

    report = System([Read(device)]).run(1, record="all")

    assert report.records == {"read.output": [(0, 7)]}


@pytest.mark.parametrize(
    ("item", "match"),
    [
        (lambda x: x, "forward method of a class"),
        (Scale, r"make an instance: Scale\(\)"),
        (7, "neither a Component nor a System"),
    ],
)
def test_what_is_no_component_is_refused(item: Any, match: str) -> None:
    """A lambda, a class and a number each get their own advice."""
    with pytest.raises(lk.GraphError, match=match):
        System([Count(), item]).run(1)


def test_the_same_component_twice_is_refused() -> None:
    """One object has one place."""
    scale = Scale()

    with pytest.raises(lk.GraphError, match="in the system twice"):
        System([Count(), scale, scale]).run(1)


def test_a_system_inside_itself_is_refused() -> None:
    """The recursion is found, not followed."""
    system = System([Count()])
    system.inner = system  # type: ignore[attr-defined]

    assert codes(system) == ["recursion"]


def test_two_nodes_of_one_name_are_refused() -> None:
    """Equal nodes are the same node; different ones are an error."""
    same = [Count(node=Node("n")), Scale(node=Node("n"))]
    different = [Count(node=Node("n")), Scale(node=Node("n", machine="m"))]

    assert codes(System(same)) == []
    assert codes(System(different)) == ["duplicate-node"]


def test_a_node_option_must_be_json() -> None:
    """Options travel in the spec."""
    system = System([Count(node=Node("n", affinity={1, 2}))])

    assert codes(system) == ["option"]


def test_every_on_a_component_with_a_sync_input_is_refused() -> None:
    """Its input fires it already."""
    scale = Scale()
    scale.every = 2

    with pytest.raises(lk.GraphError, match="Set every on the source"):
        System([Count(), scale]).run(1)


def test_a_sync_join_of_unequal_every_is_a_warning() -> None:
    """It names hold."""
    fast, slow, add = Count(name="fast"), Count(name="slow", every=3), Sum()
    add(fast(), slow())
    system = System([fast, slow, add])

    (issue,) = system.validate()
    assert (issue.code, issue.severity) == ("unequal-every", "warning")
    assert "policy='hold'" in issue
    with pytest.warns(lk.LkWarning, match="hold"):
        assert system.run(7).components["sum"].fired == 3


def test_an_empty_system_is_an_issue() -> None:
    """There is nothing to run."""
    assert codes(System()) == ["empty"]


def test_all_issues_come_at_once() -> None:
    """One error lists every one of them."""

    class Text(Component):
        def forward(self) -> str:
            return ""

    text, scale, add = Text(), Scale(), Sum()
    scale(text())

    with pytest.raises(lk.GraphError) as caught:
        System([text, scale, add]).run(1)

    assert [issue.code for issue in caught.value.issues] == [
        "type-mismatch",
        "unfed-input",
        "unfed-input",
    ]
    assert "has 3 errors" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"iterations": -1}, "iterations must be a whole number, 0 or more; got -1"),
        ({"iterations": 2.5}, "iterations must be"),
        ({"iterations": 1, "seed": -3}, "seed must be"),
        (
            {"iterations": 1, "rate_hz": 0},
            "rate_hz must be a number greater",
        ),
        (
            {"iterations": 1, "timeout_s": -1},
            "timeout_s must be a number greater",
        ),
        ({"iterations": 1, "window": 0}, "window must be"),
        ({"iterations": 1, "run_ahead": 0}, "run_ahead must be"),
    ],
)
def test_bad_numbers_at_launch_are_refused(options: dict[str, Any], match: str) -> None:
    """The name, the range and what came are in the text."""
    with pytest.raises(ValueError, match=match):
        System([Count()]).launch(**options)


def test_an_unknown_engine_option_is_refused() -> None:
    """The native engine has none of its own."""
    with pytest.raises(lk.EngineOptionError, match="'coordinator_addr'"):
        System([Count()]).run(1, coordinator_addr="10.0.0.1")


def test_an_unknown_port_to_record_is_refused() -> None:
    """The nearest one is named."""
    with pytest.raises(lk.GraphError, match=r"Did you mean 'count\.output'"):
        System([Count()]).run(1, record="count.outptu")


def test_all_unknown_ports_of_a_launch_are_named() -> None:
    """Not the first alone."""
    with pytest.raises(lk.GraphError) as caught:
        System([Count()]).run(1, record=["count.outptu", "sum.output"])

    text = str(caught.value)
    assert "no output port 'count.outptu' to record" in text
    assert "no output port 'sum.output' to record" in text


def test_an_unknown_port_to_connect_is_refused_at_once() -> None:
    """The nearest one is named."""
    system = System([Count(), Scale()])

    with pytest.raises(lk.GraphError, match=r"Did you mean 'scale\.value'"):
        system.connect("count.output", "scale.valu")


def test_swapped_ends_are_answered_with_the_right_line() -> None:
    """By address, by port, through a delay, and in a subsystem; the line works."""
    count, scale = Count(), Scale()
    system = System([count, System([scale], name="inner")])
    first, second = count.outputs.output, scale.inputs.value
    lines: dict[tuple[Any, Any], str] = {
        ("inner.scale.value", "count.output"): '"count.output", "inner.scale.value"',
        (second, first): "count.outputs.output, scale.inputs.value",
        (second, "count.output"): '"count.output", scale.inputs.value',
        (second, first.delay(initial=0)): (
            "count.outputs.output.delay(initial=0), scale.inputs.value"
        ),
    }

    for ends, line in lines.items():
        with pytest.raises(lk.GraphError) as caught:
            system.connect(*ends)

        assert "The ports are swapped" in str(caught.value)
        assert str(caught.value).endswith(f"Write: system.connect({line})")
        assert caught.value.issues[0].code == "swapped"
        exec(f"system.connect({line})", locals())
        assert second.linked_in
        second.disconnect()


def test_a_port_of_the_wrong_side_is_named_as_what_it_is() -> None:
    """And those that fit are listed."""
    system = System([Count(), Scale(), Odd()])

    with pytest.raises(lk.GraphError) as caught:
        system.connect("scale.value", "odd.value")

    assert str(caught.value) == (
        "'scale.value' is an input port; the first that connect takes is an output "
        "port. There are: count.output, scale.output, odd.output."
    )
    with pytest.raises(lk.GraphError, match=r"'scale\.output' is an output port"):
        system.connect("count.output", "scale.output")


def test_a_port_name_on_both_sides_is_taken_from_the_right_one() -> None:
    """An input and an output may share a name."""

    class Filter(Component):
        value = OutputPort(int)

        def forward(self, value: int) -> dict[str, int]:
            return {"value": value}

    first, second = Filter("first"), Filter("second")
    system = System([first, second])
    system.connect("first.value", "second.value")

    assert connections(system) == ["first.value -> second.value"]


def test_a_missing_node_is_answered_with_those_there_are() -> None:
    """A KeyError that names them."""
    with pytest.raises(KeyError, match="it has: 'main'"):
        System([Count()]).get_node("jetson")


def test_an_attribute_assigned_after_construction_is_a_warning_here() -> None:
    """It would be lost on an engine that makes the component anew."""
    scale = Scale()
    scale.offset = 3  # type: ignore[attr-defined]
    system = System([Count(), scale])

    (issue,) = system.validate()
    assert (issue.code, issue.severity) == ("assigned-attribute", "warning")
    assert "scale.offset" in issue
    assert "__init__" in issue
    with pytest.raises(lk.GraphError, match=r"scale\.offset"):
        system.save("never-written.json")


def test_a_config_changed_after_construction_is_noticed() -> None:
    """It is an assignment like any other."""
    scale = Scale()
    scale.config.factor = 5

    (issue,) = System([Count(), scale]).validate()

    assert "scale.config" in issue


def test_what_the_component_assigns_itself_is_state() -> None:
    """By hand, in a launch, and in the placement attributes."""
    count = Count()
    count.forward()
    count.name, count.every = "other", 2
    system = System([count])

    assert system.validate() == []
    system.run(3)
    assert system.validate() == []


def test_no_launch_sees_the_state_of_another() -> None:
    """The first runs the authored objects, the next ones fresh ones."""
    count = Count(start=5)
    system = System([count])

    first, second = (system.run(3, record="all") for _ in range(2))

    assert first.records == second.records == {"count.output": [(0, 5), (1, 6), (2, 7)]}
    assert first.instances["count"] is count
    assert second.instances["count"] is not count


def test_a_component_called_by_hand_runs_fresh() -> None:
    """What values were tried on is not what runs."""

    class Total(Component):
        def __init__(self):
            super().__init__()
            self.total = 0

        def forward(self, value: int) -> int:
            self.total += value
            return self.total

    total = Total()
    total(1000)

    report = System([Count(), total]).run(3, record="total.output")

    assert report.records["total.output"] == [(0, 0), (1, 1), (2, 3)]


def test_mutable_arguments_are_captured_before_the_constructor_changes_them() -> None:
    """A second launch begins where the first began."""

    class Queue(Component):
        def __init__(self, items: list[int]):
            super().__init__()
            self.items = items

        def forward(self):
            return self.items.pop()

    system = System([Queue([1, 2, 3])])

    assert system.run(2, record="all").records == system.run(2, record="all").records


def test_a_component_that_cannot_be_saved_runs_natively() -> None:
    """It is an error only where it must be made anew elsewhere."""

    class Local(Component):
        def __init__(self, function: Any):
            super().__init__()
            self.function = function

        def forward(self):
            return self.function()

    system = System([Local(lambda: 3)])

    assert system.run(1, record="all").records == {"local.output": [(0, 3)]}
    with pytest.raises(lk.GraphError, match="inside a function"):
        system.save("never-written.json")


def test_summary_and_mermaid_name_everything() -> None:
    """Both show components, ports, delay and hold."""

    class Held(Component):
        value = InputPort(int, policy="hold")

        def forward(self, value):
            return 1

    count, held, scale = Count(every=2), Held(), Scale()
    held(count())
    scale(held.outputs.output.delay(initial=0))
    system = System([count, held, scale])

    mermaid = system.to_mermaid()
    assert mermaid.startswith("flowchart LR")
    assert "count every 2" in mermaid
    assert "output → value (hold)" in mermaid
    assert "output → value (delay)" in mermaid
    for word in ("count", "held", "scale", "delayed", "main"):
        assert word in system.summary()


def test_stop_before_launch_does_nothing() -> None:
    """It ends launches that run, not those to come."""
    system = System([Count()])

    system.stop()

    assert system.run(3).iterations == 3


def test_a_limit_in_time_raises_with_the_report() -> None:
    """The run is cut as by stop()."""
    with pytest.raises(lk.LaunchTimeoutError) as caught:
        System([Count()]).run(timeout_s=0.05)

    assert caught.value.report.ended_by == "timeout"
    assert caught.value.report.iterations > 0
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize(
    "phase", ["on_configure", "on_activate", "on_deactivate", "on_shutdown", "forward"]
)
def test_a_component_that_raises_is_named(phase: str) -> None:
    """Component, node, phase, tick, traceback and report come with the error."""
    fail = Fail(phase, tick=7)

    with pytest.raises(lk.ComponentError) as caught:
        System([Count(), fail]).run(20)

    error = caught.value
    assert (error.component, error.node, error.phase) == ("fail", "main", phase)
    assert error.tick == (7 if phase == "forward" else None)
    assert isinstance(error.__cause__, ValueError)
    assert "asked to fail" in error.traceback
    assert error.report is not None
    assert error.report.components["count"].fired == {
        "forward": 8,
        "on_configure": 0,
        "on_activate": 0,
    }.get(phase, 20)


def test_a_component_that_raises_when_made_again_is_named() -> None:
    """The second launch makes fresh ones."""

    class Once(Component):
        made = 0

        def __init__(self):
            super().__init__()
            Once.made += 1
            if Once.made > 1:
                raise OSError("camera is busy")

        def forward(self):
            return 1

    system = System([Once()])
    system.run(1)

    with pytest.raises(lk.ComponentError, match=r"__init__: OSError: camera is busy"):
        system.run(1)


def test_a_traceback_shows_the_users_line_first() -> None:
    """No generated code and none of ours stands in it, sampled tick or not."""
    for tick in (3, 30):
        with pytest.raises(lk.ComponentError) as caught:
            System([Count(), Fail("forward", tick=tick)]).run(100)

        cause = caught.value.__cause__
        assert cause is not None
        trace = cause.__traceback__
        assert trace is not None
        assert trace.tb_frame.f_code.co_name == "forward"
        assert trace.tb_next is None


def test_the_place_of_an_error_is_the_users_line() -> None:
    """Not that of the library which raised."""

    class Read(Component):
        def forward(self) -> Any:
            return json.loads("{")

    with pytest.raises(lk.ComponentError) as caught:
        System([Read()]).run(1)

    line = Read.forward.__code__.co_firstlineno + 1
    assert caught.value.place == f"test_system.py:{line}"


def test_a_mutated_input_is_found() -> None:
    """`check_values` names the component and the port."""

    class Sort(Component):
        def forward(self, values: list[int]) -> list[int]:
            values.sort()
            return values

    class Source(Component):
        def forward(self) -> list[int]:
            return [3, 1, 2]

    system = System([Source(), Sort()])

    assert system.run(1).iterations == 1
    with pytest.raises(lk.ComponentError, match=r"changed the value.*'sort\.values'"):
        system.run(1, check_values=True)


def test_warnings_of_the_core_are_of_one_class() -> None:
    """They can be silenced together."""
    scale = Scale()
    scale.offset = 1  # type: ignore[attr-defined]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lk.LkWarning)
        System([Count(), scale]).run(1)


@dataclass
class Plain:
    values: list[int]


def test_a_dataclass_argument_is_captured() -> None:
    """Anything that can be saved may be an argument."""

    class Holder(Component):
        def __init__(self, plain: Plain):
            super().__init__()
            self.plain = plain

        def forward(self):
            self.plain.values.append(1)
            return len(self.plain.values)

    system = System([Holder(Plain([]))])

    assert system.run(2, record="all").records == system.run(2, record="all").records


def test_a_stop_before_the_run_has_begun_counts() -> None:
    """From the moment that launch is called."""

    class Eager(Component):
        def on_configure(self) -> None:
            system.stop()

        def forward(self) -> int:
            return 1

    system = System([Eager()])

    assert system.launch(timeout_s=30).iterations == 0


def test_overlapping_launches_leave_nothing_behind() -> None:
    """Each thread sees the system as it is."""
    system = System([Count()])
    threads = [
        threading.Thread(target=system.run, args=[n], kwargs={"rate_hz": 100})
        for n in (10, 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    system.other = Count(name="other")  # type: ignore[attr-defined]

    assert len(system.to_spec().components) == 2


WRONG: Any = System
WRONG_NODE: Any = Node
COUNT: Any = System([Count()])


def connect_components() -> None:
    """Connect components where ports were meant."""
    ends: Any = (Count(), Scale())
    System(list(ends)).connect(*ends)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Scale()(Count()), r"Pass its output: scale\(count\(\)\)"),
        (type("Empty", (Component,), {}), r"has no forward\(\). Write one"),
        (partial(WRONG, Count(), Scale()), r"one list: System\(\[camera"),
        (partial(WRONG, None), "one list"),
        (partial(WRONG_NODE, "a", machine=5), "machine of node 'a' is a name"),
        (lambda: System([Count()]).run(1, record=5), "output port or its address"),
        (lambda: System([Count()]).run(1, taps=["x"]), "taps is a list of Tap"),
        (connect_components, "connect goes"),
        (
            partial(COUNT.launch, 1, engine=3),
            "engine is a name, such as 'native'.*got 3",
        ),
        (partial(COUNT.compile, 3), "lk engines list"),
        (partial(COUNT.validate, ["native"]), r"got \['native'\]"),
        (
            partial(COUNT.launch, 1, engine=Engine),
            r"register_engine\('engine', Engine\)",
        ),
    ],
)
def test_a_slip_of_the_hand_is_answered_with_the_right_line(
    make: Any, match: str
) -> None:
    """A TypeError that shows what to write."""
    with pytest.raises(TypeError, match=match):
        make()


def test_a_misspelt_launch_option_is_answered_with_its_neighbour() -> None:
    """The standard ones are known to every engine."""
    with pytest.raises(lk.EngineOptionError, match="Did you mean 'iterations'"):
        System([Count()]).run(itrations=3)


def test_an_option_that_a_plug_in_of_ours_brings_is_answered_with_it() -> None:
    """Where that is not installed, no engine knows the option."""
    error = lk.EngineOptionError("native", ["record_to", "record_ports"], ["record"])

    assert str(error).endswith("To have it: pip install lk-record-mcap")


def test_numpy_numbers_are_numbers() -> None:
    """Whatever can be an index."""
    assert System([Count()]).run(np.int64(3)).iterations == 3


def test_subsystems_in_a_row_are_a_chain_too() -> None:
    """What each one infers inside does not keep the whole from being one."""
    first = System([Count(), Scale()], name="first")
    second = System([Odd(), Planner()], name="second")

    assert connections(System([first, second])) == [
        "first.count.output -> first.scale.value",
        "first.scale.output -> second.odd.value",
        "second.odd.output -> second.planner.data",
    ]


def test_a_mixed_wiring_survives_saving(tmp_path: Path) -> None:
    """What was inferred is still said to be."""
    inner = System([Count(), Scale()], name="inner")
    odd = Odd()
    odd(inner.children()[1].outputs.output)
    system = System([inner, odd])

    loaded = System.load(system.save(tmp_path / "robot.json"))

    assert loaded.to_spec() == system.to_spec()
    assert loaded.to_spec().digest() == system.to_spec().digest()


def test_progress_is_told_while_it_runs_and_at_the_end() -> None:
    """Slow ticks one by one."""
    told: list[int] = []

    System([Count()]).run(20, rate_hz=400, progress=told.append)

    assert told[-1] == 20
    assert len(told) > 5


@dataclass
class Whole:
    x: float
    y: float


def test_a_record_whose_fields_are_ports_is_explained() -> None:
    """The first thing that many write; the error shows how to send it whole."""

    class Locate(Component):
        def forward(self) -> Whole:
            return Whole(0, 0)

    class Drive(Component):
        def forward(self, pose: Whole) -> None: ...

    with pytest.raises(lk.GraphError) as caught:
        System([Locate(), Drive()]).run(1)

    assert "output = OutputPort(Whole)" in str(caught.value)
    assert len(caught.value.issues) == 1
    assert "locate.x" not in str(caught.value)


def test_a_dataclass_as_component_is_explained() -> None:
    """Equality by value leaves components without identity."""

    @dataclass
    class Gain(Component):
        factor: float = 2.0

        def forward(self) -> float:
            return self.factor

    with pytest.raises(lk.GraphError, match=r"@dataclass\(eq=False\)"):
        System([Gain()]).run(1)


def test_what_fails_afterwards_is_said_too() -> None:
    """On every Python version."""

    class Sad(Component):
        def forward(self) -> None:
            raise ValueError("first")

        def on_shutdown(self) -> None:
            raise OSError("second")

    with pytest.raises(lk.ComponentError, match=r"(?s)first.*on_shutdown.*second"):
        System([Sad()]).run(1)


def test_a_warning_of_a_launch_points_at_the_line_that_launched() -> None:
    """However many of our own functions are between."""
    scale = Scale()
    scale.offset = 1  # type: ignore[attr-defined]
    system = System([Count(), scale])

    for launch in (system.run, partial(system.launch, engine="native")):
        with pytest.warns(lk.LkWarning, match="was assigned after") as caught:
            launch(1)

        assert [item.filename for item in caught] == [__file__]
