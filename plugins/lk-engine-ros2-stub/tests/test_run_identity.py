"""Two robots are two robots: who may run beside whom."""

import os
import re
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ros_parts import Motor, Source  # type: ignore[import-not-found]
from test_run import needs_ros, nodes, wait_for  # type: ignore[import-not-found]

from like_keras_core import Node, System
from like_keras_core.errors import EngineError
from lk_engine_ros2_stub.run_identity import RunIdentity

__all__ = ["nodes"]

R1 = RunIdentity(f"test-{os.getpid()}", "/r1/robot", "robot", os.getuid())


def test_a_second_run_of_one_identity_learns_who_holds_it() -> None:
    """The process, its user, since when, the namespace and the domain."""
    began = time.monotonic()
    with R1.held(), pytest.raises(EngineError) as caught, R1.held():
        pass

    assert time.monotonic() - began < 10
    text = str(caught.value)
    assert f"process {os.getpid()} of user " in text
    assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text)
    assert "namespace /r1/robot and domain test-" in text
    with R1.held():
        pass


@pytest.mark.parametrize(
    "other",
    [
        replace(R1, domain="8"),
        replace(R1, namespace="/r2/robot"),
        replace(R1, system="arm"),
        replace(R1, user=R1.user + 1),
    ],
    ids=["domain", "namespace", "system", "user"],
)
def test_runs_that_differ_hinder_each_other_in_nothing(other: RunIdentity) -> None:
    """Each has a name of its own."""
    with R1.held(), other.held(), R1.held("right"), other.held("right"):
        assert R1.digest != other.digest


class Robots:
    """Starts robots of one compiled system."""

    def __init__(self, nodes: Any) -> None:
        self.nodes = nodes
        self.file = nodes.folder / "motor"
        left, right = (
            Source(node=Node("left")),
            Motor(str(self.file), node=Node("right")),
        )
        self.package = nodes.compile(System([left, right], name="robot", rate_hz=50))

    def start(self, robot: str, parts: str = "rl", **env: str) -> list[Any]:
        """Start the nodes of a robot in the namespace of its name."""
        names = {"l": "left", "r": "right"}
        env = {"ROBOT": robot, **env}
        started = []
        for part in parts:
            process = self.nodes.start(
                self.package, names[part], within=f"/{robot}", **env
            )
            self.nodes.processes[f"{process.pid}"] = process
            started.append(process)
        return started

    def motor(self, robot: str) -> Path:
        return Path(f"{self.file}.{robot}")

    def end(self, processes: list[Any]) -> None:
        """End robots, and see that each left with 0."""
        for process in processes:
            process.send_signal(signal.SIGINT)
        texts = [process.communicate(timeout=60)[0] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(texts), texts

    def obeyed(self, robot: str) -> set[str]:
        return set(self.motor(robot).read_text().split())


@needs_ros
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_two_robots_of_one_system_never_mix(nodes: Any) -> None:
    """In any order; a second one of a namespace leaves the first alone."""
    robots = Robots(nodes)
    one = robots.start("r1", "l") + robots.start("r2", "r")
    two = robots.start("r1", "r") + robots.start("r2", "l")
    wait_for(robots.motor("r1"))
    wait_for(robots.motor("r2"))
    began = time.monotonic()
    again = robots.start("r1", "lr")
    refused = [process.communicate(timeout=60)[0] for process in again]
    took_s = time.monotonic() - began
    robots.end([*one, *two])

    assert [process.returncode for process in again] == [1, 1]
    assert all("Another run of 'robot' is on" in text for text in refused), refused
    assert f"process {one[0].pid} of user" in refused[0]
    assert took_s < 30
    assert (robots.obeyed("r1"), robots.obeyed("r2")) == ({"r1"}, {"r2"})


@needs_ros
@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("n", range(10))
def test_two_robots_never_mix_each_time(nodes: Any, n: int) -> None:
    """In two namespaces and two domains, in another order each time."""
    robots = Robots(nodes)
    domain = int(nodes.env["ROS_DOMAIN_ID"])
    places = [
        ("r1", str(domain)),
        ("r2", str(domain)),
        ("r3", str(domain)),
        ("r3", str(domain + 1)),
    ]
    started = []
    for k in range(4):
        robot, where = places[(k + n) % 4]
        env = {"ROS_DOMAIN_ID": where, "ROBOT": f"{robot}-{where}"}
        started += robots.start(robot, "lr" if n % 2 else "rl", **env)
    names = {f"{robot}-{where}" for robot, where in places}
    for name in names:
        wait_for(robots.motor(name))
    order = started[n % len(started) :] + started[: n % len(started)]
    robots.end(order)

    assert {name: robots.obeyed(name) for name in names} == {x: {x} for x in names}
