"""Topics that have clocks of their own, and what goes wrong with them."""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from like_keras_core import Component, InputPort, Node, System
from like_keras_core.report import Progress
from lk_engine_ros2_stub import RosTopic
from lk_engine_ros2_stub.shm_cleanup import remove_free, segments

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(120)]

DRIVERS = Path(__file__).with_name("ros_drivers.py")


@pytest.fixture
def drive(launches: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start drivers; none outlives the test."""
    started: list[subprocess.Popen[str]] = []
    before = segments()

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, DRIVERS, *words],
            env=os.environ | {"ROS_LOG_DIR": str(tmp_path / "logs")},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)
    remove_free(before)


class Watch(Component):
    """Notes what it sees at each tick, whatever there is."""

    beat = InputPort(float, policy="hold")
    nobody = InputPort(float, policy="hold")
    typed = InputPort(str, policy="hold")
    deaf = InputPort(float, policy="hold")

    def forward(
        self, fresh: bool, beat: Any, nobody: Any, typed: Any, deaf: Any
    ) -> tuple[Any, ...]:
        return fresh, beat, nobody, typed, deaf


def watching() -> System:
    """A loop beside four topics, three of which will never say anything."""
    here = Node("control")

    def topic(name: str, kind: str, **options: Any) -> RosTopic:
        return RosTopic(
            *(name, f"std_msgs/msg/{kind}", f"/hand/{name}", "source"),
            node=here,
            read="newest",
            **options,
        )

    watch = Watch(node=here)
    beat = topic("beat", "Float64", stale_after_s=0.4, arrival=True)
    others = [topic("nobody", "Float64"), topic("typed", "String")]
    others.append(topic("deaf", "Float64", qos="reliable"))
    watch(
        beat=beat.outputs.output,
        fresh=beat.outputs.fresh,
        **{other.name: other.outputs.output for other in others},
    )
    return System([beat, *others, watch], name="watching", rate_hz=50)


def test_a_loop_goes_on_whatever_becomes_of_its_topics(
    drive: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """One stops and comes again, which it sees; what the others lack is said."""
    words = ["/hand/beat=std_msgs/msg/Float64@50"]
    others = [
        "/hand/typed=std_msgs/msg/Float64@20",
        "/hand/deaf=std_msgs/msg/Float64@20,best_effort",
    ]
    drive(*others)
    first = drive(*words)
    system = watching()
    received = [0]

    def look(ticks: int) -> None:
        assert isinstance(ticks, Progress)
        if (so_far := ticks.report()) is not None:
            received[0] = so_far.components["beat"].arrivals["output"].received

    def wait_for(count: int) -> None:
        until = time.monotonic() + 40
        while received[0] < count and time.monotonic() < until:
            time.sleep(0.05)

    def restart() -> None:
        wait_for(40)
        first.terminate()
        time.sleep(1.5)
        drive(*words)
        wait_for(received[0] + 40)
        system.stop()

    thread = threading.Thread(target=restart)
    thread.start()

    report = system.launch(
        engine="ros2",
        launcher="rclpy",
        record="all",
        timeout_s=60,
        progress=look,
    )

    thread.join()
    assert report.iterations > 50
    fresh = [value for _, value in report.records["beat.fresh"]]
    assert len(fresh) == report.iterations
    changes = [now for was, now in itertools.pairwise(fresh) if now != was]
    assert changes[-2:] == [False, True]
    seen = [value for _, value in report.records["watch.output"]]
    assert [value[0] for value in seen] == fresh
    assert {value[2:] for value in seen} == {(None, None, None)}
    came = report.components["beat"].arrivals["output"]
    assert came.taken == len(report.records["beat.output"]) > 50
    assert came.silent_s is not None
    assert came.silent_s > 0.5
    assert f"beat.output: {came.taken} of {came.received} values taken" in str(report)
    arrival = dict(report.records["beat.arrival"])[report.records["beat.output"][0][0]]
    assert 0 <= arrival["age_s"] < 2
    assert abs(arrival["received_ns"] * 1e-9 - time.time()) < 60
    said = {
        name: [
            record.getMessage().partition("] ")[2]
            for record in caplog.records
            if record.name == f"like_keras.{name}"
        ]
        for name in ("beat", "nobody", "typed", "deaf")
    }
    assert any("'/hand/beat' is silent: nothing for" in text for text in said["beat"])
    assert any("'/hand/beat' sends again" in text for text in said["beat"])
    (nobody,) = said["nobody"]
    assert nobody.startswith("The topic '/hand/nobody' is published by nobody;")
    (typed,) = (text for text in said["typed"] if "by nobody" not in text)
    assert typed == (
        "The topic '/hand/typed' is published as std_msgs/msg/Float64 by node "
        "'/driver'; this source reads std_msgs/msg/String, and gets nothing of it."
    )
    (deaf,) = (text for text in said["deaf"] if "by nobody" not in text)
    assert deaf.startswith(
        "The topic '/hand/deaf' is published by node '/driver' as best_effort, "
        "volatile, and this source asks for reliable, volatile: "
    )
    assert "qos={'reliability': 'best_effort', 'durability': 'volatile'}" in deaf
