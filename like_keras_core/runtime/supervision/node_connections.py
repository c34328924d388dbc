"""The connections of a run's processes to the control server, by node."""

from __future__ import annotations

import queue
import threading
from collections.abc import Container

from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.server import ControlServer, ServerConnection
from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue


class NodeConnections:
    """Knows which connection is of which node, and takes in what comes there.

    Args:
        server: Where the processes connect.
        nodes: The nodes that are expected.
        system: The spec as JSON, for processes that have no copy.
    """

    def __init__(
        self, server: ControlServer, nodes: Container[str], system: str
    ) -> None:
        self._server = server
        self._nodes = nodes
        self._system = system
        #: By node, the connection on which its `Hello` came; one each, never replaced.
        self._known: dict[str, ServerConnection] = {}
        #: Every connection, whoever is there; all are closed at the end.
        self._accepted: list[ServerConnection] = []
        #: From the server's thread to the one that runs: only what comes on one of
        #: `_known`, each one's in its order, `Hello` first; None only wakes.
        self._inbox: SignalSafeQueue[tuple[str, p.FromNode] | None] = SignalSafeQueue()
        #: Whether the run has ended: from then on whoever connects is sent away.
        self._is_over = False

    def open(self) -> None:
        """Let processes connect."""
        self._server.start(self._connected)

    def close(self) -> None:
        """Let all processes exit, and accept no more."""
        self.tell(p.RunEnded())
        self._server.close()
        self._is_over = True
        for connection in self._accepted:
            connection.close()

    def __contains__(self, node: object) -> bool:
        return node in self._known

    def send(self, node: str, message: p.ToProcess) -> None:
        """Say something to the process of a node that has connected."""
        self._known[node].send(message)

    def tell(self, message: p.ToProcess) -> None:
        """Say the same to all that have connected."""
        for connection in list(self._known.values()):
            connection.send(message)

    def wake(self) -> None:
        """Let `next` return; from any thread or signal handler."""
        self._inbox.put(None)

    def next(self, timeout_s: float) -> tuple[str, p.FromNode] | None:
        """Return a node and what its process has said; None if it has said nothing.

        Args:
            timeout_s: How long to wait at most [s].
        """
        try:
            return self._inbox.get(timeout_s)
        except queue.Empty:
            return None

    def _connected(self, connection: ServerConnection) -> None:
        """Learn from its `Hello` which node runs there."""
        self._accepted.append(connection)
        node = ""
        is_refused = False

        def heard(message: p.FromNode | p.GetSystem) -> None:
            nonlocal node, is_refused
            if isinstance(message, p.GetSystem):
                # Sent from a thread, so that a slow reader does not block the others.
                copy = [p.SystemCopy(self._system.encode())]
                threading.Thread(target=connection.send, args=copy, daemon=True).start()
                return
            if not node and not is_refused:
                node = self._admit(connection, message)
                is_refused = not node
            if node:
                self._inbox.put((node, message))

        connection.start(heard)
        if self._is_over:
            connection.close()

    def _admit(self, connection: ServerConnection, message: p.FromNode) -> str:
        """Return the node that runs there; disconnect one that is not expected."""
        node = message.node if isinstance(message, p.Hello) else ""
        if node not in self._nodes or node in self._known or self._is_over:
            connection.close()
            return ""
        self._known[node] = connection
        return node
