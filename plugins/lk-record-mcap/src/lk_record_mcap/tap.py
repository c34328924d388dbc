"""What each process calls with the values of a port, to record them."""

from __future__ import annotations

from typing import Any

from lk_record_mcap.format import Encoder
from lk_record_mcap.shard import hold_part


class PortTap:
    """Writes the values of one port to the recording's part of this process.

    Args:
        folder: Where the parts are.
        port: The port's address.
        order: The place of its component in the execution order.

    Attributes:
        settle: Lets go of the arrays that were given: they may change from now on.
    """

    def __init__(self, folder: str, port: str, order: int) -> None:
        self.order = order
        self.encoder = Encoder(port)
        self.part = hold_part(folder)
        self.part.begin(port, order)
        self.settle = self.part.settle

    def __call__(self, tick: int, value: Any) -> None:
        """Write a value."""
        self.part.write(self.encoder, self.order, tick, value)

    def close(self) -> None:
        """Nothing more will come from this port."""
        self.part.release()
