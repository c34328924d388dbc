"""The launch file of one machine, as a ROS engineer would write it."""

from __future__ import annotations

import textwrap

from like_keras_core.graph.checks import by_node
from like_keras_core.spec import NodeSpec
from lk_engine_ros2_stub.ros_names import LOCAL, Naming

_TOP = '''\
"""Start {what}.

    ros2 launch {package} {file}

{more}Made by like_keras. The next compile writes this file anew: keep what you change.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import (
    EnvironmentVariable,
    LaunchConfiguration,
    PathJoinSubstitution,
)
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def generate_launch_description():
    package_share = FindPackageShare("{package}")
    default_params = PathJoinSubstitution([package_share, "config", "params.yaml"])

    arguments = [
        DeclareLaunchArgument(
            "params_file",
            default_value=default_params,
            description="What the components are made with.",
        ),
        DeclareLaunchArgument(
            "iterations",
            default_value=EnvironmentVariable("LK_ITERATIONS", default_value=""),
            description="End after so many ticks; empty: run until stopped.",
        ),
        DeclareLaunchArgument(
            "log_level",
            default_value="info",
            description="debug, info, warn, error or fatal.",
        ),
    ]

    params = LaunchConfiguration("params_file")
    ros_arguments = ["--log-level", LaunchConfiguration("log_level")]

    # The nodes agree on the start and on the end. When one is lost, the others shut
    # down by themselves; none can be respawned into a run.
    nodes = [
'''

_END = """\
    ]

    return LaunchDescription(
        [
            *arguments,
            SetEnvironmentVariable("LK_ITERATIONS", LaunchConfiguration("iterations")),
            *nodes,
        ]
    )
"""

_SEVERAL = """\
Each machine has a launch file of its own; they may be started in any order:

{files}

All of them need the same ROS_DOMAIN_ID, and in LK_TOKEN the same secret text.
{address}

"""


def launch_file(naming: Naming, machine: str) -> str:
    """Return the text of the launch file that starts a machine's nodes."""
    machines = naming.machines()
    what = f"the system {naming.spec.name!r}"
    more = ""
    if len(machines) > 1:
        what = f"the nodes of the system {naming.spec.name!r} on {_called(machine)}"
        more = _several(naming)
    lines = [
        _TOP.format(
            what=_plain(what),
            package=naming.package,
            file=naming.launch_file(machine),
            more=_plain(more),
        )
    ]
    lines += [_node(naming, node) for node in machines[machine]]
    return "".join(lines) + _END


def _several(naming: Naming) -> str:
    files = [
        f"    {naming.launch_file(machine)}: {', '.join(node.name for node in nodes)}"
        for machine, nodes in naming.machines().items()
    ]
    first = naming.spec.nodes[0]
    machine = next(iter(naming.machines()))
    address = f"The nodes report to {first.name!r}, on {_called(machine)}"
    if machine == LOCAL:
        address += ": set LK_CONTROL to HOST:PORT, where the others reach it."
    else:
        address += ", under that name; LK_CONTROL=HOST:PORT takes its place."
    return _SEVERAL.format(files="\n".join(files), address=textwrap.fill(address, 84))


def _node(naming: Naming, node: NodeSpec) -> str:
    name = naming.node(node.name)
    components = by_node(naming.spec).get(node.name, [])
    listed = ", ".join(item.name for item in components) or "no component"
    lines = [
        f"# {textwrap.shorten(listed, 76, placeholder=' ...')}",
        "Node(",
        f'    package="{naming.package}",',
        f'    executable="{name}",',
        f'    name="{name}",',
        f'    namespace="{naming.system}",',
        "    parameters=[params],",
        "    ros_arguments=ros_arguments,",
        '    output="screen",',
    ]
    env = node.options.get("env")
    if env:
        lines.append("    additional_env={")
        lines += [
            f"        {quoted(key)}: {quoted(value)}," for key, value in env.items()
        ]
        lines.append("    },")
    if node.options.get("prefix"):
        lines.append(f"    prefix={quoted(node.options['prefix'])},")
    lines.append("),")
    return textwrap.indent("\n".join(lines) + "\n", " " * 8)


def _called(machine: str) -> str:
    return "this machine" if machine == LOCAL else f"machine {machine!r}"


def _plain(text: str) -> str:
    """Return a text that cannot end a docstring."""
    return text.replace("\\", "/").replace('"', "'")


def quoted(text: str) -> str:
    """Return a text as a Python literal, with double quotes as the rest has them."""
    plain = repr(text)
    if '"' in plain:
        return plain
    return f'"{plain[1:-1]}"' if "\\'" not in plain and "'" not in text else plain
