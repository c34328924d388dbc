"""What the parts of a system are called in ROS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from like_keras_core.issue import Issue
from like_keras_core.node import is_local
from like_keras_core.spec import NodeSpec, SystemSpec
from lk_engine_ros2_stub.name_rules import (
    Problem,
    namespace_problem,
    node_name_problem,
    package_problem,
    token,
    tokens,
    topic_problem,
)

LOCAL = "local"
_HIDDEN = "_lk"
_ANY_PROCESS = "r00000000"


@dataclass(frozen=True, slots=True)
class Naming:
    """The names of one system in ROS.

    Args:
        spec: The system.
    """

    spec: SystemSpec

    @property
    def system(self) -> str:
        """The system's name, as a part of others."""
        return token(self.spec.name)

    @property
    def package(self) -> str:
        """The package: no module of the author's is likely to have its name."""
        return f"{self.system.lower()}_bringup"

    @property
    def namespace(self) -> str:
        """The namespace of the system's nodes and topics."""
        return f"/{self.system}"

    def node(self, name: str) -> str:
        """Return the ROS name of a node, which is its executable's too."""
        return token(name)

    def full_node(self, name: str) -> str:
        """Return a node's fully qualified name."""
        return f"{self.namespace}/{self.node(name)}"

    def params_key(self, name: str) -> str:
        """Return how a file of parameters names a node, whatever its namespace."""
        return f"/**/{self.node(name)}"

    def module(self, name: str) -> str:
        """Return the Python module of a node's executable."""
        return f"{self.node(name)}_node"

    def topic(self, address: str) -> str:
        """Return the public topic of a port: dots become `/`."""
        return f"{self.namespace}/{tokens(address)}"

    def relative_topic(self, address: str) -> str:
        """Return the public topic of a port below the namespace of its node."""
        return tokens(address)

    def machines(self) -> Mapping[str, list[NodeSpec]]:
        """Return the nodes by machine; this machine is called `local`."""
        found: dict[str, list[NodeSpec]] = {}
        for node in self.spec.nodes:
            machine = LOCAL if is_local(node.machine) else node.machine
            found.setdefault(machine, []).append(node)
        return found

    def launch_file(self, machine: str) -> str:
        """Return the name of the launch file that starts the nodes of a machine."""
        if len(self.machines()) == 1:
            return f"{self.system}.launch.py"
        return f"{self.system}.{re.sub(r'[^A-Za-z0-9_.-]', '_', machine)}.launch.py"


def hidden_folder(namespace: str, process: str) -> str:
    """Return what the topics begin with on which a process speaks to the others.

    Args:
        namespace: The namespace that its node is in.
        process: What distinguishes it from all that were before, or are beside it.
    """
    return f"{namespace.rstrip('/')}/{_HIDDEN}/{process}"


def hidden(folder: str, producer: str, consumer: str) -> str:
    """Return the topic that carries all frames from one node to another.

    Args:
        folder: That of the producer's process.
        producer: The one node.
        consumer: The other one.
    """
    return f"{folder}/{token(producer)}/to/{token(consumer)}"


def name_issues(spec: SystemSpec) -> list[Issue]:
    """List names that ROS does not take, and what becomes of them there."""
    naming = Naming(spec)
    issues = [*_renamed(spec), *_collisions(naming), *_too_long(naming)]
    return list(dict.fromkeys(issues))


def _renamed(spec: SystemSpec) -> Iterator[Issue]:
    """Warn of names that are others in ROS."""
    for kind, name in _names(spec):
        for part in name.split("."):
            becomes = token(part)
            if becomes == part:
                continue
            problem = node_name_problem(part)
            why = (
                f"{kind.capitalize()} name {name!r} is not a name in ROS: {problem}\n"
                if problem
                else f"{kind.capitalize()} name {name!r} is not used in ROS: a leading "
                "or repeated '_' means that something is hidden or generated.\n"
            )
            yield Issue(
                f"{why}There {part!r} is called {becomes!r}. To have one name "
                "everywhere, rename it.",
                code="ros-name",
                address=name,
                severity="warning",
            )


def _names(spec: SystemSpec) -> Iterator[tuple[str, str]]:
    yield "system", spec.name
    yield from (("node", node.name) for node in spec.nodes)
    yield from (("component", component.name) for component in spec.components)
    for component in spec.components:
        for port in (*component.inputs, *component.outputs):
            yield "port", port.name


def _collisions(naming: Naming) -> Iterator[Issue]:
    """Find different names that become one."""
    spec = naming.spec
    nodes = [(node.name, naming.full_node(node.name)) for node in spec.nodes]
    yield from _shared("Nodes", nodes)
    topics = [(address, naming.topic(address)) for address in spec.outputs()]
    yield from _shared("Ports", topics)
    components = [(item.name, tokens(item.name)) for item in spec.components]
    yield from _shared("Components", components)
    machines = naming.machines()
    files = [(machine, naming.launch_file(machine)) for machine in machines]
    yield from _shared("Machines", files)
    # Two files that differ in case only are one on some systems.
    modules = [(node.name, f"{naming.module(node.name)}.py") for node in spec.nodes]
    lower = [(name, file.lower()) for name, file in modules]
    if len(set(nodes)) == len({made for _, made in nodes}):
        yield from _shared("Nodes", lower)


def _shared(what: str, pairs: list[tuple[str, str]]) -> Iterator[Issue]:
    found: dict[str, list[str]] = {}
    for name, made in pairs:
        found.setdefault(made, []).append(name)
    for made, names in found.items():
        if len(names) > 1:
            yield Issue(
                f"{what} {' and '.join(map(repr, names))} are both {made!r} in ROS. "
                "Rename one of them.",
                code="ros-collision",
                address=names[-1],
            )


def _too_long(naming: Naming) -> Iterator[Issue]:
    """Find names that are wrong as they will be: what is left is their length."""
    spec = naming.spec
    found: list[tuple[str, Problem | None]] = [
        (spec.name, namespace_problem(naming.namespace)),
        (spec.name, package_problem(naming.package)),
    ]
    folder = hidden_folder(naming.namespace, _ANY_PROCESS)
    for node in spec.nodes:
        found.append((node.name, node_name_problem(naming.node(node.name))))
        for other in spec.nodes:
            if node is not other:
                topic = hidden(folder, node.name, other.name)
                found.append((node.name, topic_problem(topic)))
    found += [
        (address, topic_problem(naming.topic(address))) for address in spec.outputs()
    ]
    for address, problem in found:
        if problem is not None:
            yield Issue(
                f"{address!r} has a name that ROS does not take: {problem}\n"
                "Choose a shorter one.",
                code="ros-name",
                address=address,
            )
