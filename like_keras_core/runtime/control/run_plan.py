"""What a run is, as its launcher and the process of each node know it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.spec import ComponentSpec, SystemSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One run of a system: what runs, on which machines, and with which options.

    Args:
        spec: The system.
        digest: What the processes of the run compare, so that all of them run the same
            system. It is the digest of what was compiled: parameters that one node was
            started with are in its `spec`, and do not concern the others.
        machines: The machine on which each node runs. It is not always the one that the
            node names: a launch may run every node here.
        options: What every process is told.
        engine_options: The options of the launch that are the engine's own.
        versions: Of the distributions that every process must have alike.
        folder: The build folder: logs go there, and the token of a run that nobody
            launched.
        artefact: What `compile` wrote; None in the process of a node.
        pacer: Makes what the ticks of this process follow, given their number per
            second: it has the methods of `runtime.host.pacer.Pacer`. This machine's
            clock when None.
        configure: Called in the process of a node with each of its components before
            it is made, in order; what it returns is made. It may load their code.
    """

    spec: SystemSpec
    digest: str
    machines: Mapping[str, str]
    options: RunOptions = field(default_factory=RunOptions)
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()
    artefact: Path | None = None
    pacer: Callable[[float], Any] | None = None
    configure: Callable[[ComponentSpec], ComponentSpec] = lambda component: component

    @classmethod
    def of(cls, spec: SystemSpec, **fields: Any) -> RunPlan:
        """Return the plan of a run in which each node is where it says.

        Args:
            spec: The system.
            **fields: What else the plan says.
        """
        machines = {node.name: node.machine for node in spec.nodes}
        known: dict[str, Any] = {"spec": spec, "digest": spec.digest()}
        return cls(**known | {"machines": machines} | fields)

    def node_of(self, component: str) -> str:
        """Return the node of a component; `"?"` where there is no such component."""
        for item in self.spec.components:
            if item.name == component:
                return item.node
        return "?"
