"""The firings of components that take ticks: under way, or waiting until they are due.

Such a firing begins at a tick t and belongs to tick t + takes, whatever it gives:
values, nothing, an error, the end of the stream. Between the two its component is busy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

from like_keras_core.component import Component
from like_keras_core.runtime.failure import HungComponent
from like_keras_core.runtime.host.fan_out import FanOut
from like_keras_core.runtime.host.sampling import ThinnedSamples
from like_keras_core.runtime.host.worker import Worker, WorkerFactory
from like_keras_core.runtime.stop_signals import came_by_signal
from like_keras_core.spec import SystemSpec

NONE = -1
"""Due at no tick."""

_SLICE_S = 0.02
"""How often a wait looks whether it is to end [s]."""

_INTERRUPTED_S = 0.2
"""How long a job may take to end once it was interrupted [s]."""


class PendingResult:
    """What one component that takes ticks has under way.

    The generated code compares `due`, and calls `take` and `begin`: at each tick first
    the results that are due, then, when all others have fired, the components that are
    free. Whoever lets a result come at a later tick raises `due` before that tick runs.

    Args:
        name: The component's address.
        takes: How many ticks its firings take.
        unpack: Splits what `forward` returns into ports; None for a single value.
        worker: Calls its hooks and `forward`.

    Attributes:
        due: The tick to which the firing under way belongs; `NONE` while it is free.
        begun: The tick at which the newest firing began.
        clock: What the component reads as the time: the tick of its firing is second.
        forward: What a firing calls in the component's thread.
        watch: Called with what it gave, in the thread of the host, before readers.
        outlets: What takes its values to readers outside of its segment, one a port;
            None for a port without such readers. Empty where no port has any.
        overruns: How many results were not there when they were due at a rate.
        overran: Called with the tick of each of them.
        samples: The durations of some firings in the component's thread [s].
        repeats: The tick at which a firing of another run came late, by the tick at
            which it began; None for one that came when it was due.
        is_put_off: Whether the result was not there when it was due at first.
        arrived: Called when a result comes, before it is taken.
        hung: What the wait for a job that does not end was given up with.
    """

    def __init__(
        self,
        name: str,
        takes: int,
        unpack: Callable[[Any], tuple[Any, ...]] | None,
        worker: Worker,
    ) -> None:
        self.name = name
        self.takes = takes
        self.worker = worker
        self.due = NONE
        self.begun = NONE
        self.clock: list[Any] = [0, None]
        self.forward: Callable[..., Any]
        self.watch: Callable[[Any], object] | None = None
        self.outlets: list[FanOut | None] = []
        self.overruns = 0
        self.overran: Callable[[int], object] | None = None
        self.samples = ThinnedSamples()
        self.repeats: Callable[[int], int | None] = lambda tick: None
        self.is_put_off = False
        self.arrived: Callable[[PendingResult], object] = lambda pending: None
        self.hung: HungComponent | None = None
        self._unpack = unpack
        # What has begun, and is not yet handed to the thread: a producer that fires may
        # use its memory again, so that all of a tick's inputs are copied first.
        self._job: Callable[[], None] | None = None
        # What the newest firing gave: the values, already split, or what was raised.
        # Written in the component's thread, read when that is idle.
        self._values: Any = None
        self._error: BaseException | None = None
        # How long it took [s].
        self._took_s = 0.0
        # When it began and ended, by perf_counter [s].
        self.began_at = 0.0
        self.ended_at = 0.0
        # Until when to wait for what was interrupted, by perf_counter [s].
        self._left_at = 0.0
        # Whether the result has left to the readers outside of the segment.
        self._is_sent = True

    @property
    def is_done(self) -> bool:
        """Whether the result is there, or will never be."""
        is_ended = self._job is None and self.worker.is_idle
        return is_ended or self.hung is not None

    @property
    def is_lost(self) -> bool:
        """Whether its thread does not return: nothing of it may be called any more."""
        return self.hung is not None and not self.worker.is_idle

    def begin(self, tick: int, /, *args: Any, **kwargs: Any) -> None:
        """Fire at a tick; nobody changes the arguments any more.

        Args:
            tick: The tick.
            *args: What `forward` is called with.
            **kwargs: The same, by name.
        """
        self.begun, self.due = tick, self.repeats(tick) or tick + self.takes
        self.began_at = perf_counter()
        self._is_sent = not self.outlets
        self._job = partial(self._fire, tick, args, kwargs)

    def launch(self) -> None:
        """Let the thread fire that has begun; what it reads has been copied by now."""
        job, self._job = self._job, None
        if job is not None:
            self.worker.start(job)

    def _fire(
        self, tick: int, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        self._values = self._error = None
        self.clock[1] = tick
        began = perf_counter()
        try:
            result = self.forward(*args, **kwargs)
            self._took_s = perf_counter() - began
            if self._unpack is not None and result is not None:
                result = tuple(self._unpack(result))
            self._values = result
        except BaseException as error:  # noqa: BLE001 - raised at the tick it is due
            self._error = error
        finally:
            self.clock[1] = None
            self.ended_at = perf_counter()

    def take(self, tick: int) -> Any:
        """Return what the firing gave that is due, or raise what it raised."""
        self.arrived(self)
        values, error = self._values, self.hung or self._error
        self.due, self._values, self._error = NONE, None, None
        if error is not None:
            raise error
        self.samples.add(self._took_s)
        if self.watch is not None:
            self.watch(values)
        return values

    def is_waited_for(self, tick: int) -> bool:
        """Whether a result is not there, or has not left, that is due at a tick."""
        is_due = NONE < self.due <= tick
        return is_due and not (self._is_sent and self.is_done)

    def put_off(self) -> None:
        """Let the result come a tick later than it is due."""
        if not self.is_put_off:
            self.note_overrun(self.due)
        self.is_put_off = True
        self.due += 1

    def count_overrun(self, tick: int, deadline: float) -> None:
        """Count a result that came after the time of its tick.

        Args:
            tick: The tick that begins.
            deadline: When it was due, by `perf_counter` [s]; earlier ticks were over.
        """
        if self.due == tick and self.ended_at > deadline:
            self.note_overrun(tick)

    def note_overrun(self, tick: int) -> None:
        """Count a result that is not there when its tick begins."""
        self.overruns += 1
        if self.overran is not None:
            self.overran(tick)

    @property
    def may_come_later(self) -> bool:
        """Whether no reader outside has been sent the result."""
        return not self.outlets or not self._is_sent

    @property
    def can_leave(self) -> bool:
        """Whether there is a result for readers outside, and all have room for it."""
        return (
            not self._is_sent
            and self.is_done
            and all(item is None or item.has_credit for item in self.outlets)
        )

    def leave(self) -> None:
        """Send the result to readers outside of the segment."""
        self._is_sent = True
        values = self._values
        if self._unpack is None or values is None:
            values = (values,) * len(self.outlets)
        if self._error is not None or self.hung is not None:
            values = (None,) * len(self.outlets)
        try:
            for outlet, value in zip(self.outlets, values, strict=True):
                if outlet is not None:
                    outlet(self.due, value)
        except BaseException as error:
            if came_by_signal(error):
                raise
            # It cannot be sent, which is the component's failure at that tick.
            self._error = error

    def announce(self, tick: int) -> None:
        """Tell readers, after a tick of the segment, up to where nothing comes."""
        known = tick + self.takes if self.due == NONE else self.due - 1
        for outlet in self.outlets:
            if outlet is not None:
                outlet(known, None)

    def wait(self) -> bool:
        """Wait a moment for the result; return whether it is there."""
        return self.worker.wait(_SLICE_S) or self.is_done

    def call(self, hook: Callable[[], object]) -> None:
        """Call a hook in the component's thread, whose firing has ended.

        Raises:
            BaseException: What it raised; `HungComponent` where it does not return.
        """
        raised: list[BaseException] = []

        def job() -> None:
            try:
                hook()
            except BaseException as error:  # noqa: BLE001 - raised in the other thread
                raised.append(error)

        self.worker.start(job)
        self.join()
        if self.hung is not None:
            hung, self.hung = self.hung, self.hung if self.is_lost else None
            raise hung
        if raised:
            raise raised[0]

    def join(self) -> None:
        """Wait for the end of what runs, or until `release` is called."""
        while not self.worker.wait(_SLICE_S):
            if self.hung is not None:
                self.worker.wait(_INTERRUPTED_S)
                return

    def release(self, error: HungComponent) -> None:
        """Interrupt what runs, and wait for it no longer; from any thread.

        Args:
            error: What is to be said of it.
        """
        self.hung = error
        self._left_at = perf_counter() + _INTERRUPTED_S
        self.worker.interrupt()

    def leave_off(self) -> None:
        """Wait but a moment for what runs, interrupted; it may be lost then."""
        if self.worker.is_idle:
            self.hung = None
            return
        if self.hung is None:
            self.release(HungComponent("it was interrupted by a signal."))
        if self.worker.wait(max(0.0, self._left_at - perf_counter())):
            self.hung = None


def pending_results(
    spec: SystemSpec,
    components: Mapping[str, Component],
    worker: WorkerFactory,
    woken: Callable[[], object],
) -> dict[str, PendingResult]:
    """Return what the components will have under way that take ticks, by address.

    Args:
        spec: The system.
        components: Those of its components that run here, by address.
        worker: Makes the thread of each.
        woken: Called whenever one of them has done something.
    """
    return {
        item.name: PendingResult(
            item.name,
            item.takes,
            components[item.name]._lk.signature.unpack,
            worker(item.name, woken),
        )
        for item in spec.components
        if item.takes and item.name in components
    }
