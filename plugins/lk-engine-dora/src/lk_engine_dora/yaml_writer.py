"""A dataflow as YAML text, with comments: people read and edit this file."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from like_keras_core.engine_kit import by_node
from like_keras_core.spec import ComponentSpec, SystemSpec
from lk_engine_dora.edges import Kind, edges_of
from lk_engine_dora.external_nodes import ENTRY_POINT, foreign_nodes

if TYPE_CHECKING:
    import yaml

    from lk_engine_dora.dataflow import Data

_TOP = """\
The system {name!r} as a dora dataflow, made by like_keras.

{run}
It runs until it is stopped, or for LK_ITERATIONS ticks. The next compile overwrites
this file: keep your changes elsewhere.
"""

_RUN_HERE = """\
To run it:                   dora run dataflow.yaml
"""

_RUN_THERE = """\
To run it, with a coordinator and a daemon on each machine:
                             dora start dataflow.yaml --attach
"""

_MIXED = """\
Nodes without `deploy` run where a daemon was started without --machine-id.
"""

_MEETING = """\
How the processes find each other. LK_CONTROL: the address on which the first node's
process listens; LK_TOKEN: a shared secret. `lk launch` sets both; LK_TOKEN may be set
in each daemon's environment instead.
LK_CONTROL: 192.168.1.10:24000
LK_TOKEN: a shared secret
"""

_NODES = """\
A node is a process. Its inputs and outputs carry:
"""

_LEGEND: Mapping[Kind, str] = {
    "data": "values of the port {0.source}, as frames for {0.consumer}",
    "acks": "acknowledgements and credits for these values; required",
    "arrow": "plain Arrow arrays, from or to a node that is not ours",
    "end": "nothing; it closes when the node on the other side has ended",
    "wake": "from a process to itself: it ends a wait for dora",
}

_KEYS = {
    "LK_DIGEST": "Which system this is; the processes compare it with what they read.",
    "LK_SYSTEM": "Its components and connections; elsewhere, in the working folder.",
    "PYTHONPATH": "Where the code of the components is.",
    "LK_CODE": "Where more of it is, behind all that is installed.",
    "LK_NODE": "Which node of the system this process is.",
    "LK_WORKING_DIR": "Where the process works.",
    "deploy": "The daemon that starts it, by its --machine-id.",
    "shared_memory_pool_size": "Room for values under way [byte].",
    "path": "The interpreter on its machine, and the module that runs components.",
}
"""The comment above a key, where it occurs for the first time."""


def to_text(spec: SystemSpec, dataflow: Data) -> str:
    """Return a system's dataflow as text; the same data gives the same bytes."""
    return _Writer(spec, dataflow).text()


class _Writer:
    """Writes one dataflow.

    Args:
        spec: The system.
        dataflow: Its dataflow.
    """

    def __init__(self, spec: SystemSpec, dataflow: Data) -> None:
        self.spec = spec
        self.dataflow = dataflow
        self.lines: list[str] = []
        self.explained: set[str] = set()
        self.foreign = foreign_nodes(spec)
        self.is_foreign = False

    def text(self) -> str:
        nodes = self.dataflow["nodes"]
        placed = ["deploy" in node for node in nodes]
        run = _RUN_THERE if any(placed) else _RUN_HERE
        if any(placed) and not all(placed):
            run += _MIXED
        self._comment(_TOP.format(name=self.spec.name, run=run))
        self.lines += ["", "env:"]
        for name, value in self.dataflow["env"].items():
            self._entry(name, value, 2)
        self._comment("End after so many ticks:", 2)
        self._comment('LK_ITERATIONS: "100"', 2)
        if any("deploy" in node for node in self.dataflow["nodes"]):
            self._comment(_MEETING, 2)
        self.lines.append("")
        self._legend()
        self.lines.append("nodes:")
        components = by_node(self.spec)
        for node in nodes:
            name = node.get("env", {}).get("LK_NODE")
            self._node(node, components.get(name, []))
        return "\n".join(self.lines) + "\n"

    def _legend(self) -> None:
        first = {edge.kind: edge for edge in reversed(edges_of(self.spec))}
        rows = [
            (first[kind].output, text.format(first[kind]))
            for kind, text in _LEGEND.items()
            if kind in first
        ]
        self._comment(_NODES)
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            self._comment(f"  {name:{width}}  {text}")

    def _node(self, node: Data, components: list[ComponentSpec]) -> None:
        self.lines.append("")
        self.is_foreign = node["id"] in self.foreign
        names = ", ".join(component.name for component in components)
        if self.is_foreign:
            self._comment("A dora node that is not ours.", 2)
        elif any(item.entry_point == ENTRY_POINT for item in components):
            self._comment(f"{names}: speaks for it with the others.", 2)
        else:
            self._comment(textwrap.fill(names or "No component.", 82), 2)
        self.lines.append(f"  - id: {_scalar(node['id'])}")
        for key, value in node.items():
            if key == "id":
                continue
            if not isinstance(value, (dict, list)) or key == "cpu_affinity":
                self._entry(key, value, 4)
                continue
            self._explain(key, 4)
            self.lines.append(f"    {key}:")
            if isinstance(value, dict):
                for name, item in value.items():
                    self._entry(name, item, 6)
            else:
                self.lines += [f"      - {_scalar(item)}" for item in value]

    def _entry(self, key: str, value: Any, indent: int) -> None:
        self._explain(key, indent)
        self.lines.append(f"{' ' * indent}{_scalar(key)}: {_scalar(value)}")

    def _explain(self, key: str, indent: int) -> None:
        if key == "path" and self.is_foreign:
            return
        if key in _KEYS and key not in self.explained:
            self.explained.add(key)
            self._comment(_KEYS[key], indent)

    def _comment(self, text: str, indent: int = 0) -> None:
        for line in text.splitlines():
            self.lines.append(f"{' ' * indent}# {line}".rstrip())


def _scalar(value: Any) -> str:
    """Return a value on one line, in a form that every YAML reader takes alike."""
    import yaml

    written: str = yaml.dump(
        value,
        Dumper=_dumper(),
        default_flow_style=True,
        sort_keys=False,
        width=float("inf"),
        allow_unicode=True,
    )
    return written.removesuffix("\n").removesuffix("\n...")


@functools.cache
def _dumper() -> type[yaml.SafeDumper]:
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes strings that some reader takes for a number: 1e3, 0o17, 1_000."""

    def text(dumper: yaml.SafeDumper, item: str) -> yaml.ScalarNode:
        style = "'" if re.match(r"[-+]?\.?\d|[-+]?\.", item) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", item, style)

    Dumper.add_representer(str, text)
    return Dumper
