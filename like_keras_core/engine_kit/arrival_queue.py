"""Where values from outside of a run wait for the ticks that read them.

What comes from outside has no ticks: a sensor, another middleware or a file sends when
it likes. A source component says how it reads that, and keeps it here until then.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from like_keras_core.errors import EngineError
from like_keras_core.report import ArrivalReport

COUNT = "count"
"""The n-th value is that of tick n: none may be left out."""

READS = ("each", "newest", "all")
"""How values may be read that have no ticks."""

BACKLOG = 256
"""How many values wait at most; after that the oldest are lost."""

COUNTED = 10_000
"""How many values wait at most of which none may be left out."""

COUNTED_BYTES = 1 << 30
"""How large those are together at most [byte]."""


class BacklogError(EngineError):
    """More values wait than may, and none of them may be left out.

    Args:
        waiting: How many there are.
        size: How large they are together [byte].
        age_s: How long the oldest waits [s].
    """

    def __init__(self, waiting: int, size: int, age_s: float) -> None:
        self.waiting, self.size, self.age_s = waiting, size, age_s
        super().__init__(
            f"{waiting} values ({size / 1e6:.0f} MB) wait for their ticks, the oldest "
            f"for {age_s:.1f} s: more come than the run takes, and with ticks='count' "
            "none is left out. Read them with read='newest' instead, or let the system "
            "run faster."
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A value that has come.

    Args:
        value: The value.
        at: When it came, by the queue's clock [s].
        received_ns: When it came, by the wall clock [ns].
        stamp_ns: When it was made, as its sender says [ns]; None where that is silent.
        size: How large it is, where that is known [byte].
    """

    value: Any
    at: float
    received_ns: int
    stamp_ns: int | None = None
    size: int = 0


class ArrivalQueue:
    """Values that have come, and what became of them; usable from two threads.

    Args:
        read: `"each"` gives one a tick, in order; `"newest"` the newest since the last
            tick; `"all"` all since then; `"count"` is `"each"` and loses none.
        max_age_s: What came longer ago is not given any more [s].
        backlog: How many wait at most, of which the oldest are lost then.
        clock: Gives the time [s].

    Raises:
        ValueError: There is no such way to read.
    """

    def __init__(
        self,
        read: str,
        *,
        max_age_s: float | None = None,
        backlog: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if read not in (*READS, COUNT):
            raise ValueError(f"read is one of {', '.join(READS)}; got {read!r}.")
        self.read = read
        self.max_age_s = max_age_s
        self.clock = clock
        self._limit = COUNTED if read == COUNT else backlog or BACKLOG
        self._lock = Lock()
        # In the order of arrival; at most one where the newest is read.
        self._waiting: deque[Arrival] = deque()
        # The sum of what those are large [byte].
        self._size = 0
        # What came while no more could be kept ends the run at the next tick.
        self._has_overrun = False
        self.received = self.taken = self.replaced = self.expired = self.dropped = 0
        #: How many were lost on their way here, where their sender's side tells.
        self.lost = 0
        #: When the last one came, by the clock; None before the first.
        self.last_at: float | None = None
        #: When it was read last, by the clock.
        self.read_at = 0.0
        #: The greatest age of a value that was given [s].
        self.oldest_s: float | None = None
        #: The longest time between two that came [s].
        self.gap_s = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def size(self) -> int:
        """How large is what waits, as far as that is known [byte]."""
        return self._size

    def age_s(self) -> float:
        """Return how long the oldest that waits has waited [s]; 0 if none does."""
        with self._lock:
            return self.clock() - self._waiting[0].at if self._waiting else 0.0

    def put(
        self,
        value: Any,
        *,
        received_ns: int | None = None,
        stamp_ns: int | None = None,
        size: int = 0,
    ) -> None:
        """Keep a value that has come.

        Args:
            value: The value.
            received_ns: When it came, by the wall clock [ns]; now when omitted.
            stamp_ns: When it was made, as its sender says [ns].
            size: How large it is, where that is known [byte].
        """
        at, now_ns = self.clock(), time.time_ns()
        if received_ns is not None:
            at -= max(0.0, (now_ns - received_ns) * 1e-9)
        with self._lock:
            self.received += 1
            if self.last_at is not None:
                # Also where the wall clock was set meanwhile.
                at = max(at, self.last_at)
                self.gap_s = max(self.gap_s, at - self.last_at)
            self.last_at = at
            self._keep(Arrival(value, at, received_ns or now_ns, stamp_ns, size))

    def _keep(self, arrival: Arrival) -> None:
        if self.read == "newest":
            self.replaced += len(self._waiting)
            self._waiting.clear()
            self._size = 0
        elif self.read == COUNT:
            large = self._size + arrival.size > COUNTED_BYTES and self._waiting
            if large or len(self._waiting) >= self._limit:
                self._has_overrun = True
                self.dropped += 1
                return
        elif len(self._waiting) >= self._limit:
            self._pop()
            self.dropped += 1
        self._waiting.append(arrival)
        self._size += arrival.size

    def take(self) -> list[Arrival]:
        """Return what is read at this tick: one at most, unless all are read.

        Raises:
            BacklogError: One that may not be left out could not be kept.
        """
        now = self.read_at = self.clock()
        with self._lock:
            if self._has_overrun:
                age_s = now - self._waiting[0].at
                raise BacklogError(len(self._waiting), self._size, age_s)
            found: list[Arrival] = []
            while self._waiting and (self.read == "all" or not found):
                arrival = self._pop()
                age_s = now - arrival.at
                if self.max_age_s is not None and age_s > self.max_age_s:
                    self.expired += 1
                    continue
                self.oldest_s = max(self.oldest_s or 0.0, age_s)
                found.append(arrival)
            self.taken += len(found)
            return found

    def _pop(self) -> Arrival:
        arrival = self._waiting.popleft()
        self._size -= arrival.size
        return arrival

    def report(self) -> ArrivalReport:
        """Return what has come so far, and what became of it."""
        with self._lock:
            silent_s = self.gap_s
            if self.last_at is not None:
                silent_s = max(silent_s, self.clock() - self.last_at)
            return ArrivalReport(
                read=self.read,
                received=self.received,
                taken=self.taken,
                replaced=self.replaced,
                expired=self.expired,
                dropped=self.dropped,
                lost=self.lost,
                waiting=len(self._waiting),
                oldest_s=self.oldest_s,
                silent_s=silent_s if self.received else None,
            )
