"""A loop beside topics of other ROS nodes, each with a clock of its own."""

from typing import Any

import numpy as np

from like_keras_core import Component, InputPort, Node, System
from lk_engine_ros2_stub import RosTopic

RATE_HZ = 100


class Fuse(Component):
    """Adds up what it sees."""

    imu = InputPort(dict, policy="hold")
    image = InputPort(np.ndarray, policy="hold")
    fixes = InputPort(list)
    imu_fresh = InputPort(bool)

    def on_configure(self) -> None:
        self.count = 0

    def forward(
        self, imu: Any, image: Any, fixes: list[Any], imu_fresh: bool
    ) -> tuple[Any, ...]:
        self.count += len(fixes)
        turn = None if imu is None else imu["angular_velocity"]["z"]
        pixel = None if image is None else int(image[0, 0])
        return turn, pixel, self.count, imu_fresh


def robot() -> System:
    """IMU, camera and GPS, read in three ways by a loop in their process."""
    here = Node("control")

    def topic(name: str, kind: str, read: str, **options: Any) -> RosTopic:
        kind = f"sensor_msgs/msg/{kind}"
        return RosTopic(
            *(name, kind, f"/{name}", "source"), node=here, read=read, **options
        )

    imu = topic("imu", "Imu", "newest", qos="sensor_data", stale_after_s=0.5)
    camera = topic("camera", "Image", "each", qos="sensor_data", max_age_s=0.5)
    gps = topic("gps", "NavSatFix", "all", arrival=True)
    fuse = Fuse(node=here)
    fuse(
        imu=imu.outputs.output,
        image=camera.outputs.output,
        fixes=gps.outputs.output,
        imu_fresh=imu.outputs.fresh,
    )
    return System([imu, camera, gps, fuse], name="fusing", rate_hz=RATE_HZ)
