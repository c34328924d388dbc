"""The processes that dora runs: what both ways of starting a dataflow have alike."""

from __future__ import annotations

import signal
from pathlib import Path

from like_keras_core.engine_kit import ProcessGroup, exit_text
from like_keras_core.errors import ComponentError
from like_keras_core.report import RunReport
from like_keras_core.spec import SystemSpec
from lk_engine_dora.external_nodes import foreign_nodes
from lk_engine_dora.output_parser import Output

_WELL = {exit_text(code) for code in (0, -signal.SIGKILL, -signal.SIGTERM)}


def is_well(how: str) -> bool:
    """Tell whether a node has ended well; one that did not end by itself was killed."""
    return how in _WELL


class DoraProcesses(ProcessGroup):
    """A dataflow that was started, with the nodes of others in it.

    Args:
        spec: The system.
        path: The dataflow.
        output: Takes in what is printed.
    """

    def __init__(self, spec: SystemSpec, path: Path, output: Output) -> None:
        self.spec = spec
        self.path = path
        self.output = output

    def tail(self, node: str) -> list[str]:
        """Return the last lines that a node printed or logged."""
        return self.output.tail(node)

    def finish(self, report: RunReport) -> RunReport:
        """See how nodes that are not ours have ended, after the last tick.

        Raises:
            ComponentError: One has failed.
        """
        for node, how in self.output.theirs.items():
            if is_well(how):
                continue
            name = foreign_nodes(self.spec)[node].name
            text = f"the dora node {node!r} has failed: {how}"
            log = "\n".join(self.output.tail(node))
            raise ComponentError(name, node, "on_shutdown", None, text, log, report)
        return report
