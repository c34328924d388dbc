"""Our nodes as ROS's tools meet them: parameters, logs, names and simulated time."""

import importlib
import json
import re
from pathlib import Path

import pytest
from ros_parts import tuned  # type: ignore[import-not-found]
from test_run import (  # type: ignore[import-not-found]
    Nodes,
    by_hand,
    fences,
    needs_ros,
    nodes,
    wait_for,
)

from like_keras_core import EngineError
from lk_engine_ros2_stub import ros_node

__all__ = ["nodes"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::like_keras_core.errors.LkWarning"),
]

PARAMS = """
/**/eye:
  ros__parameters:
    tuned: {start: 10, lable: x, label: "a\\u0085b", config: {gain: 4.0}}
"""

ASK = """
import json, time, rclpy
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rcl_interfaces.msg import Log, LoggerLevel
from rcl_interfaces.srv import SetLoggerLevels
from rclpy.qos import qos_profile_rosout_default
from std_msgs.msg import Float64

rclpy.init()
node = rclpy.create_node("ask")
logs, numbers = [], []
node.create_subscription(
    Log, "/rosout", lambda x: logs.append([x.name, x.level, x.msg]),
    qos_profile_rosout_default,
)
node.create_subscription(
    Float64, "/numbers", lambda x: numbers.append(x.data), 10
)
client = AsyncParameterClient(node, "/r1/tuned/eye")
assert client.wait_for_services(40)

def ask(call):
    rclpy.spin_until_future_complete(node, call, timeout_sec=20)
    return call.result()

names = ["tuned.start", "tuned.label", "tuned.config.gain", "tuned.config.count"]
values = [x for x in ask(client.get_parameters(names)).values]
about = [x for x in ask(client.describe_parameters(names)).descriptors]
new = [Parameter("tuned.start", value=4), Parameter("use_sim_time", value=True)]
refused = [x.successful for x in ask(client.set_parameters(new)).results]
levels = node.create_client(SetLoggerLevels, "/r1/tuned/eye/set_logger_levels")
assert levels.wait_for_service(20)
level = LoggerLevel(name="r1.tuned.eye", level=10)
done = ask(levels.call_async(SetLoggerLevels.Request(levels=[level])))
until = time.monotonic() + 20
while time.monotonic() < until and not (
    numbers and any(level == 10 for _, level, _ in logs)
):
    rclpy.spin_once(node, timeout_sec=0.1)
print(json.dumps({
    "values": [values[0].integer_value, values[1].string_value,
               values[2].double_value, values[3].integer_value],
    "about": [[x.description, x.read_only] for x in about],
    "range": [about[2].floating_point_range[0].from_value,
              about[2].floating_point_range[0].to_value],
    "refused": refused, "levels": done.results[0].successful,
    "logs": [x for x in logs if x[2].startswith("[tuned")][-3:],
    "numbers": len(numbers),
}))
"""


@needs_ros
def test_a_node_is_as_ros_engineers_know_nodes(nodes: Nodes) -> None:
    """Its defaults are declared and read-only, it logs to ROS, and its names move."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(tuned(str(file)))
    params = nodes.folder / "my.yaml"
    params.write_text(PARAMS)
    eye = nodes.start(
        package,
        "eye",
        *("--params-file", str(params), "-r", "tuned/output:=/numbers"),
        within="/r1",
        LK_RATE_HZ="100",
    )
    nodes.start(package, "brain", within="/r1")
    wait_for(file)

    asked = by_hand(ASK, nodes, is_good=False)
    assert asked.returncode == 0, asked.stderr
    found = json.loads(asked.stdout)
    eye.send_signal(2)
    ends = nodes.ends()

    assert [code for code, _ in ends.values()] == [0, 0], ends
    assert found["values"] == [10, "a\x85b", 4.0, 1]
    assert found["about"][0] == ["The first number, before it is tuned.", True]
    assert found["about"][2:] == [["Multiplies.", True], ["How many.", True]]
    assert found["range"] == [0.0, 10.0]
    assert found["refused"] == [False, False]
    assert found["levels"]
    assert found["logs"][-1][:2] == ["r1.tuned.eye.tuned", 10]
    assert found["numbers"]
    assert "'tuned.lable' was set and changes nothing" in ends["eye"][1]
    assert re.search(r"tuned +100(\.0)? Hz", ends["eye"][1]), ends["eye"][1]
    assert file.read_text().startswith("44.0\n48.0\n")


CLOCK = """
import sys, time, rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

rclpy.init()
node = rclpy.create_node("simulator")
qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
publisher = node.create_publisher(Clock, "/clock", qos)
while publisher.get_subscription_count() < 4:
    time.sleep(0.05)

def at(now_s):
    message = Clock()
    message.clock.sec = int(now_s)
    message.clock.nanosec = int(now_s % 1 * 1e9)
    publisher.publish(message)

file = sys.argv[1]
def lines():
    return open(file).read().count("\\n")

def until(count):
    end = time.monotonic() + 20
    while lines() < count and time.monotonic() < end:
        time.sleep(0.02)
    return lines()

while not lines():  # It stands still until the two ends have found each other.
    at(100)
    time.sleep(0.05)
for n in range(150):  # Three times real time.
    at(100 + n * 0.02)
    time.sleep(0.02 / 3)
time.sleep(1)
there = lines()
time.sleep(0.5)
paused = lines()
at(103.98)  # A jump by a second: 50 ticks of 0.02 s.
jumped = until(there + 49)
time.sleep(0.2)
jumped = lines()
at(50.0)
print(there, paused, jumped)
"""


@needs_ros
def test_ticks_follow_the_simulated_time(nodes: Nodes) -> None:
    """Its rate and its pauses; when it is reset the run ends, and says so."""
    file = nodes.folder / "ros.txt"
    package = nodes.compile(tuned(str(file)))
    for name in ("eye", "brain"):
        nodes.start(package, name, "-p", "use_sim_time:=true")
    code = f"import sys; sys.argv[1:] = [{str(file)!r}]\n{CLOCK}"

    there, paused, jumped = map(int, by_hand(code, nodes).stdout.split())
    ends = nodes.ends()

    assert 148 <= there <= paused <= 151
    assert 49 <= jumped - paused <= 52
    assert ends["eye"][0] == 1
    assert "The simulated time on /clock was reset" in ends["eye"][1]


CALL = """
import time, rclpy
from rcl_interfaces.msg import Log
from std_srvs.srv import Trigger

rclpy.init()
node = rclpy.create_node("caller")
logs = []
node.create_subscription(Log, "/rosout", lambda x: logs.append(x.msg), 10)
client = node.create_client(Trigger, "/counting/counter/reset")
assert client.wait_for_service(40)
call = client.call_async(Trigger.Request())
rclpy.spin_until_future_complete(node, call, timeout_sec=20)
until = time.monotonic() + 20
while not any(x.startswith("[counter") for x in logs) and time.monotonic() < until:
    rclpy.spin_once(node, timeout_sec=0.1)
print(call.result().success, call.result().message)
print([x for x in logs if x.startswith("[counter")][-1])
"""


@needs_ros
def test_a_component_has_services_and_timers_of_its_own(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one of the page about this engine, called by a node of somebody else's."""
    pytest.importorskip("std_srvs")
    (code,) = (text for text in fences("python") if "class Counter" in text)
    (nodes.folder / "counting.py").write_text(code)
    monkeypatch.syspath_prepend(nodes.folder)
    package = nodes.compile(importlib.import_module("counting").counting)
    nodes.env["PYTHONPATH"] += f":{nodes.folder}"
    hub = nodes.start(package, "hub")

    called = by_hand(CALL, nodes, is_good=False)
    assert called.returncode == 0, called.stderr
    hub.send_signal(2)
    ends = nodes.ends()

    answer, told = called.stdout.splitlines()
    assert answer.startswith("True was ")
    assert told.startswith("[counter")
    assert "at " in told
    assert ends["hub"][0] == 0, ends


def test_without_a_ros_node_a_component_is_told_so() -> None:
    """On every other engine, and by hand."""
    with pytest.raises(EngineError, match="no ROS node in this process"):
        ros_node()


def test_the_file_of_parameters_must_be_there(tmp_path: Path) -> None:
    """It is looked for before any process starts."""
    system = tuned(str(tmp_path / "x"))

    with pytest.raises(ValueError, match=r"there is no 'nowhere\.yaml'"):
        system.launch(1, engine="ros2", params_file="nowhere.yaml")
