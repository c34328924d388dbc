"""What a Node and a port may say to this engine, under dora's own names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from like_keras_core.engine_kit import node_option_issues, unknown_options
from like_keras_core.errors import EngineError, EngineOptionError
from like_keras_core.issue import Issue
from like_keras_core.node import is_local
from like_keras_core.spec import NodeSpec, SystemSpec
from lk_engine_dora.env_vars import problems

NODE_OPTIONS = (
    *("cpu_affinity", "env", "python"),
    *("shared_memory_pool_size", "working_dir"),
)
OUTPUT_OPTIONS = ("max_bytes",)
RESTARTING = (
    *("restart_policy", "max_restarts", "restart_window"),
    *("restart_delay", "max_restart_delay"),
)

_SIZE = re.compile(r"\d+(\.\d+)? ?(B|KB|MB|GB)", re.ASCII | re.IGNORECASE)


class LaunchOptionError(EngineOptionError, ValueError):
    """An option of `launch` cannot be what it was given."""

    def __init__(self, name: str, expected: str, received: object) -> None:
        self.engine, self.name = "dora", name
        self.unknown, self.known = (), ()
        EngineError.__init__(
            self,
            f"The option {name!r} of a launch on dora is {expected}; "
            f"got {received!r:.80}.",
        )


def option_issues(spec: SystemSpec) -> Iterator[Issue]:
    """List the options that this engine does not know, or cannot follow."""
    for node in spec.nodes:
        yield from _node_issues(node)
    for ports, known in ((spec.outputs(), OUTPUT_OPTIONS), (spec.inputs(), ())):
        for address, port in ports.items():
            unknown = [name for name in port.options if name not in known]
            if unknown:
                where = f"port {address!r}"
                yield unknown_options("dora", unknown, known, where, address)
            size = port.options.get("max_bytes", 1)
            if "max_bytes" in known and not _is_whole(size, 1):
                yield Issue(
                    f"max_bytes of {address!r} is the size of its largest value in "
                    f"bytes, 1 or more; got {size!r:.80}.",
                    code="option",
                    address=address,
                )


def _node_issues(node: NodeSpec) -> Iterator[Issue]:
    where = f"node {node.name!r}"
    yield from node_option_issues("dora", node, NODE_OPTIONS, RESTARTING)
    for name, (fits, expected) in _EXPECTED.items():
        if name in node.options and not fits(node.options[name]):
            yield Issue(
                f"The option {name!r} of {where} is {expected}; got "
                f"{node.options[name]!r:.80}.",
                code="option",
                address=node.name,
            )
            continue
        if name == "env":
            yield from env_issues(node.options.get("env", {}), where, node.name)
        elif name in ("python", "working_dir") and is_local(node.machine):
            path = node.options.get(name)
            if path is not None and not Path(path).exists():
                yield Issue(
                    f"The {name} of {where}, {path!r}, does not exist on this machine.",
                    code="option",
                    address=node.name,
                )


def env_issues(env: Mapping[str, Any], where: str, address: str) -> Iterator[Issue]:
    """List the variables of an environment that would not arrive as they are."""
    for name, reason in problems(env):
        yield Issue(
            f"The env of {where} sets {name!r}, {reason}.",
            code="option",
            address=address,
        )


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_env(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(item, (str, int, float)) for item in value.values()
    )


def _is_absolute(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _is_cores(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(_is_whole(item, 0) for item in value)
    )


def _is_size(value: object) -> bool:
    return _is_whole(value, 1) or (
        isinstance(value, str) and bool(_SIZE.fullmatch(value))
    )


_EXPECTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "env": (_is_env, "a dict of strings, numbers and booleans"),
    "python": (_is_absolute, "the absolute path of an interpreter on its machine"),
    "working_dir": (_is_absolute, "the absolute path of a folder on its machine"),
    "cpu_affinity": (_is_cores, "a list of the numbers of cores, such as [0, 1]"),
    "shared_memory_pool_size": (
        _is_size,
        "a number of bytes, or a string such as '64MB'",
    ),
}
