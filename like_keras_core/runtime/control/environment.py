"""What the environment of a node's process says of the run that it belongs to."""

from __future__ import annotations

import os

from like_keras_core.errors import LkError

LAUNCHED, CONTROL, TOKEN = "LK_LAUNCHED", "LK_CONTROL", "LK_TOKEN"
ITERATIONS = "LK_ITERATIONS"


def launched_environment(address: tuple[str, int], token: str) -> dict[str, str]:
    """Return what a launching process adds to the environment of each process."""
    return {LAUNCHED: "1", CONTROL: "{}:{}".format(*address), TOKEN: token}


def given_address() -> tuple[str, int] | None:
    """Return what `LK_CONTROL` says, if it is set.

    Raises:
        LkError: That is no address.
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
