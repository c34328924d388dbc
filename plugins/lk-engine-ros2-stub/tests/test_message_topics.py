"""Headers, transforms, images and messages of one's own, beside nodes by hand."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from message_package import (  # type: ignore[import-not-found]
    TF2,
    missing,
    run_build,
)
from ros_parts import KEPT, Labels, Looks, Passes  # type: ignore[import-not-found]
from test_message_conversion import (  # type: ignore[import-not-found]
    FIELDS,
    PART,
    SAMPLE,
)

from like_keras_core import Component, Node, System
from like_keras_core.testing import same
from like_keras_core.testing.components import Count
from lk_engine_ros2_stub import RosTopic, transform_sink, transform_source
from lk_engine_ros2_stub.headers import Header, Stamps, header_of
from lk_engine_ros2_stub.left_out import LeftOut
from lk_engine_ros2_stub.public_topics import PublicPort
from lk_engine_ros2_stub.ros_names import Naming

BY_HAND = Path(__file__).with_name("messages_by_hand.py")


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tf2_msgs`, of which there is no wheel, and a package of one's own."""
    if (lacking := missing()) is not None:
        pytest.skip(f"needs {lacking}")
    folder = tmp_path_factory.mktemp("packages")
    kinds = {"tf2_msgs": TF2, "lk_sample_msgs": {"Sample": SAMPLE, "Part": PART}}
    for name, messages in kinds.items():
        run_build(folder, name, messages, is_sent=True)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.usefixtures("launches")
def test_others_see_headers_transforms_and_messages(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they would of a node that was written by hand."""
    monkeypatch.setenv("PYTHONPATH", str(packages))
    monkeypatch.syspath_prepend(packages)
    process = subprocess.Popen(
        [sys.executable, BY_HAND],
        env=os.environ | {"ROS_LOG_DIR": str(tmp_path / "logs")},
        stdout=subprocess.PIPE,
        text=True,
    )
    here = Node("brain")
    camera = RosTopic(
        *("camera", "sensor_msgs/msg/Image", "/hand/camera", "source", KEPT, "count"),
        encoding="rgb8",
        header=True,
    )
    out = RosTopic(
        *("out", "sensor_msgs/msg/Image", "/hand/out", "sink", KEPT),
        encoding="bgr8",
        header=True,
        node=here,
    )
    labels, looks = Labels(node=here), Looks(node=here)
    tf = transform_source(ticks="count")
    static = transform_source("tf_static", static=True, ticks="count")
    tf_out = transform_sink(topic="/hand/tf", node=here)
    kind = "lk_sample_msgs/msg/Sample"
    sample = RosTopic("sample", kind, "/hand/sample", "source", KEPT, "count")
    echo = RosTopic("echo", kind, "/hand/echo", "sink", KEPT, node=here)
    passes = Passes(node=here)
    parts = [camera, labels, out, tf, static, looks, tf_out, sample, passes, echo]
    system = System(parts, name="plant")
    for ends in (
        "camera.output labels.image",
        "camera.header labels.header",
        "labels.image out.value",
        "camera.header out.header",
        "tf.output looks.tf",
        "tf_static.output looks.tf_static",
        "looks.output tf_out.value",
        "sample.output passes.value",
        "passes.output echo.value",
    ):
        system.connect(*ends.split())
    said: list[str] = []

    def wait() -> None:
        said.append(process.communicate(timeout=100)[0])
        system.stop()

    thread = threading.Thread(target=wait)
    thread.start()

    try:
        report = system.launch(engine="ros2", record=["sample.output"], timeout_s=100)
    finally:
        process.terminate()
        thread.join()

    found = json.loads(said[0])
    stamp = [1, 250_000_000]
    assert found["/plant/labels/image"][0] == [*stamp, "lens", "bgr8", "030201060504"]
    assert found["/hand/out"][0] == [*stamp, "lens", "bgr8", "030201060504"]
    assert found["/plant/labels/joints"][0] == [*stamp, "tool"]
    assert found["/plant/labels/twin"][0] == [3, 4, "own"]
    # What has no header of its own bears the ROS clock's time, one for all of a tick.
    now = found["/plant/labels/info"][1]
    assert now[0] > 1_700_000_000
    assert now[2] == "tool"
    assert found["/plant/labels/twin"][1] == [*now[:2], ""]
    assert found["/hand/tf"][0][1] == [10, 0, "map", "camera", 3.0]
    assert found["/hand/tf"][0][0][0] > 1_700_000_000
    assert found["/hand/tf"][0][0][2:] == ["map", "eye", 3.0]
    assert same(report.records["sample.output"][0], (0, FIELDS))
    assert found["/hand/echo"][0] == "equal"


def test_a_value_is_or_has_a_header() -> None:
    """As a dict, a dataclass or a message; an array has none."""
    header = {"stamp": {"sec": 1, "nanosec": 2}, "frame_id": "a"}

    assert header_of(header) == header_of({"header": header}) == Header(1, 2, "a")
    assert header_of({"frame_id": "a"}) == Header(0, 0, "a")
    for other in (None, 3, np.zeros(2), {}, {"header": None}, {"x": 1}):
        assert header_of(other) is None
    far: Any = ({"sec": 2**31}, {"sec": "x"}, {"nanosec": -1}, {"sec": float("inf")})
    for header in (*({"stamp": x} for x in (*far, 3)), {"frame_id": "a\0"}):
        with pytest.raises(TypeError, match="32 bit integers"):
            header_of(header)


def test_messages_of_one_tick_bear_one_time() -> None:
    """Of one component; the next tick has the next."""
    times = iter(range(10))
    clock: Any = SimpleNamespace(
        now=lambda: SimpleNamespace(to_msg=lambda: next(times))
    )
    stamps = Stamps(clock)

    assert [stamps.at("a", 0), stamps.at("b", 0), stamps.at("a", 0)] == [0, 1, 0]
    assert [stamps.at("a", 1), stamps.at("a", 1), stamps.now()] == [2, 2, 3]


class Says(Component):
    def forward(self, image: Any) -> Any:
        return image


def says(type: Any, **options: Any) -> Component:
    """Return a component whose output says something."""
    component = Says("says")
    component.outputs.output.type, component.outputs.output.options = type, options
    return component


JOINTS = "sensor_msgs/msg/JointState"


@pytest.mark.parametrize(
    ("type", "options", "text"),
    [
        (Any, {"frame_id": 3, "ros_type": JOINTS}, "'frame_id'.* a string; got 3"),
        (float, {"frame_id": "a"}, "std_msgs/msg/Float64 has no header"),
        (Any, {"frame_id": "a"}, "Say which with ros_type="),
        (
            Any,
            {"header_from": "imge", "ros_type": JOINTS},
            "'says' has no input 'imge'; its inputs are image. Did you mean 'image'",
        ),
        (np.ndarray, {"encoding": "rgb"}, "'rgb' is none of .*Did you mean 'rgb8'"),
        (Any, {"encoding": "rgb8", "ros_type": JOINTS}, "JointState has no encoding"),
    ],
)
def test_what_a_port_says_of_its_messages_is_checked(
    type: Any, options: dict[str, Any], text: str
) -> None:
    """Before any run, with its address."""
    count, component = Count(), says(type, **options)
    component(count())
    system = System([count, component], name="robot")
    issues = [x for x in system.validate(engine="ros2") if x.code == "ros-message"]

    (issue,) = issues
    assert issue.address == "says.output"
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(str(issue))


@pytest.mark.parametrize(
    ("type", "direction", "options", "text"),
    [
        ("Image", "source", {"encoding": "rgb"}, "Did you mean 'rgb8'"),
        ("Image", "source", {"encoding": "rgb8", "raw": True}, "either raw or has"),
        ("Image", "sink", {"raw": True}, "raw is of a source"),
        ("Image", "source", {"frame_id": "a"}, "frame_id is of a sink"),
        ("CompressedImage", "sink", {"encoding": "rgb8"}, "has no encoding"),
        ("JointState", "source", {"encoding": "rgb8"}, "has no encoding"),
    ],
)
def test_a_topic_that_cannot_be_is_refused(
    type: str, direction: str, options: dict[str, Any], text: str
) -> None:
    """Where it is made."""
    with pytest.raises(ValueError, match=text):
        RosTopic("x", f"sensor_msgs/msg/{type}", "/x", direction, **options)


def test_a_header_is_taken_from_an_input(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As long as that has one; where it has none that is said once."""
    component = says(Any, ros_type=JOINTS, header_from="image")
    spec = System([component], name="robot").to_spec()
    sent: list[Any] = []
    topic = SimpleNamespace(
        send=lambda value, where, **options: sent.append(options["header"])
    )
    node = SimpleNamespace(
        spec=spec, naming=Naming(spec), publish=lambda *args, **options: topic
    )
    monkeypatch.setattr("lk_engine_ros2_stub.public_topics.current", lambda: node)
    port = PublicPort("says.output")
    assert port.taken is not None
    stamp = {"sec": 1, "nanosec": 2}
    inputs: list[Any] = [
        {"stamp": stamp, "frame_id": "a"},
        {"header": {"stamp": stamp}},
    ]

    for tick, value in enumerate([*inputs, np.zeros(2), None, {"stamp": {"sec": "x"}}]):
        port.taken({"image": value})
        port(tick, {})

    assert sent == [Header(1, 2, "a"), Header(1, 2), None, None, None]
    (said,) = [item.getMessage() for item in caplog.records]
    assert "the input 'image' has no header. It is a ndarray; feed it" in said


def test_a_sink_leaves_out_what_does_not_fit(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once, and how many there were; the run goes on."""
    sink = RosTopic("cmd", "std_msgs/msg/Float64", "/cmd", "sink")

    class Refuses:
        def send(self, value: Any, where: str, **options: Any) -> None:
            raise TypeError(f"{where} must be a double; got {value!r}.")

        def close(self) -> None:
            pass

    refuses: Any = Refuses()
    sink._published, sink._left_out = refuses, LeftOut(sink.log, "The value")
    for _ in range(3):
        assert sink.forward(value="x") is None
    sink.on_deactivate()

    said = [item.getMessage().removeprefix("[cmd] ") for item in caplog.records]
    assert said == [
        "Not published at tick None: The value for 'cmd' must be a double; got 'x'.",
        "The value was not published 3 times.",
    ]


def test_a_source_of_transforms_waits_for_none() -> None:
    """It gives what has come, unless it is told otherwise."""
    assert transform_source().read == "all"
    assert transform_source(read="newest").read == "newest"
    assert transform_source(ticks="count").read is None


def test_what_is_not_asked_for_leaves_a_system_as_it_was() -> None:
    """Its spec has no word of it."""
    plain = RosTopic("x", "sensor_msgs/msg/Image", "/x", "source")
    (spec,) = System([plain]).to_spec().components

    assert not {"encoding", "raw", "header", "frame_id"} & set(spec.config or {})
    assert [port.name for port in spec.outputs] == ["output"]
