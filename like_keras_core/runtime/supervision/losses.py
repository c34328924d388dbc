"""The nodes whose processes were lost in a run."""

from __future__ import annotations

from collections.abc import Iterable, Set

from like_keras_core.errors import HostLostError
from like_keras_core.report import RunReport
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.spec import SystemSpec

NO_LIFE = "for {:g} s nothing ran in it, as where native code keeps Python's lock"
"""What is known of a process that says nothing at the end."""


class Losses:
    """Keeps how each node was lost; the first loss may be the error of the run.

    Args:
        spec: The system.

    Attributes:
        came_first: Whether nothing had failed before the first one.
    """

    def __init__(self, spec: SystemSpec) -> None:
        self._spec = spec
        self._errors: dict[str, HostLostError] = {}
        self.came_first = False

    @property
    def nodes(self) -> Set[str]:
        """The nodes that were lost."""
        return self._errors.keys()

    def __contains__(self, node: object) -> bool:
        return node in self._errors

    def __bool__(self) -> bool:
        return bool(self._errors)

    def add(self, error: HostLostError, is_first: bool) -> None:
        """Know of a loss; of each node the first counts.

        Args:
            error: How it was lost.
            is_first: Whether nothing else has failed before.
        """
        self.came_first = self.came_first or (is_first and not self._errors)
        self._errors.setdefault(error.node, error)

    def sentences(self) -> list[str]:
        """Return how each node was lost, and what is not known now."""
        return [text for node in self._errors for text in self._sentences(node)]

    def error(
        self, report: RunReport | None, failures: Iterable[ReportedFailure]
    ) -> HostLostError:
        """Return the first loss as an error that carries what came after it.

        Args:
            report: The report of the run; None if it had not begun.
            failures: What failed.
        """
        (_, first), *_ = self._errors.items()
        _, *unknown = self.sentences()
        failed = [f"{x.component!r} failed in {x.phase}: {x.error}" for x in failures]
        first.later = [*failed, *(unknown if report else ())]
        first.report = report
        return first

    def _sentences(self, node: str) -> list[str]:
        lost = f"the process of node {node!r} was lost: {self._errors[node].how}"
        names = [repr(x.name) for x in self._spec.components if x.node == node]
        if not names:
            return [lost]
        return [lost, f"it is not known who was deactivated of {', '.join(names)}"]
