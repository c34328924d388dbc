"""A policy that takes 200 ms moves an arm at 100 Hz, without a jerk.

The policy looks at the joints when it is free, thinks for 200 ms of the system's time,
and returns a chunk of actions: a joint command for each tick from the one it looked at.
It draws at random where in its tolerance it goes, as a policy that samples does, so two
chunks never quite agree. The controller fades from each chunk to the next, and its
command never jumps more there than inside a chunk. The same actions come as fast as the
computer can and in real time. `arm_policy.svg` shows commands and chunks over time.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import mujoco
import numpy as np

from like_keras_core import Component, InputPort, RunReport, System
from like_keras_core.testing import same

RATE_HZ = 100
UPPER, LOWER = 0.4, 0.3  # lengths of the links [m]
ARM = f"""
<mujoco>
  <option timestep="0.002" gravity="0 0 0"/>
  <default>
    <joint axis="0 0 1" damping="0.5" armature="0.01"/>
    <geom type="capsule" size="0.03" density="500"/>
    <position kp="60" kv="6"/>
  </default>
  <worldbody>
    <body>
      <joint name="shoulder"/>
      <geom fromto="0 0 0 {UPPER} 0 0"/>
      <body pos="{UPPER} 0 0">
        <joint name="elbow"/>
        <geom fromto="0 0 0 {LOWER} 0 0"/>
        <site name="hand" pos="{LOWER} 0 0"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position joint="shoulder"/>
    <position joint="elbow"/>
  </actuator>
</mujoco>
"""


class Arm(Component):
    """Two joints with position control, simulated by MuJoCo.

    Inputs:
        command: Of the joints, shape `(2,)` [rad].

    Outputs:
        joints: Where they are, shape `(2,)` [rad].
        hand: Where the hand is, `(x, y)` [m].
    """

    def on_configure(self) -> None:
        self.model = mujoco.MjModel.from_xml_string(ARM)
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:] = START

    def forward(self, command: np.ndarray) -> Seen:
        self.data.ctrl[:] = command
        steps = round(1 / RATE_HZ / self.model.opt.timestep)
        mujoco.mj_step(self.model, self.data, nstep=steps)
        return Seen(self.data.qpos.copy(), self.data.site("hand").xpos[:2].copy())


class Seen(NamedTuple):
    """What the arm sends."""

    joints: np.ndarray
    hand: np.ndarray


class Chunk(NamedTuple):
    """What the policy sends.

    Args:
        actions: A row for each tick from `begun` on, shape `(n, 2)` [rad].
        begun: The tick of what the policy looked at.
    """

    actions: np.ndarray
    begun: int


class Policy(Component):
    """Keeps the hand at a point that moves: what it is off by fades away."""

    joints = InputPort(np.ndarray, policy="hold")

    @dataclass
    class Config:
        horizon: int = 60  # ticks that a chunk is for
        decay: int = 10  # ticks in which most of what it is off by is gone
        spread: float = 0.01  # of where it goes [m]
        sleep_s: float = 0.0  # stands for a network, where time is real

    def forward(self, joints: np.ndarray) -> Chunk:
        time.sleep(self.config.sleep_s)
        ticks = self.tick + np.arange(self.config.horizon)
        goal = solved(
            wanted(ticks / RATE_HZ) + self.rng.normal(0, self.config.spread, 2)
        )
        fading = np.exp(-np.arange(len(ticks)) / self.config.decay)[:, None]
        return Chunk(goal + fading * (joints - goal[0]), self.tick)


class Controller(Component):
    """Sends the action of each tick, and fades from a chunk to the next.

    Outputs:
        output: Shape `(2,)` [rad].
    """

    actions = InputPort(np.ndarray, policy="hold")
    begun = InputPort(int, policy="hold")

    @dataclass
    class Config:
        fade: int = 15  # ticks; 1 goes over at once

    def on_configure(self) -> None:
        self.old = self.new = Chunk(START[None], 0)
        self.since = 0

    def forward(self, actions: np.ndarray | None, begun: int | None) -> np.ndarray:
        if actions is not None and begun is not None and begun != self.new.begun:
            self.old, self.new, self.since = self.new, Chunk(actions, begun), self.tick
        part = min(1.0, (self.tick - self.since + 1) / self.config.fade)
        weight = part**2 * (3 - 2 * part)
        old, new = (action_at(chunk, self.tick) for chunk in (self.old, self.new))
        return np.asarray((1 - weight) * old + weight * new)


def action_at(chunk: Chunk, tick: int) -> np.ndarray:
    """Return a chunk's action; its last one stays."""
    row = min(tick - chunk.begun, len(chunk.actions) - 1)
    return np.asarray(chunk.actions[row])


def wanted(time_s: np.ndarray) -> np.ndarray:
    """Return where the hand is to be: after 1 s an eight, shape `(n, 2)` [m]."""
    phase = 2 * np.pi * np.maximum(time_s - 1, 0) / 6
    x, y = 0.45 + 0.1 * np.sin(2 * phase), 0.2 * np.sin(phase)
    return np.stack([x, y], axis=1)


def solved(points: np.ndarray) -> np.ndarray:
    """Return the joints [rad] that bring the hand to points, shape `(n, 2)`."""
    x, y = points.T
    cosine = (x**2 + y**2 - UPPER**2 - LOWER**2) / (2 * UPPER * LOWER)
    elbow = np.arccos(np.clip(cosine, -1, 1))
    inner = np.arctan2(LOWER * np.sin(elbow), UPPER + LOWER * np.cos(elbow))
    return np.stack([np.arctan2(y, x) - inner, elbow], axis=1)


START = solved(wanted(np.zeros(1)))[0]


def make_arm(fade: int = 15, sleep_s: float = 0.0) -> System:
    """Connect the arm, its policy and its controller."""
    arm = Arm()
    policy = Policy(config=Policy.Config(sleep_s=sleep_s), takes_s=0.2)
    controller = Controller(config=Controller.Config(fade))
    seen = arm.outputs
    arm(controller(*policy(seen.joints)).delay(initial=START))
    return System([arm, policy, controller], name="arm_policy", rate_hz=RATE_HZ)


def largest_step(values: np.ndarray) -> float:
    """Return how far a joint goes at most from one tick to the next [rad]."""
    return float(np.abs(np.diff(values, axis=0)).max())


def column(report: RunReport, port: str) -> np.ndarray:
    """Return the values of a port that sent one at each tick."""
    return np.array([value for _, value in report.records[port]])


def until(report: RunReport, ticks: int) -> dict[str, list[tuple[int, object]]]:
    """Return what a run recorded in its first ticks."""
    records = report.records.items()
    return {port: [row for row in rows if row[0] < ticks] for port, rows in records}


def draw(report: RunReport, path: Path, ticks: int = 300) -> None:
    """Draw the first seconds: commands over the time that the policy thinks."""
    commands = column(report, "controller.output")[:ticks]
    low, high = commands.min(), commands.max()
    parts = []
    for joint, name, colour in ((0, "shoulder", "#1f77b4"), (1, "elbow", "#d62728")):
        heights = 240 - 220 * (commands[:, joint] - low) / (high - low)
        points = " ".join(f"{100 + 3 * t},{y:.1f}" for t, y in enumerate(heights))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"/>')
        parts.append(f'<text x="10" y="{heights[0]:.0f}" fill="{colour}">{name}</text>')
    begins = [value for _, value in report.records["policy.begun"]]
    for row, (begun, (ready, _)) in enumerate(
        zip(begins, report.records["policy.begun"], strict=True)
    ):
        if ready < ticks:
            x, width, y = 100 + 3 * begun, 3 * (ready - begun), 255 + 14 * (row % 2)
            parts.append(
                f'<rect x="{x}" y="{y}" width="{width}" height="10" fill="gray"/>'
            )
            parts.append(f'<path d="M{x + width},10 V{y}" stroke="lightgray"/>')
    parts.append('<text x="10" y="270">policy</text>')
    parts += [
        f'<text x="{100 + 3 * t}" y="300">{t / 100:g} s</text>'
        for t in range(0, ticks, 50)
    ]
    size = f'width="{120 + 3 * ticks}" height="310" font-family="sans-serif"'
    svg = "http://www.w3.org/2000/svg"
    path.write_text(f'<svg xmlns="{svg}" {size}>{"".join(parts)}</svg>\n')


if __name__ == "__main__":
    is_short = "LK_EXAMPLE_SHORT" in os.environ
    report = make_arm().launch(seconds=13, speed=None, record="all")
    print(report)

    inside = max(largest_step(chunk) for chunk in column(report, "policy.actions"))
    faded = largest_step(column(report, "controller.output"))
    at_once = make_arm(fade=1).launch(seconds=13, speed=None, record="all")
    hard = largest_step(column(at_once, "controller.output"))
    print(f"\nThe largest step of a joint inside a chunk is {inside:.4f} rad.")
    print(f"Of what is sent it is {faded:.4f} rad; without fading, {hard:.4f} rad.")
    assert faded <= inside < hard

    # In real time, with a policy that really takes a while.
    real = make_arm(sleep_s=0.15).launch(seconds=2 if is_short else 13, record="all")
    assert same(real.records, until(report, real.iterations))
    speed = report.rate_hz / real.rate_hz
    print(
        f"{real.iterations} ticks in real time gave the same, {speed:.0f} times slower."
    )

    draw(report, Path("arm_policy.svg"))
    print(f"The picture is {Path('arm_policy.svg').resolve()}")
