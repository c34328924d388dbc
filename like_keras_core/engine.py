"""What an engine is: four verbs in plain Python, and what it says it can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from like_keras_core.issue import Issue
from like_keras_core.spec import ComponentSpec, HasSpec, SystemSpec

if TYPE_CHECKING:
    from like_keras_core.report import RunReport

CAPABILITIES: Mapping[str, str] = {
    "delay": "connections with a delay",
    "hold": "input ports with the policy 'hold'",
    "latest": "input ports with the policy 'latest'",
    "every": "components that fire on each k-th tick",
    "takes": "components whose firings take ticks",
    "rate": "a clock paced by rate_hz",
    "late": "late='skip', and choices that a run repeats",
    "record": "launch(record=...) and taps",
    "multi-process": "each node in a process of its own",
    "multi-machine": "nodes on several machines",
    "zero-copy": "large arrays without copying between processes of a machine",
    "foreign-nodes": "nodes that are not like_keras components",
    "stand-alone": "an artefact that runs without our launcher",
}
"""Every capability that an engine may declare, and what it means."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """What a compile made.

    Args:
        engine: The engine that made it.
        path: The main file, if there is one.
    """

    engine: str
    path: Path | None = None


class Engine(ABC):
    """Compiles a system to the files of a runtime, and runs it there.

    Subclass it, implement the methods, declare `capabilities`, and name the class in
    the entry-point group `like_keras_core.engines`. No plug-in machinery is needed.
    """

    name: str = ""
    """The name that users choose it by; the entry point's name wins."""

    capabilities: ClassVar[frozenset[str]] = frozenset()
    """Names from `CAPABILITIES` that this engine has; using others is refused."""

    @abstractmethod
    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        """Say whether this engine can run a system, and every reason why not.

        Each reason may be an `Issue`; a plain string counts as an error.
        """

    @abstractmethod
    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path | None:
        """Write what the runtime needs, below `build_dir` only.

        Returns:
            The main file, or None where there is nothing to write.
        """

    @abstractmethod
    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        **options: Any,
    ) -> RunReport:
        """Run a system to its end.

        Args:
            system: What to run.
            config_path: What `compile` returned for it.
            **options: The keywords of `System.launch` (but for `engine` and
                `trace_to`), `stop`, a `StopSignal`, and this engine's own. Those that
                the signature names are always passed. Others of every launch may be
                left out at their defaults; where the signature has no `**options`, the
                core refuses them otherwise. Unknown ones are an `EngineOptionError`.
        """

    def serialize_component(self, component: Any) -> ComponentSpec | None:
        """Say how a component appears in the artefact; None: as in the spec."""
        return None


def as_issue(reason: str, plugin: str) -> Issue:
    """Return a reason as an issue of a plug-in; a plain string is an error."""
    if isinstance(reason, Issue):
        return reason.by(plugin)
    return Issue(reason, code="plugin", plugin=plugin)
