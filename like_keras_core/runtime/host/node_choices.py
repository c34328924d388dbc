"""What one node of a run has decided by its clock, as a part of the run's choices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from like_keras_core.graph.choices import Choices, Pairs, overlaid
from like_keras_core.runtime.host.choosing_buffers import LooseBuffer
from like_keras_core.runtime.host.node_host import NodeHost


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChoices:
    """The choices of one node, and what others could not take because of it.

    Args:
        choices: Of its components and inputs.
        lost: By input port of other nodes, what it took of a port of this one while
            values were lost on the way, where that input does not know it better.
    """

    choices: Choices = field(default_factory=Choices)
    lost: Mapping[str, Pairs] = field(default_factory=dict)

    @classmethod
    def of(cls, host: NodeHost) -> NodeChoices:
        """Return those of a host, below its cut."""
        end = host.cut.end
        found = host.lateness.noted(end)
        took = {
            inlet.target: inlet.took()
            for runner in host._runners
            for _, inlet in runner.inlets
            if isinstance(inlet, LooseBuffer)
        }
        found = replace(found, took=Choices(took=took).below(end).took)
        return cls(choices=found, lost=Choices(took=_lost(host)).below(end).took)

    def __bool__(self) -> bool:
        return bool(self.choices or self.lost)

    def to_json(self) -> bytes:
        """Return JSON text."""
        lost = Choices(took=self.lost).to_dict()["took"]
        data = {"choices": self.choices.to_dict(), "lost": lost}
        return json.dumps(data, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> NodeChoices:
        """Read what `to_json` gave.

        Raises:
            ValueError: It is something else.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.keys() != {"choices", "lost"}:
            raise ValueError(f"expected choices and what was lost, got {data!r:.80}")
        lost = Choices.from_dict({"took": data["lost"]}).took
        return cls(choices=Choices.from_dict(data["choices"]), lost=lost)


def _lost(host: NodeHost) -> dict[str, Pairs]:
    nodes = {item.name: item.node for item in host.spec.components}
    inputs = host.spec.inputs()
    found: dict[str, Pairs] = {}
    for source, reader, link in host.links:
        if not link.lost:
            continue
        for connection in host.spec.connections:
            if connection.source == source and nodes[connection.consumer] == reader:
                late = connection.delay is not None
                if late or inputs[connection.target].policy != "sync":
                    found[connection.target] = tuple(
                        (first + late, after - first, 1, before, 0)
                        for first, after, before in link.lost
                    )
    return found


def merged(nodes: Iterable[NodeChoices]) -> Choices:
    """Return the choices of a run, of those of its nodes."""
    nodes = list(nodes)
    found = Choices.merged(node.choices for node in nodes)
    took = dict(found.took)
    for node in nodes:
        for target, pairs in node.lost.items():
            took[target] = overlaid(pairs, took.get(target, ()))
    return replace(found, took=took)
