"""Where components run: a node is one process on one machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from like_keras_core.graph.frozen_json import thaw
from like_keras_core.spec import NodeSpec
from like_keras_core.values.registry import register_type

_NAME = re.compile(r"\w[\w-]*")


class Node:
    """One process: a name, the machine it runs on, the engine it asks for.

    Args:
        name: Letters, digits, `_` and `-`; unique in a system.
        machine: A host name or address; `"local"`, `"localhost"` and loopback
            addresses are this machine.
        engine: The engine to run it on; None takes the one that is chosen at launch.
        **options: JSON values that the engine reads. An engine refuses those that it
            does not know.

    Raises:
        ValueError: The name cannot be a name.
    """

    __slots__ = ("engine", "machine", "name", "options")

    def __init__(
        self,
        name: str,
        machine: str = "local",
        engine: str | None = None,
        **options: Any,
    ) -> None:
        self.name = check_name(name, "node")
        for what, value in (("machine", machine), ("engine", engine)):
            if not isinstance(value, str) and not (what == "engine" and value is None):
                raise TypeError(
                    f"The {what} of node {name!r} is a name, such as "
                    f"{'192.168.1.10' if what == 'machine' else 'native'!r}; "
                    f"got {value!r}."
                )
        self.machine = machine
        self.engine = engine
        self.options: Mapping[str, Any] = options

    @classmethod
    def from_spec(cls, spec: NodeSpec) -> Node:
        """Return the node that a spec describes."""
        return cls(spec.name, spec.machine, spec.engine, **thaw(spec.options))

    @property
    def is_local(self) -> bool:
        """Whether the machine is this one."""
        return is_local(self.machine)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        return (
            self.name == other.name
            and self.machine == other.machine
            and self.engine == other.engine
            and self.options == other.options
        )

    def __hash__(self) -> int:
        return hash((self.name, self.machine, self.engine))

    def __repr__(self) -> str:
        parts = [repr(self.name)]
        if self.machine != "local":
            parts.append(f"machine={self.machine!r}")
        if self.engine is not None:
            parts.append(f"engine={self.engine!r}")
        parts += [f"{name}={value!r}" for name, value in self.options.items()]
        return f"Node({', '.join(parts)})"


def is_local(machine: str) -> bool:
    """Say whether a machine's name or address means this machine."""
    if machine in ("local", "localhost"):
        return True
    try:
        return ipaddress.ip_address(machine).is_loopback
    except ValueError:
        return False


def check_name(name: object, what: str) -> str:
    """Return a name that can stand in an address.

    Raises:
        ValueError: It cannot.
    """
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise ValueError(
        f"A {what}'s name is made of letters, digits, '_' and '-', beginning with a "
        f"letter or digit; got {name!r}."
    )


register_type(
    Node,
    lambda node: [node.name, node.machine, node.engine, dict(node.options)],
    lambda data: Node(data[0], data[1], data[2], **data[3]),
)
