"""A system as the files of a colcon workspace with one ament_python package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from like_keras_core.graph.checks import by_node
from like_keras_core.spec import ComponentSpec, NodeSpec, SystemSpec
from lk_engine_ros2_stub.launch_file import launch_file, quoted
from lk_engine_ros2_stub.message_types import ENCODED, packages_of
from lk_engine_ros2_stub.parameters import OWN, Parameter, parameters_of
from lk_engine_ros2_stub.public_topics import messages_of
from lk_engine_ros2_stub.ros_names import Naming

SYSTEM = "system.json"

_PACKAGE_XML = """\
<?xml version="1.0"?>
<?xml-model href="http://download.ros.org/schema/package_format3.xsd" \
schematypens="http://www.w3.org/2001/XMLSchema"?>
<!-- Made by like_keras. The next compile writes it anew: keep what you change. -->
<package format="3">
  <name>{package}</name>
  <version>0.0.0</version>
  <description>The system {system} as ROS 2 nodes: {nodes}.</description>
  <!-- Say who looks after it, and under which terms. -->
  <maintainer email="maintainer@example.com">maintainer</maintainer>
  <license>Proprietary</license>

  <!-- Here belong the packages that have the components' code. -->
  <exec_depend>launch</exec_depend>
  <exec_depend>launch_ros</exec_depend>
  <exec_depend>rclpy</exec_depend>
{messages}

  <export>
    <build_type>ament_python</build_type>
  </export>
</package>
"""

_SETUP_PY = """\
from glob import glob

from setuptools import find_packages, setup

package_name = "{package}"

setup(
    name=package_name,
    version="0.0.0",
    packages=find_packages(),
    package_data={{package_name: ["system.json"]}},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/" + package_name]),
        ("share/" + package_name, ["package.xml"]),
        ("share/" + package_name + "/config", sorted(glob("config/*.yaml"))),
        ("share/" + package_name + "/launch", sorted(glob("launch/*.launch.py"))),
    ],
    # The components' code and like_keras come with the environment, not with setup.py.
    install_requires=["setuptools"],
    zip_safe=False,
    entry_points={{
        "console_scripts": [
{scripts}
        ],
    }},
)
"""

_SETUP_CFG = """\
[develop]
script_dir=$base/lib/{package}
[install]
install_scripts=$base/lib/{package}
[build_scripts]
# The Python of the active environment: a virtual one has packages of its own.
executable=/usr/bin/env python3
"""

_NODE = '''\
"""Node {node!r} of the system {system!r}.

It runs these components:

{components}
"""

from pathlib import Path

from lk_engine_ros2_stub import node


def main(args=None):
    """Run until the system ends, or until SIGINT or SIGTERM."""
    system = Path(__file__).with_name("system.json")
    return node.main(system, {name}, args)
'''

_PARAMS = """\
What the components of the system {system!r} are made with, by node.

A value keeps its type: 2.0 is a double, 2 an integer, and a parameter takes only the
one that it has here. Changes count from the next start; no node is compiled again.
The next compile writes this file anew: keep a copy, and start with params_file:=COPY.
"""


def files_of(spec: SystemSpec) -> dict[str, str]:
    """Return the workspace that runs a system: text by path, free of surprises.

    Args:
        spec: The system, free of issues.
    """
    naming = Naming(spec)
    package = naming.package
    top = f"src/{package}"
    components = by_node(spec)
    scripts = [
        f'            "{naming.node(node.name)} = '
        f'{package}.{naming.module(node.name)}:main",'
        for node in spec.nodes
    ]
    files = {
        "package.xml": _PACKAGE_XML.format(
            package=package,
            system=naming.system,
            nodes=", ".join(naming.node(node.name) for node in spec.nodes),
            messages="\n".join(
                f"  <exec_depend>{name}</exec_depend>"
                for name in packages_of([ENCODED, *messages_of(spec)])
            ),
        ),
        "setup.py": _SETUP_PY.format(package=package, scripts="\n".join(scripts)),
        "setup.cfg": _SETUP_CFG.format(package=package),
        f"resource/{package}": "",
        f"{package}/__init__.py": "",
        f"{package}/{SYSTEM}": spec.to_json() + "\n",
        "config/params.yaml": _params(naming, components),
    }
    for node in spec.nodes:
        here = components.get(node.name, [])
        files[f"{package}/{naming.module(node.name)}.py"] = _node(naming, node, here)
    for machine in naming.machines():
        text = launch_file(naming, machine)
        files[f"launch/{naming.launch_file(machine)}"] = text
    return {f"{top}/{path}": text for path, text in files.items()}


def _node(naming: Naming, node: NodeSpec, components: list[ComponentSpec]) -> str:
    lines = [f"- {item.name}: {item.entry_point}" for item in components]
    listed = "\n".join(lines) or "- nothing"
    # What a script's name may hold must not end the docstring.
    listed = listed.replace("\\", "/").replace('"', "'")
    return _NODE.format(
        node=node.name,
        name=quoted(node.name),
        system=naming.spec.name,
        components=listed,
    )


def _params(naming: Naming, components: Mapping[str, list[ComponentSpec]]) -> str:
    lines = _comment(_PARAMS.format(system=naming.spec.name))
    for node in naming.spec.nodes:
        lines += ["", f"{naming.full_node(node.name)}:", "  ros__parameters:"]
        found = [
            parameter
            for component in components.get(node.name, [])
            for parameter in parameters_of(component)
        ]
        held = [parameter for parameter in found if not parameter.reason]
        if held:
            lines += _tree(held)
        else:
            lines[-1] += " {}"
        kept = [item for item in found if item.reason not in ("", OWN)]
        if kept:
            lines += _comment("What ROS cannot hold is in system.json:", 4)
            for item in kept:
                lines += _comment(f"  {item.name} ({item.reason})", 4)
    return "\n".join(lines) + "\n"


def _tree(parameters: list[Parameter]) -> Iterator[str]:
    """Return parameters as nested YAML."""
    tree: dict[str, Any] = {}
    for parameter in parameters:
        branch = tree
        for part in parameter.path[:-1]:
            branch = branch.setdefault(part, {})
        branch[parameter.path[-1]] = parameter.value
    yield from _branch(tree, 4)


def _branch(tree: Mapping[str, Any], indent: int) -> Iterator[str]:
    for name, value in tree.items():
        start = f"{' ' * indent}{_scalar(name)}:"
        if isinstance(value, dict):
            yield start
            yield from _branch(value, indent + 2)
        else:
            yield f"{start} {_scalar(value)}"


def _scalar(value: Any) -> str:
    """Return a value on one line, of one type for every YAML reader."""
    if isinstance(value, str):
        return value if value.isidentifier() and not _is_word(value) else _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _is_word(text: str) -> bool:
    """Say whether some reader takes a text for a truth value, or for nothing."""
    words = ("true", "false", "yes", "no", "on", "off", "y", "n", "null")
    return not text.isascii() or text.lower() in words


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _float(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    return text if not exponent or "." in mantissa else f"{mantissa}.0e{power}"


def _comment(text: str, indent: int = 0) -> list[str]:
    return [f"{' ' * indent}# {line}".rstrip() for line in text.splitlines()]
