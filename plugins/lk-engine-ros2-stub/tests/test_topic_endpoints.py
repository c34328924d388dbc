"""Topics for ROS nodes that were written by hand, and theirs for us."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_parts import KEPT, Sees, Signals  # type: ignore[import-not-found]

from like_keras_core import Node, System
from like_keras_core.errors import CapabilityError
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Scale
from lk_engine_ros2_stub import RosTopic
from lk_engine_ros2_stub.shm_cleanup import remove_free, segments

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(120)]

BY_HAND = Path(__file__).with_name("ros_by_hand.py")
ByHand = Callable[..., Any]


@pytest.fixture
def by_hand(launches: str, tmp_path: Path) -> Iterator[ByHand]:
    """Start nodes that were written by hand; none outlives the test."""
    started = []
    before = segments()

    def start(*words: str) -> Any:
        process = subprocess.Popen(
            [sys.executable, BY_HAND, *words],
            env=os.environ | {"ROS_LOG_DIR": str(tmp_path / "logs")},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)
    remove_free(before)


def source(name: str, kind: str, **options: Any) -> RosTopic:
    """Return what joins a topic of others as a source."""
    topic = f"/hand/{name}"
    return RosTopic(name, kind, topic, "source", KEPT, ticks="count", **options)


def stop_after(process: Any, system: System) -> tuple[threading.Thread, list[str]]:
    """Stop a system when a process has ended; collect what that printed."""
    said: list[str] = []

    def wait() -> None:
        said.append(process.communicate(timeout=60)[0])
        system.stop()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread, said


def test_others_receive_what_components_publish(by_hand: ByHand) -> None:
    """Text, number, image and joints: each value once, in order, from the first on.

    What is of one tick bears one time.
    """
    topics = {"word": "String", "level": "Float64"}
    topics |= {"image": "Image", "joints": "JointState"}
    words = [f"/plant/signals/{port}={kind}" for port, kind in topics.items()]
    listener = by_hand("listen", "5", *words)
    assert listener.stdout.readline() == "ready\n"
    system = System([Signals(node=Node("a"))], name="plant")
    thread, said = stop_after(listener, system)

    system.launch(engine="ros2", rate_hz=100, timeout_s=60)

    thread.join()
    found = json.loads(said[0])
    stamps = [item[-1] for item in found["/plant/signals/image"]]
    assert stamps == sorted(set(stamps))
    assert abs(time.time_ns() - stamps[0]) < 60e9
    assert found["/plant/signals/word"] == [f"number {n}" for n in range(5)]
    assert found["/plant/signals/level"] == [n / 4 for n in range(5)]
    assert found["/plant/signals/image"] == [
        ["rgb8", [1, 2, 6], bytes([n] * 6).hex(), "lens", stamps[n]] for n in range(5)
    ]
    assert found["/plant/signals/joints"] == [
        [["elbow", "wrist"], [n, n / 2], "arm", stamps[n]] for n in range(5)
    ]


def test_topics_of_others_feed_components(by_hand: ByHand) -> None:
    """Their n-th message is the value of tick n."""
    kinds = {"level": "Float64", "image": "Image", "joints": "JointState"}
    by_hand("talk", *(f"/hand/{name}={kind}" for name, kind in kinds.items()))
    packages = {"level": "std_msgs"}
    parts: list[Any] = [
        source(
            name,
            f"{packages.get(name, 'sensor_msgs')}/msg/{kind}",
            header=name == "image",
        )
        for name, kind in kinds.items()
    ]
    parts.append(Sees(node=Node("b")))
    system = System(parts, name="plant")
    for part in parts[:3]:
        system.connect(f"{part.name}.output", f"sees.{part.name}")

    report = system.launch(8, engine="ros2", record="all", timeout_s=60)

    image = [np.array([[n, 1, 2], [n, 4, 5]], np.uint8) for n in range(8)]
    assert report.iterations == 8
    assert report.records["level.output"] == [(n, n / 4) for n in range(8)]
    assert same(report.records["image.output"], list(enumerate(image)))
    assert report.records["image.header"] == [
        (n, {"stamp": {"sec": n, "nanosec": 0}, "frame_id": "lens"}) for n in range(8)
    ]
    assert report.records["sees.output"] == [
        (n, f"{n / 4} (2, 3) ['elbow'] [{n}.]") for n in range(8)
    ]


@pytest.mark.slow
def test_a_sink_publishes_on_a_topic_of_others(by_hand: ByHand) -> None:
    """Under its name, and with its quality of service."""
    listener = by_hand("listen", "3", "/cmd/level=Float64")
    assert listener.stdout.readline() == "ready\n"
    here = Node("a")
    count, scale = Count(node=here), Scale(node=here)
    sink = RosTopic(
        "cmd", "std_msgs/msg/Float64", "/cmd/level", "sink", KEPT, node=here
    )
    sink(scale(count()))
    system = System([count, scale, sink])
    thread, said = stop_after(listener, system)

    system.launch(engine="ros2", rate_hz=100, timeout_s=60)

    thread.join()
    assert json.loads(said[0]) == {"/cmd/level": [0.0, 2.0, 4.0]}


@pytest.mark.slow
def test_a_stop_ends_a_run_that_waits_for_others() -> None:
    """Nobody publishes; the run ends at a stop all the same, with nothing counted."""
    topic, scale = source("number", "std_msgs/msg/Int64"), Scale(node=Node("b"))
    scale(topic())
    system = System([topic, scale])
    timer = threading.Timer(4, system.stop)
    timer.start()

    report = system.launch(engine="ros2", timeout_s=40)

    timer.join()
    assert (report.ended_by, report.iterations) == ("stop", 0)


@pytest.mark.slow
def test_a_value_that_no_message_carries_is_left_out_and_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The run goes on: elsewhere there is no message that it could miss."""
    system = System([Signals(bad_at=3, node=Node("a"))], name="plant")

    report = system.launch(10, engine="ros2", record=["signals.level"])

    assert report.records["signals.level"][3] == (3, "high")
    (said,) = [x.getMessage() for x in caplog.records if x.name == "like_keras.signals"]
    assert said.startswith("Not published at tick 3: The value of 'signals.level' must")


def test_other_engines_refuse_a_topic() -> None:
    """By the capability that they lack."""
    topic, scale = source("number", "std_msgs/msg/Int64"), Scale(node=Node("b"))
    scale(topic())

    with pytest.raises(CapabilityError, match="foreign-nodes"):
        System([topic, scale]).launch(1, engine="native")
