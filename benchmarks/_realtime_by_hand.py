"""Programs written by hand: what real time of ours is measured beside.

`threads` is a loop with absolute deadlines and a thread for the detector, which takes
the newest sample. `dora` is two nodes on a timer, as dora's own examples have them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
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

HERE = Path(__file__).resolve()


def threads(job: Job) -> None:
    """Run everything in this process."""
    stamps, detection = Stamps(job), Detection(job)
    newest: np.ndarray | None = None
    boxes: np.ndarray | None = None
    has_sample, is_over = threading.Event(), threading.Event()

    def detect() -> None:
        nonlocal boxes
        while not is_over.is_set():
            if has_sample.wait(0.1):
                has_sample.clear()
                boxes = detection(newest)

    detector = threading.Thread(target=detect)
    detector.start()
    start = time.monotonic()
    for tick in range(job.ticks):
        time.sleep(max(0.0, start + tick / job.rate_hz - time.monotonic()))
        newest = read_imu(tick)
        has_sample.set()
        stamps.add(tick)
        control(newest, boxes)
    is_over.set()
    detector.join()
    stamps.save()


def be_loop(job: Job) -> None:
    """Be the node with the IMU and the controller."""
    import pyarrow as pa
    from dora import Node

    node, stamps, boxes, tick = Node(), Stamps(job), None, 0
    for event in node:
        if event["type"] == "STOP" or tick == job.ticks:
            break
        if event["type"] == "INPUT" and event["id"] == "boxes":
            boxes = event["value"].to_numpy()
        elif event["type"] == "INPUT":
            sample = read_imu(tick)
            node.send_output("sample", pa.array(sample))
            stamps.add(tick)
            control(sample, boxes)
            tick += 1
    stamps.save()


def be_detector(job: Job) -> None:
    """Be the node with the detector; it ends with the other."""
    import pyarrow as pa
    from dora import Node

    node, detection = Node(), Detection(job)
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("boxes", pa.array(detection(event["value"].to_numpy())))


def dora(job: Job) -> None:
    """Run both nodes with `dora run`."""
    inputs: dict[str, dict[str, Any]] = {
        "loop": {
            "tick": f"dora/timer/millis/{round(1000 / job.rate_hz)}",
            "boxes": {"source": "detector/boxes", "queue_size": 1},
        },
        "detector": {"sample": {"source": "loop/sample", "queue_size": 1}},
    }
    nodes = [
        {
            "id": name,
            "path": sys.executable,
            "args": f"-u {HERE} {name} {Path(job.folder, 'job.json')}",
            "inputs": inputs[name],
            "outputs": [output],
        }
        for name, output in (("loop", "sample"), ("detector", "boxes"))
    ]
    Path(job.folder, "job.json").write_text(job.to_json())
    Path(job.folder, "by_hand.yaml").write_text(json.dumps({"nodes": nodes}))
    subprocess.run(
        [Path(sys.executable).with_name("dora"), "run", "by_hand.yaml"],
        cwd=job.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=job.seconds + 60,
        check=False,
    )


def main() -> None:
    """Run a program, or be one of its nodes."""
    roles = {"threads": threads, "dora": dora}
    roles |= {"loop": be_loop, "detector": be_detector}
    roles[sys.argv[1]](Job.from_json(Path(sys.argv[2]).read_text()))


if __name__ == "__main__":
    main()
