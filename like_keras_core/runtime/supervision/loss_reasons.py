"""How a process has ended whose connection is lost, as far as that is soon known."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

_END_S = 0.3
_LOOK_S = 0.01


def how_it_ended(
    node: str, lost: Callable[[], Mapping[str, str]], ended: Callable[[str], str]
) -> str:
    """Wait a moment for what is known of how a process has ended.

    Args:
        node: Its node.
        lost: Says of which nodes the processes have ended, and how.
        ended: Says how that of a node is said to have ended.

    Returns:
        How; empty if nothing is known.
    """
    until = time.monotonic() + _END_S
    while time.monotonic() < until:
        if how := lost().get(node) or ended(node):
            return how
        time.sleep(_LOOK_S)
    return ""
