"""`/tf` and `/tf_static` as sources and sinks of a system."""

from __future__ import annotations

from typing import Any

from lk_engine_ros2_stub.headers import TRANSFORMS
from lk_engine_ros2_stub.ros_topic import SINK, SOURCE, RosTopic

_QOS: dict[bool, dict[str, Any]] = {
    False: {"reliability": "reliable", "depth": 100},
    True: {"reliability": "reliable", "durability": "transient_local", "depth": 100},
}
"""By whether transforms are static, as tf2's listeners have it."""


def transform_source(
    name: str = "tf", *, static: bool = False, topic: str | None = None, **options: Any
) -> RosTopic:
    """Return a source of the transforms that others publish.

    Its values are for `TransformBuffer.add`: at each tick, the list of the messages
    that have come since the last one, unless `ticks` or `read` says otherwise.

    Args:
        name: Its name in the system.
        static: Whether they always hold: `/tf_static` instead of `/tf`.
        topic: Another topic.
        **options: As of a `RosTopic`: how it is read, and where it runs.
    """
    chosen = topic or _topic(static)
    if "ticks" not in options:
        options.setdefault("read", "all")
    return RosTopic(name, TRANSFORMS, chosen, SOURCE, _QOS[static], **options)


def transform_sink(
    name: str = "tf_out",
    *,
    static: bool = False,
    topic: str | None = None,
    **options: Any,
) -> RosTopic:
    """Return a sink that publishes transforms.

    It is fed `transform_message(...)`, or a dict of that shape. A transform with the
    stamp 0 gets the ROS clock's time; a static one needs none.

    Args:
        name: Its name in the system.
        static: Whether they always hold: `/tf_static` instead of `/tf`. Who comes later
            gets them too.
        topic: Another topic.
        **options: As of a `RosTopic`: where it runs.
    """
    chosen = topic or _topic(static)
    return RosTopic(name, TRANSFORMS, chosen, SINK, _QOS[static], **options)


def _topic(static: bool) -> str:
    return "/tf_static" if static else "/tf"
