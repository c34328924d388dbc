"""What is refused, and in which words; nothing here needs ROS."""

import importlib.util
from typing import Any

import numpy as np
import pytest
from ros_parts import (  # type: ignore[import-not-found]
    Arm,
    Camera,
    Joints,
    Listener,
    Rest,
    Talker,
    View,
)

from like_keras_core import Component, Node, System
from like_keras_core.errors import CapabilityError, EngineError, GraphError
from like_keras_core.issue import Issue
from like_keras_core.spec import PortSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_ros2_stub import RosTopic
from lk_engine_ros2_stub.message_types import ENCODED, message_of
from lk_engine_ros2_stub.qos import PROFILES, Qos, mismatch, read_qos


def issues(*components: Component, name: str = "robot") -> list[Issue]:
    found = System(list(components), name=name).validate(engine="ros2")
    return [issue for issue in found if issue.plugin == "ros2"]


def one(*components: Component, name: str = "robot") -> Issue:
    (issue,) = issues(*components, name=name)
    return issue


def sending(type: Any = str, **options: Any) -> Component:
    talker: Component = Talker()
    talker.outputs.output.type, talker.outputs.output.options = type, options
    return talker


def reading(type: Any = str, **options: Any) -> Component:
    listener: Component = Listener()
    listener.inputs.value.type, listener.inputs.value.options = type, options
    return listener


def test_an_ordinary_system_has_no_issue() -> None:
    """Nothing is said about names and options that are fine."""
    assert issues(Count(node=Node("sensors")), Scale(node=Node("planning"))) == []


def test_a_name_that_ros_does_not_take_is_another_there() -> None:
    """It is a warning that shows the character, and the name in ROS."""
    issue = one(Count(node=Node("cam-1")))

    assert issue.severity == "warning"
    assert issue.address == "cam-1"
    assert str(issue) == (
        "Node name 'cam-1' is not a name in ROS: node name must not contain characters "
        "other than alphanumerics or '_':\n"
        "  'cam-1'\n"
        "      ^\n"
        "There 'cam-1' is called 'cam_1'. To have one name everywhere, rename it."
    )


def test_two_names_that_become_one_are_an_error() -> None:
    """Neither of them may win in silence."""
    found = issues(Count(node=Node("cam-1")), Scale(node=Node("cam_1")))
    errors = [issue for issue in found if issue.severity == "error"]

    assert [str(issue) for issue in errors] == [
        "Nodes 'cam-1' and 'cam_1' are both '/robot/cam_1' in ROS. Rename one of them."
    ]


def test_two_components_that_become_one_are_an_error() -> None:
    """Their topics and parameters would be the same."""
    found = issues(Count(name="a-b"), Count(name="a_b"), name="r")
    texts = [str(issue) for issue in found if issue.severity == "error"]

    assert (
        "Ports 'a-b.output' and 'a_b.output' are both '/r/a_b/output' in ROS."
        in (texts[0])
    )
    assert texts[1].startswith("Components 'a-b' and 'a_b' are both 'a_b' in ROS.")


def test_names_that_differ_in_case_only_are_an_error() -> None:
    """Their files would be one on some systems."""
    found = one(Count(node=Node("Arm")), Scale(node=Node("arm")))

    assert "'arm_node.py'" in found


def test_two_machines_with_one_launch_file_are_an_error() -> None:
    """Each machine has a file of its own."""
    a, b = Node("a", machine="x y"), Node("b", machine="x_y")

    assert "Machines 'x y' and 'x_y' are both 'robot.x_y.launch.py'" in one(
        Count(node=a), Scale(node=b)
    )


def test_a_topic_that_is_too_long_is_an_error() -> None:
    """ROS takes 247 characters, namespace and all."""
    issue = one(Count(name="c" * 240))

    assert issue.severity == "error"
    assert "length should not exceed '247'" in issue
    assert issue.address == f"{'c' * 240}.output"


def test_unknown_options_are_refused_with_a_near_miss() -> None:
    """On nodes and on both kinds of ports."""
    assert "does not know the option 'prefx' on node 'a'" in one(
        Count(node=Node("a", prefx="gdb"))
    )
    assert "Did you mean 'prefix'?" in one(Count(node=Node("a", prefx="gdb")))
    assert "Did you mean 'qos'?" in one(sending(qoss="reliable"))
    found = one(sending(), reading(ros_typ="std_msgs/msg/String"))
    assert "Did you mean 'ros_type'?" in found
    assert "port 'listener.value'" in found


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"env": {"A": 1}}, "'env' of node 'a' is a dict of strings"),
        ({"env": ["A"]}, "'env' of node 'a' is a dict of strings"),
        ({"prefix": ["gdb"]}, "'prefix' of node 'a' is a string"),
    ],
)
def test_options_of_the_wrong_kind_are_refused(options: Any, text: str) -> None:
    """The text says what is expected."""
    assert text in one(Count(node=Node("a", **options)))


def test_a_node_that_shall_be_respawned_is_refused() -> None:
    """A process that begins anew has lost its state."""
    system = System([Count(node=Node("a", respawn=True))])

    with pytest.raises(CapabilityError, match="Leave it out"):
        system.compile(engine="ros2")


@pytest.mark.parametrize(
    ("offered", "requested", "text"),
    [
        ("sensor_data", "reliable", "a best-effort publisher never reaches"),
        ("reliable", "latched", "a volatile publisher never reaches"),
        (None, {"durability": "transient_local"}, "a volatile publisher"),
    ],
)
def test_ends_that_would_not_connect_are_an_error(
    offered: Any, requested: Any, text: str
) -> None:
    """ROS would only log it, at run time."""
    given = {} if offered is None else {"qos": offered}
    issue = one(sending(**given), reading(qos=requested))

    assert issue.code == "ros-qos"
    assert text in issue
    assert "'talker.output' offers" in issue


def test_ends_that_connect_are_no_issue() -> None:
    """A reader may ask for less than it is offered."""
    camera, view = Camera(), View()
    view(camera.outputs.image)
    assert issues(camera, view) == []
    assert mismatch(PROFILES["latched"], PROFILES["sensor_data"]) is None
    assert mismatch(PROFILES["reliable"], Qos()) is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("sensor", "Did you mean 'sensor_data'?"),
        (3, "qos is one of reliable, sensor_data, latched"),
        ({"depth": 0}, "depth is a number of messages"),
        ({"depth": True}, "depth is a number of messages"),
        ({"reliabilty": "reliable"}, "Did you mean 'reliability'?"),
        ({"reliability": "best"}, "is none of best_effort, reliable"),
    ],
)
def test_a_qos_that_is_none_is_refused(given: Any, text: str) -> None:
    """Profiles go by name, or by their parts."""
    with pytest.raises(ValueError, match=r"qos|depth|reliab"):
        read_qos(given)
    assert text in one(sending(qos=given))


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ("bool", "std_msgs/msg/Bool"),
        ("int", "std_msgs/msg/Int64"),
        ("float", "std_msgs/msg/Float64"),
        ("str | None", "std_msgs/msg/String"),
        ("numpy.uint16", "std_msgs/msg/UInt16"),
        ("numpy.float32", "std_msgs/msg/Float32"),
        ("numpy.ndarray[numpy.dtype[numpy.uint8]]", "sensor_msgs/msg/Image"),
        ("NDArray[numpy.uint8]", "sensor_msgs/msg/Image"),
        ("NDArray[numpy.float32]", ENCODED),
        ("numpy.ndarray[numpy.dtype[numpy.float32]]", ENCODED),
        ("numpy.ndarray", ENCODED),
        ("bytes", ENCODED),
        ("list[int]", ENCODED),
        ("Any", ENCODED),
    ],
)
def test_a_type_has_its_message(annotation: str, message: str) -> None:
    """Scalars and texts, images by their annotation; the rest is encoded."""
    assert message_of(PortSpec(name="x", type=annotation)) == message


def test_numpy_annotations_are_written_as_the_rule_expects() -> None:
    """What the spec says of an image is what the rule reads."""
    (camera,) = System([Camera()]).to_spec().components

    assert list(map(message_of, camera.outputs)) == ["sensor_msgs/msg/Image", ENCODED]


def test_a_port_may_name_its_message() -> None:
    """A dict of a message's fields can be that message."""
    assert issues(Joints()) == []
    (joints,) = System([Joints()]).to_spec().components
    assert message_of(joints.outputs[0]) == "sensor_msgs/msg/JointState"


@pytest.mark.parametrize(
    ("annotation", "chosen", "text"),
    [
        (Any, "sensor_msgs/Image", "Did you mean 'sensor_msgs/msg/Image'?"),
        (Any, 3, "it is a string, such as 'sensor_msgs/msg/JointState'"),
        (str, "std_msgs/msg/Float64", "std_msgs/msg/Float64 holds a number"),
        (float, "std_msgs/msg/Int32", "std_msgs/msg/Int32 holds an integer"),
        (np.ndarray, "std_msgs/msg/String", "std_msgs/msg/String holds a string"),
        (int, "sensor_msgs/msg/Image", "sensor_msgs/msg/Image holds an array"),
        (int, "sensor_msgs/msg/JointState", "a dict or dataclass of that shape"),
    ],
)
def test_a_message_that_does_not_fit_is_refused(
    annotation: Any, chosen: Any, text: str
) -> None:
    """The text says what the message holds."""
    issue = one(sending(annotation, ros_type=chosen))

    assert issue.code == "ros-type"
    assert text in issue


def test_both_ends_name_one_message() -> None:
    """Two messages on one topic never meet."""
    issue = one(sending(), reading(Any, ros_type="std_msgs/msg/Bool"))

    assert "name different messages" in issue


def test_arguments_that_ros_cannot_hold_are_named() -> None:
    """They stay in the compiled system; None is silent, since it says nothing."""
    arm = Arm(table=np.zeros(2), config=Arm.Config(extra=[1, "a"]))
    system = System([Count(), arm], name="robot")
    (issue,) = [x for x in system.validate(engine="ros2") if x.plugin == "ros2"]

    assert issue.severity == "warning"
    assert "arm.table (a value of kind array)" in issue
    assert "arm.config.extra (a list of different types)" in issue


def test_a_parameter_inside_another_one_is_an_error() -> None:
    """YAML cannot hold both."""
    inner = System([Arm("x", name="b")], name="a")
    found = System([Arm({"b": 1}, name="b"), inner], name="r").validate(engine="ros2")
    assert not [issue for issue in found if issue.code == "ros-collision"]

    outer = Rest(b=1, name="a")
    found = System([outer, inner], name="r").validate(engine="ros2")
    (issue,) = [issue for issue in found if issue.code == "ros-collision"]

    assert "'a' and 'a.b'" in issue


def test_a_script_is_not_carried_along() -> None:
    """Its folder must be where the node looks."""
    spec = System([Count()], name="robot").to_spec().to_dict()
    spec["components"][0]["entry_point"] = "demo.py:Count"
    from like_keras_core.spec import SystemSpec
    from lk_engine_ros2_stub import Ros2Engine

    is_valid, (issue,) = Ros2Engine().validate(SystemSpec.from_dict(spec))

    assert is_valid
    assert "PYTHONPATH" in issue


def test_every_error_is_said_at_once(tmp_path: Any) -> None:
    """And nothing is written."""
    system = System([sending(qos="x", ros_type="y")], name="robot")

    with pytest.raises(GraphError) as caught:
        system.compile(engine="ros2", build_dir=tmp_path / "out")

    assert len(caught.value.issues) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(
    importlib.util.find_spec("rclpy") is not None, reason="rclpy is installed"
)
def test_without_rclpy_a_launch_says_how_to_get_it(
    tmp_path: Any, monkeypatch: Any
) -> None:
    """Both ways: a ROS installation, or the wheels. No process is started."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(EngineError, match="rclpy is not installed") as caught:
        System([Count()]).launch(1, engine="ros2")

    assert "source /opt/ros/DISTRO/setup.bash" in str(caught.value)
    assert "pip install 'lk-engine-ros2-stub[rclpy]'" in str(caught.value)


def source(name: str, **options: Any) -> RosTopic:
    return RosTopic(name, "std_msgs/msg/Int64", f"/{name}", "source", **options)


def test_a_topic_that_does_not_say_its_ticks_is_refused() -> None:
    """Where its output is connected."""
    topic, scale = source("number"), Scale(node=Node("b"))
    scale(topic())

    (issue,) = System([topic, scale]).validate(engine="ros2")

    assert (issue.code, issue.address) == ("foreign-ticks", "number.output")
    assert 'ticks="count"' in issue
    assert 'read="newest", "each" or "all"' in issue


def test_a_topic_that_is_not_waited_for_shares_a_node() -> None:
    """It needs a rate, which is the system's or the launch's."""
    options = {"stale_after_s": 1.0, "arrival": True}
    topic = source("number", read="newest", node=Node("b"), **options)
    topic.every = 2
    scale = Scale(node=Node("b"))
    scale(topic.outputs.output)
    system = System([topic, scale])

    assert [port.name for port in topic.outputs] == ["output", "arrival", "fresh"]
    (issue,) = system.validate(engine="ros2")
    assert (issue.code, issue.address) == ("foreign-rate", "number")
    assert "System(..., rate_hz=100)" in issue
    system.rate_hz = 100
    assert system.validate(engine="ros2") == []


def test_a_latest_input_that_would_stop_with_a_topic_is_warned_of() -> None:
    """Where the system has a rate, and waits for what is late."""
    topic, scale = source("number", ticks="count"), Scale(node=Node("b"))
    scale(topic())
    scale.inputs.value.policy = "latest"
    system = System([topic, scale], rate_hz=100)

    (issue,) = system.validate(engine="ros2")

    assert (issue.code, issue.severity) == ("foreign-latest", "warning")
    assert "read='newest'" in issue
    assert System([topic, scale], rate_hz=100, late="skip").validate("ros2") == []


def test_a_sink_reads_nothing() -> None:
    """And a source counts ticks, or has its own clock."""
    arguments = "number", "std_msgs/msg/Int64", "/n"
    with pytest.raises(ValueError, match="is a sink, which reads nothing"):
        RosTopic(*arguments, "sink", read="each")
    with pytest.raises(ValueError, match="ticks='count' and read='each'"):
        RosTopic(*arguments, "source", ticks="count", read="each")


def test_a_topic_that_is_waited_for_has_a_node_of_its_own() -> None:
    """It would halt who shares it, and it fires when others publish."""
    topic = source("number", ticks="count", node=Node("b"))
    topic.every = 2
    scale = Scale(node=Node("b"))
    scale(topic())

    issues = System([topic, scale]).validate(engine="ros2")

    assert [issue.code for issue in issues] == ["foreign-node", "foreign-node"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("std_msgs/Int64", "/n", "source"), "cannot be: message type"),
        (("std_msgs/msg/Int64", "/n-1", "source"), "cannot be: topic name"),
        (("std_msgs/msg/Int64", "n", "source"), "must be absolute"),
        (("std_msgs/msg/Int64", "/n", "in"), "one of 'source', 'sink'; got 'in'"),
        (("std_msgs/msg/Int64", "/n", "sink", "best"), "'best' is none of reliable"),
    ],
)
def test_a_topic_that_cannot_be_is_refused(arguments: Any, text: str) -> None:
    """With what ROS has against it, or what can be chosen."""
    with pytest.raises(ValueError, match=text):
        RosTopic("number", *arguments)


def test_values_that_no_codec_carries_are_refused() -> None:
    """Where they would cross nodes."""
    first, second = Count(node=Node("a")), Scale(node=Node("b"))
    first.outputs.output.type = second.inputs.value.type = memoryview

    (issue,) = System([first, second]).validate(engine="ros2")

    assert issue.code == "not-sendable"
