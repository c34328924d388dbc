"""What keeps a sound system from being a dora dataflow: every reason, at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from like_keras_core.engine_kit import unfound_issues, unsendable_issues
from like_keras_core.issue import Issue, errors_in
from like_keras_core.node import is_local
from like_keras_core.spec import NodeSpec, SystemSpec, component_of, split_address
from lk_engine_dora.dataflow import Data, machine_id, to_dataflow
from lk_engine_dora.edges import Edge, edges_of
from lk_engine_dora.env_vars import arrives_as
from lk_engine_dora.external_nodes import (
    ENTRY_POINT,
    Foreign,
    foreign_nodes,
    is_arrow,
    is_numpy,
    types_of,
)
from lk_engine_dora.local_paths import Places
from lk_engine_dora.options import env_issues, option_issues

_ID = re.compile(r"[A-Za-z0-9_-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_RESERVED = "dora"
_LONGEST = 128 << 10
"""The longest variable of an environment that Linux hands to a process [byte]."""


def issues_of(spec: SystemSpec, places: Places) -> list[Issue]:
    """List what this engine cannot run, or only in a way that may surprise.

    Args:
        spec: The system, sound as far as the core knows.
        places: Where this machine has what its processes need.
    """
    edges = edges_of(spec)
    foreign = foreign_nodes(spec)
    issues = [*option_issues(spec)]
    issues += _bad_names(spec, edges)
    issues += unsendable_issues(
        spec, (edge.source for edge in edges if edge.kind == "data")
    )
    ours = {x.name for x in spec.nodes if is_local(x.machine)} - foreign.keys()
    issues += unfound_issues(spec, ours, places.python_path)
    issues += _bad_foreign(spec, foreign)
    issues += _mixed_types(spec, foreign)
    issues += _shared_addresses(spec)
    if not errors_in(issues):
        issues += _too_long(to_dataflow(spec, places))
    return issues


def _bad_names(spec: SystemSpec, edges: Sequence[Edge]) -> Iterator[Issue]:
    allowed = "dora takes ASCII letters, digits, '_' and '-'"
    for node in spec.nodes:
        if node.name == _RESERVED:
            yield Issue(
                f"A node cannot be called {_RESERVED!r}: dora keeps that name for its "
                "own sources. Rename it.",
                code="dora-name",
                address=node.name,
            )
        elif arrives_as(node.name) != node.name:
            yield Issue(
                f"A node cannot be called {node.name!r}: dora reads that as a number, "
                f"and would call the process {arrives_as(node.name)!r}. Rename it.",
                code="dora-name",
                address=node.name,
            )
        elif not _ID.fullmatch(node.name):
            yield Issue(
                f"Node {node.name!r} cannot be the id of a dora node: {allowed}. "
                "Rename it.",
                code="dora-name",
                address=ascii(node.name),
            )
    names = {edge.source: None for edge in edges if edge.source}
    for edge in edges:
        if edge.kind == "arrow":
            # One of the two is the port's address.
            names[max(edge.input, edge.output, key=len)] = None
    for name in names:
        if not _NAME.fullmatch(name):
            yield Issue(
                f"The port {name!r} crosses nodes, but cannot be a name in dora: "
                f"{allowed}. Rename the port or its component.",
                code="dora-name",
                address=ascii(name),
            )


def _bad_foreign(spec: SystemSpec, foreign: Mapping[str, Foreign]) -> Iterator[Issue]:
    crowd = Counter(component.node for component in spec.components)
    for component in spec.components:
        if component.entry_point != ENTRY_POINT:
            continue
        node = component.node
        if crowd[node] > 1 or not _is_own(spec.node(node)):
            yield Issue(
                f"DoraNode {component.name!r} is a node of its own, so it cannot be "
                f"placed on node {node!r} or share it. Leave its node alone; machine= "
                "says where it runs.",
                code="foreign-node",
                address=component.name,
            )
        yield from env_issues(
            foreign[node].env, f"DoraNode {component.name!r}", component.name
        )
        reads = foreign[node].read is not None
        if reads and spec.rate_hz is None:
            yield Issue(
                f"DoraNode {component.name!r} gives at each tick what has come, and "
                "this system has no rate: its ticks would come as fast as they can, "
                "and most of them give nothing. Say how fast it is: "
                "System(..., rate_hz=100), or launch(rate_hz=100).",
                code="foreign-rate",
                address=component.name,
            )
        if component.every != 1 and not reads:
            yield Issue(
                f"every={component.every} of {component.name!r} means nothing: a dora "
                "node sends when it likes. Leave it out, or the rate_hz that says it.",
                code="foreign-node",
                address=component.name,
            )
    for connection in spec.connections:
        source, port = split_address(connection.source)
        giver = foreign.get(spec.component(source).node)
        if giver is not None and giver.ticks is giver.read is None:
            yield Issue(
                f"The connection '{connection}' takes values from dora node "
                f"{source!r}, which do not say their ticks. If its n-th message on "
                f"{port!r} is the value of tick n, say so: DoraNode({source!r}, ..., "
                'ticks="count"). If they have a clock of their own, say how they are '
                'read: read="newest", "each" or "all".',
                code="foreign-ticks",
                address=connection.source,
            )


def _mixed_types(spec: SystemSpec, foreign: Mapping[str, Foreign]) -> Iterator[Issue]:
    """Refuse an output whose readers want its values in different forms."""
    sources = dict.fromkeys(connection.source for connection in spec.connections)
    for source in sources:
        if spec.component(component_of(source)).node not in foreign:
            continue
        types = types_of(spec, source)
        shown = next(filter(is_numpy, types), None)
        plain = next(filter(is_arrow, types), None)
        if shown is not None and plain is not None:
            yield Issue(
                f"The values of {source!r} go to {types[shown]!r}, which is annotated "
                f"as {shown}, and to {types[plain]!r}, which is annotated as {plain}. "
                "They have one form for all who read them: annotate both alike.",
                code="foreign-types",
                address=source,
            )


def _is_own(node: NodeSpec) -> bool:
    return node.engine in ("dora", None) and not node.options


def _shared_addresses(spec: SystemSpec) -> Iterator[Issue]:
    """Warn of machines that would need a daemon for each of their nodes."""
    nodes: dict[str, list[str]] = {}
    for node in spec.nodes:
        if machine_id(node) == node.name != node.machine:
            nodes.setdefault(node.machine, []).append(node.name)
    for machine, names in nodes.items():
        if len(names) > 1:
            listed = ", ".join(map(repr, names))
            yield Issue(
                f"The nodes {listed} are on machine {machine!r}. A machine that is "
                "named by its address needs a dora daemon for each of its nodes, with "
                "the node's name as --machine-id. To need one daemon only, give the "
                "nodes the machine's name instead of its address.",
                code="machine-address",
                address=names[0],
                severity="warning",
            )


def _too_long(dataflow: Data) -> Iterator[Issue]:
    """Refuse a dataflow that dora could not hand to its nodes.

    Each node gets the whole of it in one environment variable, with what dora adds.
    """
    import yaml

    lengths = [len(yaml.safe_dump([[item]])) + 120 for item in dataflow["nodes"]]
    length = sum(lengths) + 2 * max(lengths) + len(yaml.safe_dump(dataflow["env"]))
    if length + 1000 > _LONGEST:
        yield Issue(
            f"The dataflow is too long: dora hands all of it, some {length >> 10} KB, "
            f"to each of its {len(lengths)} nodes in one environment variable, which "
            f"holds {_LONGEST >> 10} KB. Place more components on one node.",
            code="too-long",
            address=dataflow["nodes"][0]["id"],
        )
