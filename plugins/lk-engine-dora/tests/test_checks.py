"""What dora cannot run is refused before a file is written, all of it at once."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pyarrow as pa
import pytest

import like_keras_core as lk
from like_keras_core import Component, GraphError, InputPort, Node, OutputPort, System
from like_keras_core.engine_kit.serializability import refusals
from like_keras_core.issue import Issue
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.spec import ComponentSpec, NodeSpec, PortSpec, SystemSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora import DoraNode
from lk_engine_dora.env_vars import arrives_as


def issues(system: System | SystemSpec) -> list[Issue]:
    """Return what the engine finds, after the core's own checks."""
    if isinstance(system, System):
        return system.validate("dora")
    found = get_engine("dora").validate(system)[1]
    return [item for item in found if isinstance(item, Issue)]


def only(system: System | SystemSpec) -> Issue:
    (issue,) = issues(system)
    return issue


def pair(**options: Any) -> System:
    """One connection between two nodes, the first of which has options."""
    return System([Count(node=Node("a", **options)), Scale(node=Node("b"))])


def crossing(kind: Any) -> System:
    """One connection between two nodes that carries a type."""
    source, sink = Source(node=Node("a")), Sink(node=Node("b"))
    source.outputs.output.type = kind
    sink.inputs.value.type = kind
    return System([source, sink])


class Source(Component):
    output = OutputPort(Any)

    def forward(self) -> dict[str, Any]:
        return {"output": None}


class Sink(Component):
    value = InputPort(Any)

    def forward(self, value: Any) -> None:
        pass


class Pose(NamedTuple):
    x: float
    image: np.ndarray


@dataclass
class Scan:
    ranges: np.ndarray
    pose: Pose | None = None


@dataclass
class Log:
    file: io.TextIOWrapper


class Colour(Enum):
    RED = 1


class Shape:
    pass


@dataclass
class Circle(Shape):
    radius: float


class Device:
    pass


class Label(str):
    __slots__ = ()


class Options(TypedDict):
    gain: float


class Registered:
    pass


lk.register_type(Registered, lambda value: 0, lambda data: Registered())


def test_a_sound_system_has_no_issues() -> None:
    assert issues(pair()) == []
    assert get_engine("dora").validate(pair()) == (True, [])


def test_nothing_is_written_when_something_is_refused(tmp_path: Path) -> None:
    """Every issue is in the error."""
    system = pair(cpu_afinity=[0], env={"LD_PRELOAD": "x"}, python="python")

    with pytest.raises(GraphError, match="3 errors") as caught:
        system.compile(engine="dora", build_dir=tmp_path / "build")

    assert {issue.code for issue in caught.value.issues} == {"option"}
    assert {issue.address for issue in caught.value.issues} == {"a"}
    assert list(tmp_path.iterdir()) == []


def test_a_spec_that_is_unsound_is_refused_by_the_engine_too(tmp_path: Path) -> None:
    """Called with a spec, it asks the core first."""
    spec = System([Scale()]).to_spec()

    with pytest.raises(GraphError, match="not connected"):
        get_engine("dora").compile(spec, build_dir=tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"cpu_afinity": [0]}, "does not know the option 'cpu_afinity' on node 'a'"),
        ({"cpu_afinity": [0]}, "Did you mean 'cpu_affinity'?"),
        ({"min_log_level": "warn"}, "It knows: cpu_affinity, env, python"),
        ({"cpu_affinity": 1}, "is a list of the numbers of cores, such as [0, 1]"),
        ({"cpu_affinity": []}, "is a list of the numbers of cores"),
        ({"cpu_affinity": [-1]}, "is a list of the numbers of cores"),
        ({"cpu_affinity": [True]}, "is a list of the numbers of cores"),
        ({"python": "python3"}, "is the absolute path of an interpreter"),
        ({"python": "/no/such/python"}, "'/no/such/python', does not exist on this"),
        ({"working_dir": "data"}, "is the absolute path of a folder"),
        ({"working_dir": "/no/such"}, "The working_dir of node 'a', '/no/such', does"),
        (
            {"shared_memory_pool_size": "64MiB"},
            "or a string such as '64MB'; got '64MiB'",
        ),
        ({"shared_memory_pool_size": 0}, "is a number of bytes"),
        ({"env": ["A=1"]}, "is a dict of strings, numbers and booleans"),
        ({"env": {"A": [1]}}, "is a dict of strings, numbers and booleans"),
        ({"env": {"A B": "1"}}, "'A B', which cannot be the name of an environment"),
        ({"env": {"LK_NODE": "b"}}, "'LK_NODE', which the engine sets itself"),
        ({"env": {"LD_PRELOAD": "b"}}, "'LD_PRELOAD', which dora keeps from nodes"),
        ({"env": {"A": "007"}}, "'007' dora would turn into the number 7"),
        ({"env": {"A": "a\0b"}}, "null character"),
    ],
)
def test_an_option_that_cannot_be_followed_is_refused(
    options: dict[str, Any], text: str
) -> None:
    issue = only(pair(**options))

    assert text in issue
    assert (issue.code, issue.address, issue.severity) == ("option", "a", "error")


def test_what_another_machine_has_is_not_looked_for_here() -> None:
    """Only paths of this machine can be checked."""
    there = {"python": "/opt/there/python", "working_dir": "/opt/there"}

    assert issues(pair(machine="jetson", **there)) == []


@pytest.mark.parametrize(
    "name",
    [
        *("restart_policy", "max_restarts", "restart_delay"),
        *("max_restart_delay", "restart_window"),
    ],
)
def test_a_restart_policy_is_refused(name: str, tmp_path: Path) -> None:
    """State would be lost; it is a capability that the engine does not have."""
    system = pair(**{name: 1})

    assert f"{name!r} on node 'a'" in only(system)
    with pytest.raises(lk.CapabilityError, match="restart"):
        get_engine("dora").compile(system, build_dir=tmp_path)
    with pytest.raises(lk.CapabilityError, match="has lost the state"):
        system.compile(engine="dora", build_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_options_of_ports_are_checked() -> None:
    """`max_bytes` belongs to outputs, and counts bytes."""
    system = pair()
    output, value = system.components[0].outputs.output, system.components[1].inputs
    output.options = {"max_byte": 1}
    value["value"].options = {"max_bytes": 1}

    first, second = issues(system)

    assert "the option 'max_byte' on port 'count.output'" in first
    assert "Did you mean 'max_bytes'?" in first
    assert "the option 'max_bytes' on port 'scale.value'. It knows: none" in second
    assert second.address == "scale.value"


@pytest.mark.parametrize("size", [0, -1, 1.5, "1MB", True])
def test_max_bytes_counts_bytes(size: object) -> None:
    system = pair()
    system.components[0].outputs.output.options = {"max_bytes": size}

    assert "max_bytes of 'count.output' is the size of its largest" in only(system)


def test_names_that_dora_refuses_are_refused() -> None:
    """Other letters than ASCII's, in what crosses; and dora's own name."""
    system = System(
        [
            Count(name="zähler", node=Node("dora")),
            Scale("größe", node=Node("küche")),
            Scale("last", node=Node("b")),
        ]
    )

    texts = issues(system)

    assert [issue.code for issue in texts] == ["dora-name"] * 4
    assert "A node cannot be called 'dora'" in texts[0]
    assert "Node 'küche' cannot be the id of a dora node" in texts[1]
    assert "The port 'zähler.output' crosses nodes" in texts[2]
    assert "The port 'größe.output' crosses nodes" in texts[3]


def test_names_that_stay_inside_a_node_are_free() -> None:
    """dora never sees them."""
    node = Node("a")

    assert (
        issues(System([Count(name="zähler", node=node), Scale("größe", node=node)]))
        == []
    )


@pytest.mark.parametrize(("name", "seen"), [("007", "7"), ("1e3", "1000")])
def test_a_node_whose_name_is_read_as_another_number_is_refused(
    name: str, seen: str
) -> None:
    """Its process would not know which node it is."""
    system = System([Count(node=Node(name))])

    assert f"would call the process {seen!r}" in only(system)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        *(("007", "7"), ("1.50", "1.5"), ("+5", "5"), ("nan", "NaN"), (".5", "0.5")),
        *(("1e3", "1000"), ("1e400", "inf"), ("-0", "0"), ("5.", "5"), ("00", "0")),
        ("99999999999999999999", "100000000000000000000"),
        *(("Infinity", "inf"), ("-1.0", "-1"), ("1.0", "1")),
        *((same, same) for same in ("1_000", "0x10", "True", "inf", " 5", "", "1.5")),
        *((same, same) for same in ("null", "12", "-7", "1e3$", "192.168.1.4")),
    ],
)
def test_what_dora_makes_of_a_text_is_known(text: str, seen: str) -> None:
    """As observed with dora 1.1."""
    assert arrives_as(text) == seen


@pytest.mark.parametrize(
    "kind",
    [
        *(int, float, bool, str, bytes, complex, object, Any, list, dict, Path),
        *(list[int], dict[str, float], tuple[int, ...], set[str], int | None),
        *(np.ndarray, np.float32, list[np.ndarray], Pose, Scan, Colour, Registered),
        *(Shape, Options, Iterator[int], Callable[[], int]),
    ],
)
def test_types_that_can_be_sent_pass(kind: Any) -> None:
    """So does what may stand for a class that can: `Shape` has the subclass Circle."""
    assert issues(crossing(kind)) == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (bytearray, "no codec carries bytearray"),
        (memoryview, "no codec carries memoryview"),
        (list[bytearray], "no codec carries bytearray"),
        (dict[str, Device] | None, "test_checks.Device; use a dataclass"),
        (Device, "or teach like_keras the class with lk.register_type"),
        (Label, "test_checks.Label"),
        (Log, "TextIOWrapper; use a dataclass"),
        (np.random.Generator, "no codec carries numpy.random.Generator"),
        (np.matrix, "no codec carries numpy.matrix"),
        (pa.Table, "Table is not sent; send a pyarrow.Array, or a numpy array"),
    ],
)
def test_types_that_no_codec_carries_are_refused(kind: Any, text: str) -> None:
    issue = only(crossing(kind))

    assert text in issue
    assert issue.startswith("Values of 'source.output' (")
    assert (issue.code, issue.address) == ("not-sendable", "source.output")


def test_a_class_inside_a_function_is_refused() -> None:
    """No other process finds it."""

    @dataclass
    class Inner:
        x: int

    assert "is defined inside a function" in only(crossing(Inner))


def test_values_that_stay_on_a_node_may_be_anything() -> None:
    """Nothing is encoded there."""
    source, sink = Source(), Sink()
    source.outputs.output.type = sink.inputs.value.type = Device

    assert issues(System([source, sink])) == []


@pytest.mark.parametrize("text", ["no_such.Class", "Literal['a.b']", "<odd>", "T"])
def test_what_is_not_known_here_passes(text: str) -> None:
    """A spec may come from elsewhere."""
    assert refusals(text) == []


def spec_with(entry_point: str, machine: str = "local") -> SystemSpec:
    component = ComponentSpec(
        name="camera", node="eye", entry_point=entry_point, config={}
    )
    return SystemSpec(
        nodes=(NodeSpec(name="eye", machine=machine),), components=(component,)
    )


@pytest.mark.parametrize(
    ("entry_point", "what"),
    [
        ("no_such_module:Camera", "the module 'no_such_module', which has Camera"),
        ("os.no_such:Camera", "the module 'os.no_such'"),
        ("no_such_script.py:Camera", "the script 'no_such_script.py'"),
    ],
)
def test_code_that_a_process_here_would_not_find_is_refused(
    entry_point: str, what: str
) -> None:
    """Before any process has started."""
    issue = only(spec_with(entry_point))

    assert f"The process of node 'eye' would not find {what}" in issue
    assert (issue.code, issue.address) == ("not-importable", "camera")


def test_code_of_other_machines_is_their_own() -> None:
    """They say so themselves, when they are ready."""
    assert issues(spec_with("no_such_module:Camera", "jetson")) == []


def test_a_class_inside_a_function_cannot_run_elsewhere() -> None:
    """The core says so, since processes make components anew."""

    class Inner(Component):
        def forward(self) -> int:
            return 1

    issue = only(System([Inner()]))

    assert issue.code == "not-serializable"
    assert "which is defined inside a function" in issue


def test_an_argument_that_cannot_be_captured_is_refused() -> None:
    """As above: a lambda is no data."""

    issue = only(System([Count(start=lambda: 0)]))  # type: ignore[arg-type]

    assert issue.code == "not-serializable"
    assert "'start'" in issue


def test_two_nodes_at_one_address_are_a_warning() -> None:
    """Each would need a daemon of its own."""
    system = System(
        [
            Count(node=Node("a", machine="10.0.0.2")),
            Scale(node=Node("b", machine="10.0.0.2")),
        ]
    )

    issue = only(system)

    assert "needs a dora daemon for each of its nodes" in issue
    assert issue.severity == "warning"


def test_a_dataflow_that_dora_cannot_hand_over_is_refused() -> None:
    """Each node gets all of it in one environment variable."""
    many = [Scale(node=Node(f"node_{n}")) for n in range(400)]

    issue = only(System([Count(), *many]))

    assert "to each of its 401 nodes in one environment variable" in issue
    assert "which holds 128 KB" in issue


def sender(**options: Any) -> DoraNode:
    return DoraNode("sender", "pyarrow-sender", outputs=["data"], **options)


def test_a_connected_output_of_a_dora_node_needs_ticks() -> None:
    """Its messages would have no place in time."""
    issue = only(System([sender(), Scale()]))

    assert "takes values from dora node 'sender', which do not say their" in issue
    assert "DoraNode('sender', ..., ticks=\"count\")" in issue
    assert (issue.code, issue.address) == ("foreign-ticks", "sender.data")
    assert issues(System([sender(ticks="count"), Scale()])) == []


def test_an_output_that_nothing_reads_needs_no_ticks() -> None:
    assert issues(System([Count(), sender()])) == []


def test_a_dora_node_cannot_be_placed() -> None:
    """Neither on another node, nor may something be placed on its own."""
    moved = sender(ticks="count")
    moved.node = Node("sender", engine="dora", env={"A": "1"})
    shared = sender(ticks="count")

    assert "is a node of its own" in only(System([moved, Scale()]))
    guest = Scale(node=shared.node)
    assert "cannot be placed on node 'sender' or share it" in only(
        System([shared, guest])
    )


def test_a_delay_into_a_dora_node_is_like_any_other() -> None:
    """The process beside it has the register."""
    count, sink = Count(), DoraNode("sink", "pyarrow-assert", inputs=["data"])
    sink.inputs.data.connect(count.outputs.output.delay(initial=0))

    assert issues(System([count, sink])) == []


def test_the_readers_of_a_dora_node_agree_on_a_form() -> None:
    """Its values are arrays of Arrow for all of them, or of numpy."""
    node, first, second = sender(ticks="count"), Sink("first"), Sink("second")
    first.node, second.node = Node("a"), Node("b")
    first.inputs.value.type, second.inputs.value.type = np.ndarray, pa.Array
    for reader in (first, second):
        reader(node.outputs.data)

    issue = only(System([node, first, second]))

    assert "go to 'first.value', which is annotated as numpy.ndarray, and to" in issue
    assert "'second.value', which is annotated as pyarrow.lib.Array" in issue
    assert (issue.code, issue.address) == ("foreign-types", "sender.data")


def test_every_means_nothing_on_a_dora_node() -> None:
    node = sender()
    node.every = 2

    assert "every=2 of 'sender' means nothing" in only(System([Count(), node]))


def test_the_environment_of_a_dora_node_is_checked() -> None:
    system = System([Count(), sender(env={"A": "1.0"})])

    assert "'1.0' dora would turn into the number 1" in only(system)


def test_types_do_not_matter_between_us_and_a_dora_node() -> None:
    """Arrow arrays are values as any other."""
    source = Source()
    source.outputs.output.type = pa.Array
    sink = DoraNode("sink", "pyarrow-assert", inputs=["data"])

    assert issues(System([source, sink])) == []


def test_a_port_of_an_unknown_type_is_checked_by_its_name_alone() -> None:
    """A spec from elsewhere has no classes, only texts."""
    spec = crossing(int).to_spec()
    first, second = spec.components
    ports = (PortSpec(name="output", type="elsewhere.Message"),)
    odd = ComponentSpec(
        name=first.name,
        node=first.node,
        entry_point=first.entry_point,
        config={},
        outputs=ports,
    )
    spec = SystemSpec(
        nodes=spec.nodes, components=(odd, second), connections=spec.connections
    )

    assert issues(spec) == []
