"""A robot with six rates drives through waypoints, and knows where it is.

Its wheels slip and its gyroscope has a bias, so odometry alone goes astray. A camera
sees pillars whose places are known; finding them in a picture takes 80 ms, and the
filter puts what was found where it belongs: in its own past. One system runs as fast
as possible; over two processes of dora, with equal records, where dora is installed;
and in real time, where nobody waits for what is late, and a replay repeats what was.
The picture, `mobile_robot.svg`, shows where the robot was and what fired when.
"""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from like_keras_core import Component, EngineError, InputPort, Node, RunReport, System
from like_keras_core.testing import same

PILLARS = np.array(
    [(-1, -1), (3, -2), (7, -1), (8, 3), (7, 7), (3, 8), (-1, 7), (-2, 3), (3, 3)]
)
RADIUS = 0.15  # of a pillar [m]
WAYPOINTS = np.array([(6, 0), (6, 6), (0, 6), (0, 0)])


class Robot(Component):
    """The world: a cart with two wheels; `(x [m], y [m], heading [rad], v, w)`."""

    def on_configure(self) -> None:
        self.state = np.zeros(5)

    def forward(self, command: np.ndarray) -> np.ndarray:
        wanted = command + self.rng.normal(0, 0.02, 2)
        speeds = self.state[3:] + min(1.0, 10 * self.dt) * (wanted - self.state[3:])
        self.state = np.concatenate([moved(self.state[:3], speeds, self.dt), speeds])
        return self.state


class Imu(Component):
    """Measures the turn rate [rad/s], with a bias."""

    def forward(self, state: np.ndarray) -> float:
        return float(state[4] + 0.02 + self.rng.normal(0, 0.01))


class Odometry(Component):
    """Measures the speed [m/s]; a wheel is smaller than it should be."""

    state = InputPort(np.ndarray, policy="hold")

    def forward(self, state: np.ndarray) -> float:
        return float(1.05 * state[3] + self.rng.normal(0, 0.02))


class Camera(Component):
    """Looks all around: for each degree the distance of a pillar, 0 where is none."""

    state = InputPort(np.ndarray, policy="hold")

    def forward(self, state: np.ndarray) -> np.ndarray:
        image = np.zeros(360)
        for distance, bearing in sorted(map(tuple, seen_from(state)), reverse=True):
            width = int(np.degrees(np.arcsin(RADIUS / max(distance, 2 * RADIUS))))
            middle = round(np.degrees(bearing)) + 180
            image[max(0, middle - width) : middle + width + 1] = distance
        return np.where(image > 0, image + self.rng.normal(0, 0.05, 360), 0)


class Found(NamedTuple):
    """Pillars in a picture: rows of distance and bearing, and the picture's tick."""

    pillars: np.ndarray
    taken_at: int


class Detector(Component):
    """Finds pillars in a picture: where neighbours are about as far."""

    def __init__(self, node: Node, sleep_s: float) -> None:
        super().__init__(node=node, takes_s=0.08)
        self.sleep_s = sleep_s  # stands for a network, where time is real

    def forward(self, image: np.ndarray) -> Found:
        time.sleep(self.sleep_s)
        edges = np.flatnonzero(np.abs(np.diff(image)) > 0.5) + 1
        parts = [part for part in np.split(np.arange(360), edges) if image[part[0]] > 0]
        rows = [(image[x].mean(), np.radians(x.mean() - 180)) for x in parts]
        return Found(np.reshape(rows, (-1, 2)), self.tick)


@dataclass
class Belief:
    """What the filter believes of one tick, and what it went on with."""

    tick: int
    mean: np.ndarray = field(default_factory=lambda: np.zeros(3))
    cov: np.ndarray = field(default_factory=lambda: np.zeros((3, 3)))

    def predicted(self, tick: int, speeds: np.ndarray, dt: float) -> Belief:
        """Return the belief after a motion."""
        v, heading = speeds[0], self.mean[2]
        F = np.eye(3)
        F[:2, 2] = dt * v * np.array([-np.sin(heading), np.cos(heading)])
        Q = dt * np.diag([0.01, 0.01, 0.01])
        return Belief(tick, moved(self.mean, speeds, dt), F @ self.cov @ F.T + Q)

    def correct(self, distance: float, bearing: float) -> None:
        """Take a pillar into account, if it is one of those that are known."""
        expected = seen_from(self.mean)
        errors = np.array([distance, bearing]) - expected
        errors[:, 1] = wrapped(errors[:, 1])
        nearest = np.argmin(np.hypot(errors[:, 0], distance * errors[:, 1]))
        far, (dx, dy) = expected[nearest, 0], PILLARS[nearest] - self.mean[:2]
        H = np.array([[-dx / far, -dy / far, 0], [dy / far**2, -dx / far**2, -1]])
        S = H @ self.cov @ H.T + np.diag([0.1**2, 0.03**2])
        error = errors[nearest]
        if error @ np.linalg.solve(S, error) < 9.2:  # 99 % of chi-squared, 2 d.o.f.
            K = self.cov @ H.T @ np.linalg.inv(S)
            self.mean, self.cov = self.mean + K @ error, (np.eye(3) - K @ H) @ self.cov


class Ekf(Component):
    """Estimates the pose by an extended Kalman filter that can look back.

    References:
        Thrun, Burgard, Fox, *Probabilistic Robotics*, ch. 7.4.
    """

    speed = InputPort(float, policy="hold")
    pillars = InputPort(np.ndarray, policy="hold")
    taken_at = InputPort(int, policy="hold")

    def on_configure(self) -> None:
        self.now, self.seen_at = Belief(-1), -1
        self.past: deque[tuple[Belief, np.ndarray, float]] = deque(maxlen=100)

    def forward(
        self,
        turn: float,
        speed: float | None,
        pillars: np.ndarray | None = None,
        taken_at: int | None = None,
    ) -> np.ndarray:
        self.step(self.tick, np.array([speed or 0.0, turn]), self.dt)
        if pillars is not None and taken_at is not None and taken_at > self.seen_at:
            self.seen_at = taken_at
            later = []
            while self.past and self.now.tick > taken_at:
                tick, (self.now, speeds, dt) = self.now.tick, self.past.pop()
                later.append((tick, speeds, dt))
            for distance, bearing in pillars:
                self.now.correct(distance, bearing)
            for motion in reversed(later):
                self.step(*motion)
        return self.now.mean

    def step(self, tick: int, speeds: np.ndarray, dt: float) -> None:
        """Go on by one motion, and remember from where."""
        self.past.append((self.now, speeds, dt))
        self.now = self.now.predicted(tick, speeds, dt)


class Planner(Component):
    """Sends the waypoint that is next."""

    pose = InputPort(np.ndarray, policy="hold")

    def on_configure(self) -> None:
        self.next = 0

    def forward(self, pose: np.ndarray | None) -> np.ndarray:
        if pose is not None and np.hypot(*(WAYPOINTS[self.next] - pose[:2])) < 0.5:
            self.next = (self.next + 1) % len(WAYPOINTS)
        return np.asarray(WAYPOINTS[self.next])


class Controller(Component):
    """Turns towards the waypoint and drives: `(v [m/s], w [rad/s])`."""

    pose = InputPort(np.ndarray, policy="hold")
    goal = InputPort(np.ndarray, policy="hold")

    def forward(self, pose: np.ndarray, goal: np.ndarray | None) -> np.ndarray:
        if goal is None:
            return np.zeros(2)
        error = wrapped(np.arctan2(*(goal - pose[:2])[::-1]) - pose[2])
        return np.array([max(0.0, np.cos(error)), np.clip(2 * error, -1.5, 1.5)])


def moved(pose: np.ndarray, speeds: np.ndarray, dt: float) -> np.ndarray:
    """Return a pose after some time with a speed and a turn rate."""
    heading = pose[2] + dt * speeds[1] / 2
    along = np.array([np.cos(heading), np.sin(heading)])
    return np.append(pose[:2] + dt * speeds[0] * along, pose[2] + dt * speeds[1])


def seen_from(pose: np.ndarray) -> np.ndarray:
    """Return the distance and the bearing of each pillar."""
    dx, dy = (PILLARS - pose[:2]).T
    bearings = wrapped(np.arctan2(dy, dx) - pose[2])
    return np.stack([np.hypot(dx, dy), bearings], axis=1)


def wrapped(angle: np.ndarray) -> np.ndarray:
    """Return an angle as one between -pi and pi."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def make_robot(sleep_s: float = 0.0) -> System:
    """Connect the robot; seeing and planning have a node of their own."""
    body, brain = Node("body"), Node("brain")
    robot, imu, odometry = (
        Robot(node=body),
        Imu(node=body),
        Odometry(node=body, rate_hz=100),
    )
    camera = Camera(node=brain, rate_hz=30)
    detector = Detector(brain, sleep_s)
    ekf, alone = Ekf(node=body), Ekf("odometry_only", node=body)
    planner = Planner(node=brain, rate_hz=5, takes_s=0.15)
    controller = Controller(node=body, rate_hz=100)

    state, turn = robot.outputs.output, imu.outputs.output
    imu(state)
    speed, found = odometry(state), detector(camera(state))
    pose = ekf(turn, speed, found.pillars, found.taken_at)
    alone(turn, speed)
    command = controller(pose, planner(pose))
    robot(command.delay(initial=np.zeros(2)))
    parts = [robot, imu, odometry, camera, detector, ekf, alone, planner, controller]
    return System(parts, name="mobile_robot", rate_hz=200)


def draw(report: RunReport, path: Path, start: int = 1000, ticks: int = 100) -> None:
    """Draw where the robot was, and half a second of what fired when."""
    parts = [
        f'<circle cx="{130 + 40 * x}" cy="{350 - 40 * y}" r="6" fill="gray"/>'
        for x, y in PILLARS
    ]
    for row, (name, style) in enumerate(
        {
            "robot": 'stroke="lightgray" stroke-width="7"',
            "odometry_only": 'stroke="orange"',
            "ekf": 'stroke="blue"',
        }.items()
    ):
        poses = [pose for _, pose in report.records[f"{name}.output"][::20]]
        points = " ".join(
            f"{130 + 40 * x:.1f},{350 - 40 * y:.1f}" for x, y, *_ in poses
        )
        parts.append(f'<polyline points="{points}" fill="none" {style}/>')
        parts.append(f'<path d="M520,{25 + 24 * row} h40" {style}/>')
        parts.append(f'<text x="570" y="{30 + 24 * row}">{name}</text>')
    assert report.spec is not None
    for row, component in enumerate(report.spec.components):
        y, takes = 120 + 32 * row, component.takes
        parts.append(f'<text x="520" y="{y + 10}">{component.name}</text>')
        for tick, _ in report.records[f"{component.name}.{component.outputs[0].name}"]:
            if start <= tick < start + ticks:
                x, width = 660 + 5 * (tick - takes - start), 5 * takes + 2
                parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="12"/>')
    svg = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"'
    path.write_text(f'<svg {svg} width="1180" height="440">{"".join(parts)}</svg>\n')


def error_m(report: RunReport, name: str) -> float:
    """Return how far an estimate is off, as a root mean square [m]."""
    ports = (report.records[f"{port}.output"] for port in (name, "robot"))
    found, true = (np.array([pose[:2] for _, pose in rows]) for rows in ports)
    return float(np.sqrt(((found - true) ** 2).sum(axis=1).mean()))


if __name__ == "__main__":
    is_short = "LK_EXAMPLE_SHORT" in os.environ
    seconds = 12 if is_short else 60
    report = make_robot().launch(seconds=seconds, speed=None, record="all")
    print(report)
    filtered, alone = error_m(report, "ekf"), error_m(report, "odometry_only")
    print(f"\nThe filter is off by {filtered:.3f} m, odometry alone by {alone:.3f} m.")
    assert filtered < 0.1 < alone
    draw(report, Path("mobile_robot.svg"))
    print(f"The picture is {Path('mobile_robot.svg').resolve()}")

    try:
        split = make_robot().launch(
            seconds=seconds, speed=None, record="all", engine="dora"
        )
    except EngineError as error:
        print(f"Not tried on dora: {error}")
    else:
        assert same(split.records, report.records)
        print("Two processes of dora gave the same, bit by bit.")

    # A robot waits for nobody: what is late is skipped, and noted, so that it repeats.
    seconds = 2 if is_short else 10
    real = make_robot(sleep_s=0.07).launch(seconds=seconds, late="skip", record="all")
    print(real)
    again = make_robot().launch(
        seconds=seconds, speed=None, choices=real.choices, record="all"
    )
    assert same(again.records, real.records)
    print(f"\nA replay of all {again.iterations} ticks gave the same, faster.")
