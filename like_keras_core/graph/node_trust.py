"""What a saved system may do beside importing code, where an allow-list is given.

A node's options may hold an environment, an interpreter or a command, and a node that
is not ours is a command itself. So each such node is refused unless the list has
`node:NAME`. Numbers and sizes cannot run anything and need no permission.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from like_keras_core.errors import LoadError, NotAllowedError
from like_keras_core.graph.elements import ComponentSpec, NodeSpec

_SIZE = re.compile(r"[-+]?\d+(\.\d+)? ?[A-Za-z]{0,3}", re.ASCII)


class NodeNotAllowedError(NotAllowedError):
    """A saved system asks for more of a node than an allow-list has.

    Args:
        wishes: By node, its options or arguments that could run code.
        allowed: What the allow-list has.
    """

    def __init__(
        self, wishes: Mapping[str, Mapping[str, Any]], allowed: Iterable[str]
    ) -> None:
        self.wishes, self.allowed = wishes, tuple(allowed)
        cures = [f"node:{name}" for name in wishes]
        self.entry_point = ", ".join(cures)
        listed = "; ".join(
            f"{name!r} with "
            + ", ".join(f"{key} {value!r:.200}" for key, value in given.items())
            for name, given in wishes.items()
        )
        flags = " ".join(f"--allow {cure}" for cure in cures)
        LoadError.__init__(
            self,
            f"The saved system has nodes that may run any code: {listed}. If you trust "
            f"them, add {flags} (or allow={cures!r}).",
        )


def check_nodes(nodes: Iterable[NodeSpec], allow: Iterable[str] | None) -> None:
    """Refuse options of nodes that may run code and are not allowed.

    Args:
        nodes: The nodes of the system.
        allow: The allow-list; None allows all.

    Raises:
        NodeNotAllowedError: There are some; all of them are named.
    """
    wishes = {
        node.name: {
            name: value
            for name, value in node.options.items()
            if not _is_harmless(value)
        }
        for node in nodes
    }
    _refuse(wishes, allow)


def check_foreign(
    components: Iterable[ComponentSpec], allow: Iterable[str] | None
) -> None:
    """Refuse nodes that are not ours and are not allowed.

    Args:
        components: Those that stand for such nodes.
        allow: The allow-list; None allows all.

    Raises:
        NodeNotAllowedError: There are some; all of them are named.
    """
    wishes: dict[str, dict[str, Any]] = {}
    for component in components:
        wishes.setdefault(component.node, {}).update(component.config or {})
    _refuse(wishes, allow)


def _refuse(
    wishes: Mapping[str, Mapping[str, Any]], allow: Iterable[str] | None
) -> None:
    if allow is None:
        return
    allowed = tuple(allow)
    refused = {
        name: given
        for name, given in wishes.items()
        if given and f"node:{name}" not in allowed
    }
    if refused:
        raise NodeNotAllowedError(refused, allowed)


def _is_harmless(value: Any) -> bool:
    """Say whether an option can be neither a command nor a path nor an environment."""
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, (int, float)) for item in value)
    if isinstance(value, str):
        return _SIZE.fullmatch(value) is not None
    return value is None or isinstance(value, (int, float)) or value == {}
