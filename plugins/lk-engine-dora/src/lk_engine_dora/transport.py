"""Frames over dora: into shared memory in place, and out of it as views."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from like_keras_core.runtime.flow import channel_of
from like_keras_core.spec import SystemSpec
from lk_engine_dora.edges import edges_of

Frame = Sequence[bytes | bytearray | memoryview]

OVERLAY = "DORA_ZENOH_CONFIG_OVERLAY"
OVERLAY_FILE = Path(__file__).with_name("zenoh.json5")

IN_PLACE = 1 << 18
"""From this size on a frame is written where it is sent from, unjoined [byte].

Below it joining costs as little as the calls that it saves."""

SMALL = 4096
"""Up to this size a frame that arrives is copied: it costs less than a view, and frees
its place in the sender's shared memory at once [byte]."""

_WAIT_S = 0.1


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
        self.relay: Callable[[str, Frame], object] | None = None
        self._is_cut_off = False
        self._closing = threading.Event()
        self._reader: threading.Thread | None = None
        mine = [edge for edge in edges_of(spec) if edge.producer == name]
        self._data = {
            number: edge.output
            for edge in mine
            if edge.kind == "data"
            for number in edge.channels
        }
        self._acks = {
            edge.consumer: edge.output for edge in mine if edge.kind == "acks"
        }

    def start(self, arrived: Callable[[bytes | memoryview], object]) -> None:
        """Hand over each frame that arrives, from a thread of its own."""
        self._reader = threading.Thread(
            target=self._read, args=[arrived], name="dora", daemon=True
        )
        self._reader.start()

    def send(self, node: str, frame: Frame) -> None:
        """Send a frame to another node; its parts may be used again afterwards."""
        if self._is_cut_off and self.relay is not None:
            self.relay(node, frame)
            return
        output = self._data.get(channel_of(list(frame))) or self._acks[node]
        size = sum(map(len, frame))
        if size < IN_PLACE:
            self._node.send_output(output, b"".join(frame))
            return
        sample = self._node.send_output_raw(output, size)
        view = sample.as_memoryview()
        start = 0
        for part in frame:
            view[start : start + len(part)] = part
            start += len(part)
        view.release()
        sample.send()

    def _read(self, arrived: Callable[[bytes | memoryview], object]) -> None:
        is_last = False
        while not self._closing.is_set():
            event = self._node.next(_WAIT_S)
            if event is None:
                # After a STOP dora hands over what is queued, and then nothing more.
                if is_last:
                    if self.bridge is not None:
                        self.bridge.over()
                    return
                continue
            if self.bridge is not None and self.bridge.take(event):
                pass
            elif event["type"] == "INPUT":
                arrived(_bytes_of(event["value"]))
            elif event["type"] == "STOP":
                is_last = True
                if event["id"] == "MANUAL":
                    # From here on dora delivers nothing, neither here nor elsewhere.
                    self._is_cut_off = True
                    self.stopped()
            # It would keep a place in the sender's shared memory while this waits.
            del event

    def close(self) -> None:
        """Receive no more, and give the dora node back."""
        self._closing.set()
        if self._reader is not None:
            self._reader.join()
        self._node = None


def _bytes_of(array: Any) -> bytes | memoryview:
    """Return the bytes of an Arrow array of bytes; where they are, if they are many."""
    data = memoryview(array.buffers()[1]).cast("B")
    start, size = array.offset, len(array)
    part = data[start : start + size]
    return part if size > SMALL else bytes(part)
