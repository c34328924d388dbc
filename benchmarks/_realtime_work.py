"""What both sides of the real-time benchmark do, and how each run is measured.

An IMU, a controller and a detector. The detector's work is a sleep, products of
matrices, or plain Python, of so many loops as the benchmark has found to take 80 ms.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

DETECTION_S = 0.08
STALL_AT_S = 1.5
"""A detector that stalls does so once, this long after its first detection."""
WARM_UP_S = 0.5
MATRIX = 384
WORKS = ("sleep", "numpy", "python")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """One run.

    Args:
        work: What the detector does, one of `WORKS`.
        loops: How many times; found by `calibrated`.
        rate_hz: Of the loop [Hz].
        seconds: How long it runs [s].
        detection_s: How long a detection sleeps, where sleep is its work [s].
        stall_s: How long the detector stalls, once [s].
        folder: Where the controller's times go, and the detector's process id.
    """

    work: str = "sleep"
    loops: int = 0
    rate_hz: float = 100.0
    seconds: float = 5.0
    detection_s: float = DETECTION_S
    stall_s: float = 0.0
    folder: str = "."

    @property
    def ticks(self) -> int:
        """How many rounds the loop makes."""
        return round(self.seconds * self.rate_hz)

    def to_json(self) -> str:
        """Return it as a word for a command line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read what `to_json` wrote."""
        return cls(**json.loads(text))


def read_imu(tick: int) -> np.ndarray:
    """Return a sample: three accelerations and three angular velocities."""
    return np.array([0.01 * tick, 0.0, 9.81, 0.0, 0.0, 0.1])


def control(sample: np.ndarray, boxes: np.ndarray | None) -> np.ndarray:
    """Return a command for two wheels."""
    ahead = 0.0 if boxes is None else float(boxes[0])
    turn = 0.5 * float(sample[5])
    return np.array([1.0 - ahead - turn, 1.0 - ahead + turn])


class Stamps:
    """The times of the controller's commands."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.rows: list[tuple[int, float]] = []

    def add(self, tick: int) -> None:
        """Keep the time, as that of a tick."""
        self.rows.append((tick, time.monotonic()))

    def save(self) -> None:
        """Write all of them."""
        np.save(Path(self.job.folder, "stamps.npy"), np.array(self.rows))


class Detection:
    """The detector's work."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.matrix = np.full((MATRIX, MATRIX), 1.0 / MATRIX)
        self.first, self.has_stalled = 0.0, not job.stall_s
        Path(job.folder, "detector.pid").write_text(str(os.getpid()))

    def __call__(self, sample: np.ndarray) -> np.ndarray:
        """Return boxes."""
        self.first = self.first or time.monotonic()
        if not self.has_stalled and time.monotonic() > self.first + STALL_AT_S:
            self.has_stalled = True
            time.sleep(self.job.stall_s)
        work(self.job, self.matrix)
        return np.array([0.001 * float(sample[0]), 0.0, 0.1, 0.1])


def work(job: Job, matrix: np.ndarray) -> None:
    """Do what takes 80 ms on a quiet processor."""
    if job.work == "sleep":
        time.sleep(job.detection_s)
    elif job.work == "numpy":
        product = matrix
        for _ in range(job.loops):
            product = product @ matrix
    else:
        total = 0
        for number in range(job.loops):
            total += number * number % 7


def calibrated(kind: str) -> int:
    """Return how many loops of a work take 80 ms."""
    matrix = np.full((MATRIX, MATRIX), 1.0 / MATRIX)
    loops, best = {"sleep": 0, "numpy": 20, "python": 400_000}[kind], float("inf")
    if loops == 0:
        return 0
    for _ in range(15):
        began = time.thread_time()
        work(Job(work=kind, loops=loops), matrix)
        best = min(best, time.thread_time() - began)
    return max(1, round(loops * DETECTION_S / best))


class Figures(NamedTuple):
    """How regular the controller was.

    Args:
        p50: Of its periods [ms].
        p99: Of its periods [ms].
        max: Of its periods [ms].
        late_p99: Of its lateness, counted from the most punctual command [ms].
        close: How many commands came within a quarter period of the one before.
        commands: How many commands there were.
    """

    p50: float
    p99: float
    max: float
    late_p99: float
    close: int
    commands: int


def figures(job: Job) -> Figures:
    """Read and measure what a run's controller wrote."""
    rows = np.load(Path(job.folder, "stamps.npy"))
    ticks, times = rows[:, 0], rows[:, 1]
    ticks, times = (x[times >= times[0] + WARM_UP_S] for x in (ticks, times))
    periods = np.diff(times) * 1e3
    phases = (times - ticks / job.rate_hz) * 1e3
    p50, p99 = np.percentile(periods, [50, 99])
    return Figures(
        float(p50),
        float(p99),
        float(periods.max()),
        float(np.percentile(phases - phases.min(), 99)),
        int((periods < 250 / job.rate_hz).sum()),
        len(times),
    )
