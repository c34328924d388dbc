"""What the environment of a node's process says of the run that it belongs to."""

from __future__ import annotations

import os
from dataclasses import dataclass

from like_keras_core.errors import LkError
from like_keras_core.values.code_folders import code_environment

LAUNCHED = "LK_LAUNCHED"
"""The variable that a node's process has where a launch has started it."""

CONTROL, TOKEN = "LK_CONTROL", "LK_TOKEN"
ITERATIONS = "LK_ITERATIONS"

DESERTED = 69
"""The exit code of a node's process that heard nothing of its launcher for too long:
`EX_UNAVAILABLE` of `sysexits.h`."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the processes of a run find their launcher.

    Args:
        address: Host and port on which the launcher listens.
        token: The secret of the run, by which both ends prove themselves.
    """

    address: tuple[str, int]
    token: str

    def environment(self) -> dict[str, str]:
        """Return what the environment of each node's process must have."""
        return {
            LAUNCHED: "1",
            CONTROL: "{}:{}".format(*self.address),
            TOKEN: self.token,
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
