"""The system that does what the programs in `_realtime_by_hand.py` do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from _realtime_work import (  # type: ignore[import-not-found]
    Detection,
    Job,
    Stamps,
    control,
    read_imu,
)

import like_keras_core as lk

TAKES_S = 0.1
"""What the detector is said to take [s]: its 80 ms and some slack."""


class Imu(lk.Component):
    """Measures how the robot moves."""

    def forward(self) -> np.ndarray:
        """Return a sample."""
        sample: np.ndarray = read_imu(self.tick)
        return sample


class Detector(lk.Component):
    """Finds boxes, slowly, in the newest sample that there is when it is free.

    With `hold` the IMU need not wait until a detector has room for every sample.
    """

    sample = lk.InputPort(np.ndarray, policy="hold")

    def __init__(self, job: Job, node: lk.Node) -> None:
        super().__init__(node=node, takes_s=TAKES_S)
        self.job = job

    def on_configure(self) -> None:
        """Prepare the work."""
        self.detection = Detection(self.job)

    def forward(self, sample: np.ndarray | None) -> np.ndarray | None:
        """Return boxes."""
        boxes: np.ndarray | None = None if sample is None else self.detection(sample)
        return boxes


class Controller(lk.Component):
    """Commands two wheels, and keeps the times of its commands."""

    boxes = lk.InputPort(np.ndarray, policy="hold")

    def __init__(self, job: Job, node: lk.Node) -> None:
        super().__init__(node=node)
        self.job = job

    def on_configure(self) -> None:
        """Begin with no times."""
        self.stamps = Stamps(self.job)

    def forward(self, sample: np.ndarray, boxes: np.ndarray | None) -> np.ndarray:
        """Return a command."""
        self.stamps.add(self.tick)
        command: np.ndarray = control(sample, boxes)
        return command

    def on_deactivate(self) -> None:
        """Write the times."""
        self.stamps.save()


def make(job: Job, *, is_apart: bool) -> lk.System:
    """Return the system, with the detector on a node of its own where it is apart."""
    body = lk.Node("body")
    imu, detector = Imu(node=body), Detector(job, lk.Node("gpu") if is_apart else body)
    controller = Controller(job, body)
    sample = imu()
    controller(sample, detector(sample))
    return lk.System(
        [imu, detector, controller], name="realtime", rate_hz=job.rate_hz, late="skip"
    )


def main() -> None:
    """Run a job on an engine."""
    engine, job = sys.argv[1], Job.from_json(Path(sys.argv[2]).read_text())
    options: dict[str, Any] = {"build_dir": Path(job.folder, "build")}
    system = make(job, is_apart=engine != "native")
    report = system.launch(job.ticks, engine=engine, **options)
    Path(job.folder, "report.txt").write_text(str(report))


if __name__ == "__main__":
    main()
