"""The simulated time on `/clock`, and ticks that follow it."""

from __future__ import annotations

from math import inf
from time import perf_counter
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from like_keras_core.errors import EngineError
from lk_engine_ros2_stub.subscription_reader import Reader

TOPIC = "/clock"
_DEPTH = 100

_LOOK_S = 0.05
"""How long to wait at most before looking at the clock again [s]."""


class SimClock:
    """Reads the time that a simulator publishes.

    Args:
        node: The node that reads it.
        reader: What reads the topic.
    """

    def __init__(self, node: Node, reader: Reader) -> None:
        # The latest time; None before the first message [s].
        self._now: float | None = None
        # How far the time went back, once it has: from, to [s].
        self._reset: tuple[float, float] | None = None
        qos = QoSProfile(depth=_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT)
        reader.subscribe(node, Clock, TOPIC, self._take, qos)

    def _take(self, message: Any) -> None:
        now = message.clock.sec + message.clock.nanosec * 1e-9
        if self._now is not None and now < self._now and self._reset is None:
            self._reset = self._now, now
        self._now = now

    @property
    def now(self) -> float | None:
        """The simulated time [s]; None where none has come yet.

        Raises:
            EngineError: It has gone back.
        """
        if self._reset is not None:
            before, after = self._reset
            raise EngineError(
                f"The simulated time on {TOPIC} was reset: it went from {before:g} s "
                f"back to {after:g} s. Ticks do not go back; launch again after the "
                "simulator was reset."
            )
        return self._now


class SimPacer:
    """Lets tick t begin when the simulated time has come to it; as a `Pacer` does.

    Tick 0 begins with the first message on `/clock`. While the simulation is paused no
    tick begins.

    Args:
        rate_hz: Ticks per second of the simulated time.
        clock: The simulated time.

    Attributes:
        late_ticks: None is late: simulated time waits for nobody.
    """

    def __init__(self, rate_hz: float, clock: SimClock) -> None:
        self.rate_hz = rate_hz
        self.late_ticks = 0
        self._clock = clock
        # The simulated time of tick 0; None before there is any [s].
        self._begin: float | None = None

    def start(self) -> float:
        """Begin; by this machine's clock nothing is ever due, and so nothing late."""
        return inf

    def now(self) -> float:
        """Return the time by which `wakes_at` counts [s]."""
        return perf_counter()

    def wakes_at(self, tick: int) -> float:
        """Return when to look whether a tick is due, by `perf_counter` [s]."""
        return self.now() + (0.0 if self.is_due(tick) else _LOOK_S)

    def elapsed_s(self) -> float:
        """Return the simulated time since tick 0 [s]; endless before it."""
        now = self._clock.now
        if now is None:
            return -inf
        if self._begin is None:
            self._begin = now
        # Time comes in nanoseconds, and rates are floats: half of one is forgiven.
        return now - self._begin + 5e-10

    def is_due(self, tick: int) -> bool:
        """Say whether the simulated time has come to a tick."""
        return self.elapsed_s() >= tick / self.rate_hz

    def is_over(self, tick: int, closest: float) -> bool:
        """Say whether less than a part of a period remains before the next tick."""
        return self.elapsed_s() > (tick + 1 - closest) / self.rate_hz

    def wait(self, tick: int) -> None:
        """Return at once: who asks has seen that the tick is due."""
