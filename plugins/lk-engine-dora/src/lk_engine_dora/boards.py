"""The boards of one process: its own, and those of the nodes that it reads.

Each node that reads is invited once, when its first acknowledgement has come: by the
output of the channel that it is about, which is then known to lead there. Until it has
opened the board, and where it cannot, it sends its acknowledgements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from like_keras_core.runtime.flow import channel_of
from lk_engine_dora.board import AckTable, AckTableWriter, invitation_in, open_board
from lk_engine_dora.edges import Edge


class AckTables:
    """Who writes where.

    Args:
        edges: Those of the system.
        name: The node that this process runs.

    Attributes:
        own: This process's board; None where nobody could write there.
        unmet: The inputs by which an invitation may still come, or something that
            calls for one.
    """

    def __init__(self, edges: Sequence[Edge], name: str) -> None:
        data = [edge for edge in edges if edge.kind == "data"]
        mine = [edge for edge in data if edge.producer == name]
        self._outputs = {
            number: edge.output for edge in mine for number in edge.channels
        }
        self._producers = {
            edge.input: edge.producer for edge in data if edge.consumer == name
        }
        self._channels = {
            node: _channels(edge for edge in data if edge.producer == node)
            for node in self._producers.values()
        }
        self._writers: dict[str, AckTableWriter] = {}
        self.own: AckTable | None = None
        self.unmet = set(self._producers)
        if mine:
            with suppress(OSError):
                self.own = AckTable(_channels(mine))
                self.unmet |= {
                    edge.input
                    for edge in edges
                    if edge.kind == "acks" and edge.consumer == name
                }

    def meet(
        self,
        source: str,
        frame: bytes | memoryview,
        send: Callable[[str, bytes], object],
    ) -> bool:
        """Send an invitation, or take one; return whether the frame was one.

        Args:
            source: The input by which something has come, one of those unmet.
            frame: What it is.
            send: Sends by an output.
        """
        producer = self._producers.get(source)
        if producer is None:
            assert self.own is not None, "nobody else is waited for"
            self.unmet.discard(source)
            # dora may be about to end; then it does not matter.
            with suppress(Exception):
                send(self._outputs[channel_of(frame)], self.own.invitation())
            return False
        invitation = invitation_in(frame)
        if invitation is None:
            return False
        self.unmet -= {
            item for item, node in self._producers.items() if node == producer
        }
        writer = open_board(invitation, self._channels[producer])
        if writer is not None:
            self._writers[producer] = writer
        return True

    def write(self, node: str, channel: int, frame: bytes) -> bool:
        """Leave an acknowledgement for a node; return whether it need not be sent."""
        writer = self._writers.get(node)
        return writer is not None and writer.write(channel, frame)

    def close(self) -> None:
        """Give all of it back; from then on acknowledgements are sent."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        if self.own is not None:
            self.own.close()
        self.own = None


def _channels(edges: Iterable[Edge]) -> list[int]:
    return sorted(number for edge in edges for number in edge.channels)
