"""The ROS node that this process is, for the parts of a system that speak ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lk_engine_ros2_stub.transport import RosNode

_nodes: list[RosNode] = []


def become(node: RosNode) -> None:
    """Say which node this process is."""
    _nodes[:] = [node]


def current() -> RosNode | None:
    """Return the node that this process is; None where it is none."""
    return _nodes[0] if _nodes else None
