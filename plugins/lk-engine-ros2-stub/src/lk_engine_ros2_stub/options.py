"""What a Node and a port may say to this engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from like_keras_core.engine_kit import node_option_issues, unknown_options
from like_keras_core.issue import Issue
from like_keras_core.spec import NodeSpec, PortSpec, SystemSpec
from lk_engine_ros2_stub.message_options import (
    MESSAGE_OPTIONS,
    message_option_issues,
)
from lk_engine_ros2_stub.message_types import misfit
from lk_engine_ros2_stub.name_rules import message_type_problem
from lk_engine_ros2_stub.qos import read_qos

NODE_OPTIONS = ("env", "prefix", "remappings")
INPUT_OPTIONS = ("qos", "ros_type")
OUTPUT_OPTIONS = ("max_bytes", "qos", "ros_type", *MESSAGE_OPTIONS)
"""`max_bytes` sizes the memory of other engines; here nothing needs it."""

_RESTARTING = ("respawn", "respawn_delay", "respawn_max_retries")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def option_issues(spec: SystemSpec) -> Iterator[Issue]:
    """List the options that this engine does not know, or cannot follow."""
    for node in spec.nodes:
        yield from _node_issues(node)
    for ports, known in (
        (spec.outputs(), OUTPUT_OPTIONS),
        (spec.inputs(), INPUT_OPTIONS),
    ):
        for address, port in ports.items():
            yield from _port_issues(address, port, known)
    yield from message_option_issues(spec)


def _node_issues(node: NodeSpec) -> Iterator[Issue]:
    where = f"node {node.name!r}"
    yield from node_option_issues("ros2", node, NODE_OPTIONS, _RESTARTING)
    env = node.options.get("env", {})
    if not _is_env(env):
        yield Issue(
            f"The option 'env' of {where} is a dict of strings by the names of "
            f"variables; got {env!r:.80}.",
            code="option",
            address=node.name,
        )
    remappings = node.options.get("remappings", [])
    if not _is_pairs(remappings):
        yield Issue(
            f"The option 'remappings' of {where} is a list of pairs of names, as in a "
            f"launch file: [('camera/image', '/image')]; got {remappings!r:.80}.",
            code="option",
            address=node.name,
        )
    prefix = node.options.get("prefix", "")
    if not isinstance(prefix, str):
        yield Issue(
            f"The option 'prefix' of {where} is a string, a command such as "
            f"'gdb -ex run --args'; got {prefix!r:.80}.",
            code="option",
            address=node.name,
        )


def _port_issues(
    address: str, port: PortSpec, known: tuple[str, ...]
) -> Iterator[Issue]:
    unknown = [name for name in port.options if name not in known]
    if unknown:
        yield unknown_options("ros2", unknown, known, f"port {address!r}", address)
    if "qos" in port.options:
        try:
            read_qos(port.options["qos"])
        except ValueError as error:
            yield Issue(
                f"The option 'qos' of {address!r} cannot be read: {error}",
                code="ros-qos",
                address=address,
            )
    if "ros_type" in port.options:
        reason = _type_problem(port)
        if reason:
            yield Issue(
                f"The option 'ros_type' of {address!r} cannot be used: {reason}",
                code="ros-type",
                address=address,
            )


def _type_problem(port: PortSpec) -> str | None:
    chosen = port.options["ros_type"]
    if not isinstance(chosen, str):
        return (
            f"it is a string, such as 'sensor_msgs/msg/JointState'; got {chosen!r:.80}."
        )
    problem = message_type_problem(chosen)
    if problem:
        package, _, name = chosen.partition("/")
        near = f"{package}/msg/{name}"
        is_near = message_type_problem(near) is None
        return str(problem) + (f"\nDid you mean {near!r}?" if is_near else "")
    reason = misfit(port.type, chosen)
    return f"{reason}; the port is annotated {port.type}." if reason else None


def _is_env(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        _VARIABLE.fullmatch(name) and isinstance(item, str)
        for name, item in value.items()
    )


def _is_pairs(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(pair, list | tuple)
        and [type(name) for name in pair] == [str, str]
        and all(pair)
        for pair in value
    )
