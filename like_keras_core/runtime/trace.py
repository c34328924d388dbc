"""When each component fired and each value arrived, in every process of a run.

A launch that wants it says so with `gathering`; what takes its hosts through the run
looks for that with `gathered`, and adds what each process kept. Times are those of
`time.monotonic_ns`, which processes of one machine share; that of another machine is
brought to the launching one's by an offset, measured over the control channel.
"""

from __future__ import annotations

import platform
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PINGS = 8
"""How often a clock is read; the answer that came soonest counts."""


class Trace:
    """What one process keeps: flat rows of whole numbers, 24 bytes a firing.

    Attributes:
        firings: By component: tick, begin and end of each firing [ns].
        arrivals: By output port of another process: tick and time of each value [ns].
        overruns: By component that takes ticks: tick and time of each result that was
            not there when it was due [ns].
    """

    def __init__(self) -> None:
        self.firings: dict[str, array[int]] = {}
        self.arrivals: dict[str, array[int]] = {}
        self.overruns: dict[str, array[int]] = {}

    def wrap(
        self, name: str, forward: Callable[..., Any], clock: Sequence[Any]
    ) -> Callable[..., Any]:
        """Return a forward that notes when it runs.

        Args:
            name: The component.
            forward: What it calls.
            clock: Has the tick in its second place.
        """
        note = self.firings.setdefault(name, array("q")).extend
        now = time.monotonic_ns

        def traced(*args: Any, **kwargs: Any) -> Any:
            began = now()
            try:
                return forward(*args, **kwargs)
            finally:
                note((clock[1], began, now()))

        return traced

    def arrived(self, source: str, tick: int) -> None:
        """Note that a value of a port of another process has come."""
        rows = self.arrivals.setdefault(source, array("q"))
        rows.extend((tick, time.monotonic_ns()))

    def overran(self, name: str, tick: int) -> None:
        """Note that a result of a component is not there at its tick."""
        rows = self.overruns.setdefault(name, array("q"))
        rows.extend((tick, time.monotonic_ns()))

    def parts(self) -> Iterator[tuple[str, str, bytes]]:
        """Give all of it in parts that can be sent."""
        for kind, (found, _) in self._kinds().items():
            for name, rows in found.items():
                for n in range(0, len(rows), _PART):
                    yield kind, name, rows[n : n + _PART].tobytes()

    def _kinds(self) -> dict[str, tuple[dict[str, array[int]], int]]:
        """Return all that is kept, and how many numbers are in a row."""
        return {
            "firings": (self.firings, 3),
            "arrivals": (self.arrivals, 2),
            "overruns": (self.overruns, 2),
        }

    def take(self, kind: str, name: str, data: bytes) -> None:
        """Take in one of `parts`.

        Args:
            kind: `"firings"`, `"arrivals"` or `"overruns"`.
            name: Whose it is, as `parts` gave it.
            data: Rows of 64-bit ints; those of several parts follow each other.

        Raises:
            ValueError: They are not.
        """
        kinds = self._kinds()
        if kind not in kinds:
            raise ValueError(f"there are no {kind!r}")
        found, columns = kinds[kind]
        rows = array("q")
        rows.frombytes(data)
        if len(rows) % columns:
            raise ValueError(f"rows of {columns} numbers are expected")
        found.setdefault(name, array("q")).extend(rows)


_PART = 3 << 20
"""So many numbers are sent at a time: whole rows, of two or three."""


@dataclass(slots=True)
class TraceSet:
    """The traces of a run.

    Args:
        processes: By node; of a run in one process, under its system's name.
        offsets: What to take from the times of a process [ns].
    """

    processes: dict[str, Trace] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)


_gathered: ContextVar[TraceSet | None] = ContextVar("gathered", default=None)


def gathered() -> TraceSet | None:
    """Return where the traces of this run go; None where none are wanted."""
    return _gathered.get()


@contextmanager
def gathering() -> Iterator[TraceSet]:
    """Have traces gathered of the runs inside."""
    found = TraceSet()
    token = _gathered.set(found)
    try:
        yield found
    finally:
        _gathered.reset(token)


def clock_name() -> str:
    """Return what tells the clock of `time.monotonic_ns` from that of other machines.

    On Linux that is the kernel's boot, since machines set up from one image often share
    a name too.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return platform.node()


def measured_offset(read: Callable[[], tuple[int, str]]) -> int:
    """Return how far another process's clock is ahead of this one's [ns].

    Args:
        read: Asks the other one for its time [ns], and which clock it reads.
    """
    readings: list[tuple[int, int, int]] = []
    while len(readings) < PINGS:
        asked = time.monotonic_ns()
        there, clock = read()
        if clock == clock_name():
            return 0
        readings.append((asked, there, time.monotonic_ns()))
    return offset_of(readings)


def offset_of(readings: Iterable[tuple[int, int, int]]) -> int:
    """Return how far another clock is ahead of this one [ns].

    Args:
        readings: When it was asked, its answer, and when that came [ns]. It is
            taken to have been read half-way, as NTP does; the shortest way errs least.
    """
    asked, said, came = min(readings, key=lambda reading: reading[2] - reading[0])
    return said - (asked + came) // 2
