"""The ROS node that this process is, for the parts of a system that speak ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from like_keras_core.errors import EngineError

if TYPE_CHECKING:
    from rclpy.node import Node

    from lk_engine_ros2_stub.transport import RosNode

_nodes: list[RosNode] = []


def become(node: RosNode) -> None:
    """Say which node this process is."""
    _nodes[:] = [node]


def current() -> RosNode | None:
    """Return the node that this process is; None where it is none."""
    return _nodes[0] if _nodes else None


def ros_node() -> Node:
    """Return rclpy's node of this process, for a component's hooks and `forward`.

    What the component makes with it (services, clients, timers, topics) is called back
    in a thread of its own, one callback at a time: a callback that waits for a future
    waits for ever, and what it shares with `forward` needs a lock.

    Raises:
        EngineError: This process is not a ROS node.
    """
    node = current()
    if node is None:
        raise EngineError(
            "There is no ROS node in this process. On the ROS 2 engine there is one "
            "from on_configure to on_shutdown: launch(engine='ros2')."
        )
    return node.spun()
