"""How a source component reads what comes from outside, and what it says of that.

`ArrivalReader` gives the values of a tick, and logs what an author should know: that
more comes than is read, and that nothing comes any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from logging import Logger
from typing import Any

from like_keras_core.component import Component
from like_keras_core.engine_kit.arrival_queue import (
    COUNT,
    READS,
    Arrival,
    ArrivalQueue,
)

MANY = 100
"""With so many values waiting it is first said that they are more than are read."""


class ArrivalReader:
    """Reads at each tick what has come for one output of a source.

    Args:
        read: `"each"` gives one value a tick, in order; `"newest"` the newest since the
            last tick; `"all"` all since then. None is `"each"` for who waits, so that
            the n-th value is that of tick n: it loses none.
        log: Where it is said what goes wrong: each thing once, and again when there is
            twice as much of it.
        who: What sends the values, for people: `"the topic '/imu'"`.
        max_age_s: What came longer ago is not given any more [s].
        stale_after_s: After how long without a value its sender counts as silent [s].
        backlog: How many wait at most, of which the oldest are lost then.
        clock: Gives the time [s].

    Attributes:
        queue: What has come and was not read; who receives values puts them there.
    """

    def __init__(
        self,
        read: str | None,
        log: Logger,
        who: str,
        *,
        max_age_s: float | None = None,
        stale_after_s: float | None = None,
        backlog: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue = ArrivalQueue(
            read or COUNT, max_age_s=max_age_s, backlog=backlog, clock=clock
        )
        self.log = log
        # It begins sentences.
        self._who = who[:1].upper() + who[1:]
        self.stale_after_s = stale_after_s
        #: Whether a value has come within `stale_after_s`.
        self.is_fresh = False
        self.stalls = 0
        # When it was read first, by the queue's clock [s].
        self._began: float | None = None
        # How many must be lost, or wait, before that is said again.
        self._say_dropped, self._say_waiting = 1, MANY
        # Since when nothing comes [s]; None while it does.
        self._silent_since: float | None = None

    def read(self) -> list[Arrival]:
        """Return what a tick reads; it never waits.

        Raises:
            BacklogError: Too many wait of which none may be left out.
        """
        found = self.queue.take()
        if self.queue.dropped >= self._say_dropped:
            self._say_dropped = 2 * self.queue.dropped
            self._say_loss()
        if self.queue.read == COUNT and len(self.queue) >= self._say_waiting:
            self._say_waiting = 2 * len(self.queue)
            self._say_backlog()
        if self.stale_after_s is not None:
            self._look(self.stale_after_s)
        return found

    def told(self, arrival: Arrival) -> dict[str, Any]:
        """Return what a system may know of a value that was read, beside the value.

        Returns:
            `age_s`, how long before it was read it came [s]; `received_ns`, when that
            was; `stamp_ns`, when it was made, or None [ns].
        """
        return {
            "age_s": self.queue.read_at - arrival.at,
            "received_ns": arrival.received_ns,
            "stamp_ns": arrival.stamp_ns,
        }

    def _look(self, stale_after_s: float) -> None:
        """See whether values still come."""
        now, last = self.queue.clock(), self.queue.last_at
        if self._began is None:
            self._began = now
        since = self._began if last is None else last
        self.is_fresh = last is not None and now - last <= stale_after_s
        if self.is_fresh and self._silent_since is not None:
            assert last is not None
            if _is_power_of_two(self.stalls):
                silent_s = last - self._silent_since
                self.log.warning("%s sends again, after %.1f s.", self._who, silent_s)
            self._silent_since = None
        elif now - since > stale_after_s and self._silent_since is None:
            self._silent_since = since
            self.stalls += 1
            if _is_power_of_two(self.stalls):
                what = "has sent nothing so far" if last is None else "is silent"
                self.log.warning(
                    "%s %s: nothing for %.2f s, and stale_after_s is %g.",
                    *(self._who, what, now - since, stale_after_s),
                )

    def _say_loss(self) -> None:
        self.log.warning(
            "%s sends more than is read: %d values were left out so far, the oldest. "
            "read='newest' takes the newest at each tick; backlog= keeps more.",
            *(self._who, self.queue.dropped),
        )

    def _say_backlog(self) -> None:
        self.log.warning(
            "%s sends more than is read: %d values (%.1f MB) wait, the oldest for "
            "%.1f s. ticks='count' reads each of them; read='newest' takes the newest "
            "at each tick.",
            *(self._who, len(self.queue), self.queue.size / 1e6, self.queue.age_s()),
        )

    @staticmethod
    def report_for(component: Component, readers: Mapping[str, ArrivalReader]) -> None:
        """Have what came for a component in its report.

        Args:
            component: The component.
            readers: By output port, what reads its values.
        """
        component._lk.arrivals = lambda: {
            port: reader.queue.report() for port, reader in readers.items()
        }

    @staticmethod
    def check(
        what: str,
        *,
        ticks: str | None,
        read: str | None,
        max_age_s: float | None = None,
        stale_after_s: float | None = None,
        backlog: int | None = None,
        arrival: bool = False,
    ) -> None:
        """Refuse arguments of a source that do not go together.

        Args:
            what: The component, for people: `"RosTopic 'imu'"`.
            ticks: `"count"`, or None.
            read: One of `READS`, or None.
            max_age_s: The greatest age of a value [s].
            stale_after_s: After how long without a value the sender is silent [s].
            backlog: How many values wait at most.
            arrival: Whether it is an output when values came.

        Raises:
            ValueError: They do not; the message says what is expected.
        """
        if read not in (None, *READS):
            raise ValueError(
                f"The read of {what} is one of {', '.join(map(repr, READS))}, or None; "
                f"got {read!r}."
            )
        if read is not None and ticks is not None:
            raise ValueError(
                f"{what} has ticks={ticks!r} and read={read!r}: either the n-th "
                "message is that of tick n, or they have a clock of their own. Leave "
                "one out."
            )
        given: dict[str, tuple[Any, Callable[[Any], bool], str]] = {
            "max_age_s": (max_age_s, _is_time, "seconds, more than 0"),
            "stale_after_s": (stale_after_s, _is_time, "seconds, more than 0"),
            "backlog": (backlog, _is_count, "a number of messages, 1 or more"),
            "arrival": (arrival or None, _is_true, "True or False"),
        }
        for name, (value, fits, expected) in given.items():
            if value is None:
                continue
            if not fits(value):
                raise ValueError(f"The {name} of {what} is {expected}; got {value!r}.")
            if read is None:
                raise ValueError(
                    f"The {name} of {what} needs read=: "
                    f"{', '.join(map(repr, READS))}. A source that waits for each "
                    "message leaves none out."
                )


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < float("inf")


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


def _is_true(value: Any) -> bool:
    return value is True
