"""What the environment of a node's process says of the run that it belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from like_keras_core.errors import LkError
from like_keras_core.runtime.control.keys import (
    KEY,
    KEYS,
    TOKEN,
    node_key,
    write_keys,
)
from like_keras_core.values.code_folders import code_environment

LAUNCHED = "LK_LAUNCHED"
"""The variable that a node's process has where a launch has started it."""

CONTROL = "LK_CONTROL"
ITERATIONS = "LK_ITERATIONS"
RATE_HZ = "LK_RATE_HZ"

DESERTED = 69
"""The exit code of a node's process that heard nothing of its launcher for too long:
`EX_UNAVAILABLE` of `sysexits.h`."""

NODE = "LK_NODE"
"""The variable that says which node a process runs, where its engine says it so."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the processes of a run find their launcher.

    Args:
        address: Host and port on which the launcher listens.
        token: The secret of the run, from which the key of each node follows.
    """

    address: tuple[str, int]
    token: str

    def environment(self, node: str | None = None) -> dict[str, str]:
        """Return what the environment of a node's process must have.

        Args:
            node: The node. Its process can then speak for no other one; when omitted,
                the environment has the token of the run, and may be that of each.
        """
        if node is None:
            return {**self.place(), TOKEN: self.token}
        return {**self.place(), KEY: node_key(self.token, node)}

    def remote_environment(self, node: str) -> dict[str, str]:
        """Return what is handed to a process on another machine, where others may see.

        That is the node's key, which is good for one process. Where this process was
        given the token as `LK_TOKEN`, the other machine has it as well, and nothing is.

        Args:
            node: The node.
        """
        return self.place() if TOKEN in os.environ else self.environment(node)

    def shared_environment(
        self, nodes: Iterable[str], build_dir: Path
    ) -> dict[str, str]:
        """Return one environment for several processes of this machine and user.

        Args:
            nodes: Their nodes.
            build_dir: Where their keys are written, each into a file of its own. The
                launcher removes them.
        """
        folder = write_keys(self.token, nodes, build_dir)
        return {**self.place(), KEYS: str(folder)}

    def place(self) -> dict[str, str]:
        """Return what anybody may know: that there is a launcher, and where."""
        return {
            LAUNCHED: "1",
            CONTROL: "{}:{}".format(*self.address),
            **code_environment(),
        }


def given_address() -> tuple[str, int] | None:
    """Return what `LK_CONTROL` says, if it is set.

    Raises:
        LkError: That is not an address.
    """
    given = os.environ.get(CONTROL)
    if not given:
        return None
    host, _, port = given.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise LkError(
            f"{CONTROL} must be HOST:PORT, such as '192.168.1.10:24000'; got {given!r}."
        )
    return host, int(port)
