"""A segment as it runs."""

from __future__ import annotations

from typing import Any

from like_keras_core.graph.segments import Segment
from like_keras_core.runtime.host.fan_out import FanOut
from like_keras_core.runtime.host.input_buffers import InputBuffer, PortBuffer
from like_keras_core.runtime.host.plan import Plan
from like_keras_core.runtime.host.sampling import Sampler
from like_keras_core.runtime.host.schedule import Schedule


class SegmentRunner:
    """One segment as it runs: its schedule, its inputs, its outputs, its next tick."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.next = 0
        self.base = 0
        self.inlets: list[tuple[PortBuffer, InputBuffer]] = []
        self.outlets: dict[str, FanOut] = {}
        self.plan: Plan
        self.schedule: Schedule
        self.limited: Schedule | None = None
        self.durations: list[list[float]] = []
        self.sampler: Sampler
        self.registers: list[Any] = []
        self.is_paced = False

    def retire(self) -> None:
        """Let go of the generated code; no tick follows."""
        self.limited = None
        if hasattr(self, "schedule"):
            del self.schedule

    @property
    def has_all(self) -> bool:
        """Whether its next tick waits for no input and no credit."""
        tick = self.next
        for _, inlet in self.inlets:
            if not inlet.is_ready(tick):
                return False
        for outlet in self.outlets.values():  # noqa: SIM110 - once a tick: fast
            if not outlet.has_credit:
                return False
        return True

    def lacks(self) -> str:
        """Name the first input or credit that its next tick waits for; or nothing."""
        for channel, inlet in self.inlets:
            if not inlet.is_ready(self.next):
                return f"{channel.source} at tick {self.next}"
        for address, outlet in self.outlets.items():
            if not outlet.has_credit:
                return f"credit for {address}"
        return ""
