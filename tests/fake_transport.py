"""A transport that is as bad as a test wants it, and the same each time."""

from __future__ import annotations

import heapq
import random
from math import inf

from like_keras_core.runtime.flow.wire_format import Frame


class FakeTransport:
    """One direction between two processes, in simulated time.

    Frames keep their order, but for those that are made to leave it: each copy of one
    of these comes after a time of its own.

    Args:
        seed: The same seed, the same faults.
        drop: The share of frames that never arrive.
        duplicate: The share of frames that arrive twice.
        reorder: The share of frames that may overtake and be overtaken.
        delay_s: How long a frame is under way [s].
        jitter_s: By how much that may grow [s].
        capacity: How many frames may be under way; others are lost without a word.
        max_frame: The size of the largest frame that is taken [byte].
        joins: Frames arrive as bytes; otherwise as the lists that were sent.

    Attributes:
        sent: How many frames were handed over.
        dropped: How many of them never arrive.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        drop: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        delay_s: float = 0.001,
        jitter_s: float = 0.0,
        capacity: int | None = None,
        max_frame: int | None = None,
        joins: bool = True,
    ) -> None:
        self.drop, self.duplicate, self.reorder = drop, duplicate, reorder
        self.delay_s, self.jitter_s = delay_s, jitter_s
        self.capacity, self.max_frame, self.joins = capacity, max_frame, joins
        self.sent = self.dropped = 0
        self._random = random.Random(seed)
        self._last_s = -inf
        self._count = 0
        self._under_way: list[tuple[float, int, bytes | Frame]] = []

    def __len__(self) -> int:
        return len(self._under_way)

    @property
    def next_at(self) -> float:
        """When the next frame arrives [s]; infinity if none is under way."""
        return self._under_way[0][0] if self._under_way else inf

    def send(self, frame: Frame, now: float) -> None:
        """Take a frame at the time `now` [s]; it may never arrive.

        Raises:
            ValueError: It is larger than `max_frame`.
        """
        size = sum(map(len, frame))
        if self.max_frame is not None and size > self.max_frame:
            raise ValueError(f"A frame has {size} bytes, above {self.max_frame}.")
        self.sent += 1
        is_full = self.capacity is not None and len(self) >= self.capacity
        if is_full or self._happens(self.drop):
            self.dropped += 1
            return
        for _ in range(1 + self._happens(self.duplicate)):
            self._add(b"".join(frame) if self.joins else frame, now)

    def receive(self, now: float) -> list[bytes | Frame]:
        """Return what has arrived by the time `now` [s]."""
        arrived = []
        while self._under_way and self._under_way[0][0] <= now:
            arrived.append(heapq.heappop(self._under_way)[2])
        return arrived

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _add(self, frame: bytes | Frame, now: float) -> None:
        at = now + self.delay_s
        if self.jitter_s:
            at += self.jitter_s * self._random.random()
        if self._happens(self.reorder):
            at += 4 * (self.delay_s + self.jitter_s) * self._random.random()
        else:
            at = self._last_s = max(at, self._last_s)
        self._count += 1
        heapq.heappush(self._under_way, (at, self._count, frame))
