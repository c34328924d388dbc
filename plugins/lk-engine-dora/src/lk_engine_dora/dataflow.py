"""A system as the data of a dora dataflow."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from like_keras_core.node import is_local
from like_keras_core.spec import NodeSpec, SystemSpec
from lk_engine_dora.edges import Edge, edges_of, host_id
from lk_engine_dora.env_vars import escaped
from lk_engine_dora.external_nodes import Foreign, foreign_nodes
from lk_engine_dora.local_paths import Places

WINDOW = 8
"""Values in flight on a channel, where the launch does not say otherwise."""

RUN_AHEAD = 256
"""Ticks that a process may be ahead: as many watermarks may queue."""

SMALLEST_POOL = 8 << 20
"""The shared memory that dora gives a node by itself [byte]."""

_WAKES = 16
"""More wakes than can be under way to a process: it sends one a wait."""

_OVERHEAD = 4096
"""At most what a message has beside its value: headers, ours and dora's [byte]."""

Data = dict[str, Any]


def to_dataflow(
    spec: SystemSpec,
    places: Places,
    *,
    window: int = WINDOW,
    run_ahead: int = RUN_AHEAD,
    is_local_run: bool = False,
) -> Data:
    """Return the dataflow that runs a system.

    Args:
        spec: The system, free of issues.
        places: Where this machine has what its processes need.
        window: Values in flight on a channel.
        run_ahead: Ticks that a process may be ahead.
        is_local_run: Leave out on which machines the nodes are, to run all of them
            here; `dora run` refuses a file that names machines.
    """
    edges = edges_of(spec)
    foreign = foreign_nodes(spec)
    pools = _pools(spec, edges, window)
    nodes = []
    for node in spec.nodes:
        made = _our_node(_at_home(node) if is_local_run else node, places)
        made["id"] = host_id(node.name, foreign)
        pool = node.options.get("shared_memory_pool_size", pools.get(node.name))
        if pool is not None:
            made["shared_memory_pool_size"] = pool
        both = [made]
        if node.name in foreign:
            both.insert(0, _foreign_node(node, foreign[node.name]))
        machine = machine_id(node)
        for item in both:
            if machine is not None and not is_local_run:
                item["deploy"] = {"machine": machine}
                if "working_dir" in node.options:
                    item["deploy"]["working_dir"] = node.options["working_dir"]
            item |= _wiring(item["id"], edges, window, run_ahead)
        nodes += both
    env = {"LK_DIGEST": f"sha256:{spec.digest()}"}
    env |= _take_common([node.get("env", {}) for node in nodes])
    for item in nodes:
        if not item.get("env", True):
            del item["env"]
    return {"env": env, "nodes": nodes}


def machine_id(node: NodeSpec) -> str | None:
    """Return the `--machine-id` of the daemon that runs a node; None for this machine.

    It is the machine's name; or the node's, where the machine is given by an address.
    """
    if is_local(node.machine):
        return None
    try:
        ipaddress.ip_address(node.machine)
    except ValueError:
        return node.machine
    return node.name


def queue_size(channels: int, window: int, run_ahead: int) -> int:
    """Return how much an input must hold so that a slow reader loses nothing.

    For each channel a window of values with what is said about them, and for all of
    them the watermarks of the ticks that the producer may be ahead.
    """
    return max(64, 2 * window + 16) * channels + run_ahead


def _at_home(node: NodeSpec) -> NodeSpec:
    """Return a node as one of this machine, without what another one has."""
    if is_local(node.machine):
        return node
    options = {
        name: value
        for name, value in node.options.items()
        if name not in ("python", "working_dir")
    }
    return replace(node, machine="local", options=options)


def _our_node(node: NodeSpec, places: Places) -> Data:
    options = node.options
    env = {name: escaped(value) for name, value in options.get("env", {}).items()}
    own = {"LK_NODE": node.name, "LK_SYSTEM": os.path.basename(places.system)}
    if is_local(node.machine):
        own["LK_SYSTEM"] = escaped(places.system)
        if "working_dir" in options:
            own["LK_WORKING_DIR"] = escaped(options["working_dir"])
        path = [env.pop("PYTHONPATH")] if "PYTHONPATH" in env else []
        path += map(escaped, places.python_path)
        own |= {"PYTHONPATH": os.pathsep.join(path)} if path else {}
        own |= {name: escaped(value) for name, value in places.code.items()}
    made: Data = {
        "id": node.name,
        "path": options.get("python", places.interpreter),
        "args": "-u -m lk_engine_dora.node",
        "env": own | env,
    }
    if "cpu_affinity" in options:
        made["cpu_affinity"] = list(options["cpu_affinity"])
    return made


def _foreign_node(node: NodeSpec, foreign: Foreign) -> Data:
    made: Data = {"id": node.name, "path": foreign.path}
    if foreign.args is not None:
        made["args"] = foreign.args
    if foreign.build is not None:
        made["build"] = foreign.build
    if foreign.env:
        made["env"] = {name: escaped(value) for name, value in foreign.env.items()}
    return made


def _wiring(name: str, edges: Sequence[Edge], window: int, run_ahead: int) -> Data:
    inputs: Data = {}
    for edge in edges:
        if edge.end == name:
            size = queue_size(len(edge.channels) or 1, window, run_ahead)
            if edge.kind == "end" or (edge.kind == "arrow" and edge.latest):
                size = 1
            elif edge.kind == "wake":
                size = _WAKES
            source = f"{edge.start}/{edge.output}"
            inputs[edge.input] = {"source": source, "queue_size": size}
    outputs = [edge.output for edge in edges if edge.start == name]
    wiring: Data = {}
    if inputs:
        wiring["inputs"] = inputs
    if outputs:
        wiring["outputs"] = list(dict.fromkeys(outputs))
    return wiring


def _pools(spec: SystemSpec, edges: Sequence[Edge], window: int) -> dict[str, int]:
    """Return the shared memory of nodes whose ports say how large their values are."""
    sizes = _largest_values(spec)
    needed: dict[str, int] = {}
    for edge in edges:
        size = sizes.get(edge.source)
        # A node that is not ours looks after its own memory.
        is_theirs = edge.kind == "arrow" and edge.start == edge.producer
        if size is not None and not is_theirs:
            # An Arrow array of bytes has a bit for each of them beside.
            message = size + size // 8 + _OVERHEAD
            total = needed.get(edge.producer, 0) + (window + 4) * message
            needed[edge.producer] = total
    return {node: max(SMALLEST_POOL, total) for node, total in needed.items()}


def _largest_values(spec: SystemSpec) -> dict[str, int]:
    return {
        address: port.options["max_bytes"]
        for address, port in spec.outputs().items()
        if "max_bytes" in port.options
    }


def _take_common(envs: list[Data]) -> Mapping[str, Any]:
    """Take out what all nodes have: dora hands the whole file to each of them."""
    common = {
        name: value
        for name, value in envs[0].items()
        if name != "LK_NODE" and all(_has(env, name, value) for env in envs)
    }
    for env in envs:
        for name in common:
            del env[name]
    return common


def _has(env: Data, name: str, value: Any) -> bool:
    found = env.get(name)
    return type(found) is type(value) and bool(found == value)
