"""The connections of a run's processes to the control server, by node."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Container

from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.server import ControlServer, ServerConnection
from like_keras_core.runtime.signal_safe_queue import SignalSafeQueue
from like_keras_core.runtime.supervision.message_checks import MessageChecks
from like_keras_core.spec import SystemSpec

_MOST_VISITS = 64
"""So many connections of a node are taken before its process introduces itself."""


class NodeConnections:
    """Knows which connection is of which node, and takes in what comes there.

    Args:
        server: Where the processes connect.
        nodes: The nodes that are expected.
        spec: The system, for processes that have no copy.
        checks: Learns what the processes are told.
    """

    def __init__(
        self,
        server: ControlServer,
        nodes: Container[str],
        spec: SystemSpec,
        checks: MessageChecks,
    ) -> None:
        self._server = server
        self._nodes = nodes
        self._spec = spec
        self._checks = checks
        #: How often each node has connected.
        self._visits: Counter[str] = Counter()
        #: By node, the connection on which its `Hello` came; one each, never replaced.
        self._known: dict[str, ServerConnection] = {}
        #: Every connection that was not sent away; all are closed at the end.
        self._accepted: list[ServerConnection] = []
        #: From the server's thread to the one that runs: only what comes on one of
        #: `_known`, each one's in its order, `Hello` first; None only wakes.
        self._inbox: SignalSafeQueue[tuple[str, p.FromNode] | None] = SignalSafeQueue()
        #: Set when the run has ended: from then on whoever connects is sent away.
        self._is_over = threading.Event()

    def open(self) -> None:
        """Let processes connect."""
        self._server.start(self._connected)

    def close(self, *, hurried_by: BaseException | None) -> None:
        """Let all processes exit, and accept no more.

        Args:
            hurried_by: What ends the launch; after a second signal hooks that still
                run are interrupted.
        """
        self.tell(p.RunEnded(isinstance(hurried_by, KeyboardInterrupt)))
        self._server.close()
        self._is_over.set()
        for connection in self._accepted:
            connection.close()

    def __contains__(self, node: object) -> bool:
        return node in self._known

    def send(self, node: str, message: p.ToProcess) -> None:
        """Say something to the process of a node that has connected."""
        self._checks.told(message)
        self._known[node].send(message)

    def tell(self, message: p.ToProcess) -> None:
        """Say the same to all that have connected."""
        self._checks.told(message)
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
        """Take in a connection: its node counts once its `Hello` has come."""
        node = connection.node
        self._visits[node] += 1
        # One that knows the token may ask for the system before it says who it is. A
        # node that is known may have heartbeats come by a second connection.
        is_known = not node or node in self._nodes
        is_over = self._is_over.is_set()
        if not is_known or is_over or self._visits[node] > _MOST_VISITS:
            connection.close()
            return
        self._accepted.append(connection)
        is_in = is_refused = has_asked = False

        def heard(message: p.FromNode | p.GetSystem) -> None:
            nonlocal is_in, is_refused, has_asked
            if isinstance(message, p.GetSystem):
                if not has_asked and node not in self._known:
                    has_asked = True
                    self._send_system(connection)
                return
            if not is_in and not is_refused:
                is_in = self._admit(connection, message)
                is_refused = not is_in
            if is_in:
                self._inbox.put((node, message))

        connection.start(heard)
        if self._is_over.is_set():
            connection.close()

    def _is_expected(self, node: str) -> bool:
        is_known = node in self._nodes and node not in self._known
        return is_known and not self._is_over.is_set()

    def _send_system(self, connection: ServerConnection) -> None:
        # Sent from a thread, so that a slow reader does not block the others.
        copy = [p.SystemCopy(self._spec.to_json().encode())]
        threading.Thread(target=connection.send, args=copy, daemon=True).start()

    def _admit(self, connection: ServerConnection, message: p.FromNode) -> bool:
        """Learn who is there; disconnect one that is not expected any more."""
        node = connection.node
        is_gone = isinstance(message, p.ConnectionLost) and not message.is_refused
        if is_gone or not self._is_expected(node):
            connection.close()
            return False
        self._known[node] = connection
        if isinstance(message, p.ConnectionLost):
            return True
        if not isinstance(message, p.Hello) or message.node != node:
            said = message.node if isinstance(message, p.Hello) else message.verb
            how = f"it has proved to be node {node!r} and introduced itself as {said!r}"
            self._inbox.put((node, p.ConnectionLost(how, is_refused=True)))
        return True
