"""Frames over dora: into shared memory in place, and out of it as views."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from like_keras_core.engine_kit import (
    HEADER_SIZE,
    Arrived,
    FrameParts,
    SignalSafeQueue,
    channel_of,
)
from like_keras_core.errors import EngineError
from like_keras_core.spec import SystemSpec
from lk_engine_dora.edges import WAKE, edges_of
from lk_engine_dora.shared_acks import AckTable, AckTables

OVERLAY = "DORA_ZENOH_CONFIG_OVERLAY"
OVERLAY_FILE = Path(__file__).with_name("zenoh.json5")

IN_PLACE = 1 << 18
"""From this size on a frame is written where it is sent from, unjoined [byte].

Below it joining costs as little as the calls that it saves."""

SMALL = 4096
"""Up to this size a frame that arrives is copied: it costs less than a view, and keeps
no place in the sender's shared memory [byte]."""

_WAIT_S = 0.1
"""How long dora is waited for at most: signals are heeded in between [s]."""

_TIMED_OUT = "Receiver timed out"
"""What dora says where a wait has ended because its time was over."""

_OVERSLEEP_S = 0.4e-3
"""By how much a wait for dora may end late [s]; other waits end on time."""


def open_node() -> Any:
    """Become the dora node that the environment says; messages wait, none is dropped.

    A configuration that the environment has already is left as it is.
    """
    os.environ.setdefault(OVERLAY, str(OVERLAY_FILE))
    # To wait in vain is an error for dora, and the trace of the first one takes 0.3 s.
    os.environ.setdefault("RUST_LIB_BACKTRACE", "0")
    from dora import Node

    return Node()


class DoraTransport:
    """The ways from one of our processes to the others.

    Args:
        spec: The system.
        name: The node that this process runs.
        node: Its dora node.
        stopped: Called when dora asks the process to stop.
    """

    def __init__(
        self,
        spec: SystemSpec,
        name: str,
        node: Any,
        stopped: Callable[[], object] = lambda: None,
    ) -> None:
        self._node = node
        self.stopped = stopped
        from lk_engine_dora.bridge import open_bridge

        self.bridge = open_bridge(spec, name, node)
        self.relay: Callable[[str, FrameParts], object] | None = None
        self._arrived: Arrived = lambda frame: None
        self._taken: Mapping[str, Any] | None = None
        self._is_stopped = self._is_cut_off = self._is_over = False
        # Not an event, which a signal handler may not set while its thread clears it.
        self._wakes: SignalSafeQueue[None] = SignalSafeQueue()
        self._is_asleep = False
        edges = edges_of(spec)
        self._tables = AckTables(edges, name)
        mine = [edge for edge in edges if edge.producer == name]
        self._data = {
            number: edge.output
            for edge in mine
            if edge.kind == "data"
            for number in edge.channels
        }
        self._acks = {
            edge.consumer: edge.output for edge in mine if edge.kind == "acks"
        }

    def bind(self) -> str:
        """Return nothing: dora knows where the others are."""
        return ""

    def start(self, arrived: Arrived, peers: Mapping[str, str]) -> None:
        """Know who takes the frames."""
        self._arrived = arrived

    def send(self, node: str, frame: FrameParts) -> None:
        """Send a frame to another node; its parts may be used again afterwards."""
        number, size = channel_of(frame[0]), sum(map(len, frame))
        output = self._data.get(number)
        if output is None:
            output = self._acks[node]
            is_bare = size == HEADER_SIZE
            if is_bare and self._tables.write(node, number, b"".join(frame)):
                return
        if self._is_cut_off and self.relay is not None:
            self.relay(node, frame)
            return
        if size < IN_PLACE:
            self._node.send_output(output, b"".join(frame))
            return
        sample = self._node.send_output_raw(output, size)
        view = sample.as_memoryview()
        start = 0
        for part in frame:
            end = start + len(part)
            view[start:end] = part
            start = end
        view.release()
        sample.send()

    def receive(self, timeout_s: float) -> None:
        """Hand over what has arrived; if there is nothing, wait for it or for `wake`.

        Args:
            timeout_s: How long to wait at most [s].

        Raises:
            EngineError: dora has lost its daemon.
        """
        self._taken = None
        event = self._node.try_recv()
        is_idle = event is None
        while event is not None:
            self._take(event)
            # It would keep a place in the sender's shared memory.
            del event
            event = self._node.try_recv()
        table = self._tables.own
        if table is not None and self._look(table):
            return
        if is_idle and timeout_s:
            event = self._taken = self._wait_or_look(timeout_s, table)
            if event is not None:
                # A tick may wait for just this: first it runs, then the rest is done.
                self._take(event)

    def _look(self, table: AckTable) -> bool:
        """Hand over what was written on this process's table; say if there was any."""
        frames = table.poll()
        for frame in frames:
            self._arrived(frame)
        return bool(frames)

    def _wait_or_look(self, timeout_s: float, table: AckTable | None) -> Any:
        """Wait as `_wait` does, unless something is written before it begins."""
        if table is None:
            return self._wait(timeout_s)
        table.say_waiting(True)
        event = None if self._look(table) else self._wait(timeout_s)
        table.say_waiting(False)
        return event

    def wake(self) -> None:
        """End the present wait, or the next one; from any thread or handler."""
        self._wakes.put(None)
        if self._is_asleep:
            # Nothing but a message ends a wait for dora. Where it fails, time does.
            self._is_asleep = False
            with suppress(Exception):
                self._node.send_output(WAKE, b"")

    def close(self) -> None:
        """Give the dora node back."""
        self._taken = self._node = None
        self._tables.close()

    def _wait(self, timeout_s: float) -> Any:
        """Return the next event; None if there was none before a wake or a time."""
        if self._is_over or timeout_s < 2 * _OVERSLEEP_S:
            with suppress(queue.Empty):
                self._wakes.get(timeout_s)
            return self._node.try_recv()
        event = None
        self._is_asleep = True
        if self._wakes.empty():
            event = self._node.next(min(timeout_s - _OVERSLEEP_S, _WAIT_S))
            if event is None:
                self._end()
        self._is_asleep = False
        while not self._wakes.empty():
            self._wakes.get_nowait()
        return event

    def _end(self) -> None:
        """Know that dora delivers nothing any more."""
        self._is_over = True
        if self._is_stopped and self.bridge is not None:
            self.bridge.over()

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event["type"]
        if self.bridge is not None and self.bridge.take(event):
            return
        if kind == "INPUT" and event["id"] != WAKE:
            source, frame = event["id"], _bytes_of(event["value"])
            tables = self._tables
            if source in tables.pending and tables.handshake(
                source, frame, self._node.send_output
            ):
                return
            self._arrived(frame)
        elif kind == "ERROR" and _TIMED_OUT not in str(event["error"]):
            # Nothing more would ever come, and no wait would end but for its time.
            first, _, _ = str(event["error"]).partition("\n")
            raise EngineError(f"dora delivers nothing any more: {first}")
        elif kind == "STOP":
            self._is_stopped = True
            if event["id"] == "MANUAL":
                # But for what is queued dora delivers nothing, here or elsewhere.
                self._is_cut_off = True
                self.stopped()


def _bytes_of(array: Any) -> bytes | memoryview:
    """Return the bytes of an Arrow array of bytes; where they are, if they are many."""
    size = len(array)
    part = array.buffers()[1].slice(array.offset, size)
    return memoryview(part).cast("B") if size > SMALL else part.to_pybytes()
