"""What a node runs or waits for while it finishes no tick, told in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from like_keras_core.runtime.control.connection import ProcessConnection
from like_keras_core.runtime.control.protocol import WaitsFor
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.os_resources.realtime_rights import leave_core

_STILL_S = 1.0
"""So long a process finishes no tick before it says what it waits for [s]."""


class WaitReports:
    """Says what a node runs or waits for while it stands still.

    Args:
        connection: To the launcher.
        host: The node's.
        is_over: Set when nothing is to be said any more.
    """

    def __init__(
        self, connection: ProcessConnection, host: NodeHost, is_over: threading.Event
    ) -> None:
        self._connection = connection
        self._host = host
        self._is_over = is_over

    def begin(self, running: Callable[[], bool]) -> None:
        """Begin, in a thread of its own.

        Args:
            running: Whether ticks run; it ends with them.
        """
        threading.Thread(target=self._tell, args=(running,), daemon=True).start()

    def _tell(self, running: Callable[[], bool]) -> None:
        leave_core()
        said: tuple[str, ...] = ()
        before, host = -1, self._host
        while not self._is_over.wait(_STILL_S) and running():
            now = host.progress
            is_still = now == before and not host.is_finished
            states = tuple(host.waits_for()) if is_still else ()
            if states != said:
                self._connection.send(WaitsFor(states))
            said, before = states, now
