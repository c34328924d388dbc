"""Values that wait between segments: aligned by tick, within a window.

A `PortBuffer` leads from one output port to the segments of one host that read it. Each
of its `InputBuffer`s keeps the values for one segment until the segment has finished
their tick; then the newest one lives on in a register, where the policy asks for it.

The window is credit-based flow control: a value may be sent while fewer than `window`
of them are unfinished, and finishing a tick gives the credits back. So memory is
bounded, nothing is thrown away, and a slow reader slows its producer down.

References:
    H. T. Kung and R. Morris, "Credit-Based Flow Control for ATM Networks", IEEE
    Network 9(2), 1995.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from like_keras_core.runtime.host.sampling import quantile
from like_keras_core.spec import POLICIES

NEVER = -1
"""Below every tick."""

ALWAYS = 1 << 62
"""Above every tick."""

# As many as are on the way within the usual windows; within a larger one the oldest
# sampled ticks go unmeasured.
_STAMPS_KEPT = 8


class InputBuffer:
    """What one reader of a channel has before it.

    Args:
        target: The address of the input port.
        policy: `"sync"`, `"hold"` or `"latest"`, which is read as hold here; or
            `"delay"`, a register that is one tick behind.
        initial: What the register holds before the first value.
        takes: How many ticks the firings of its producer take: so many of the first
            ticks have no value.

    Attributes:
        taken: How many different values were fired with; counted for `"latest"`.
        latencies: From emission to firing, for some of the ticks [s].
        register: The newest value of the ticks that are finished, or fire now;
            `initial` before there is one. Not used by `"sync"`.
        queue: What has come of the ticks that are not finished, in their order.
        resolved: Everything up to this tick has come, or never will.
        finished: The newest tick that the segment has finished: at most `resolved`,
            for a delay one more.
    """

    waits: ClassVar[bool] = True
    """Whether a tick waits for its value, so that the producer waits for the tick."""

    __slots__ = (
        *("finished", "latencies", "policy", "queue", "register", "resolved"),
        *("taken", "takes", "target", "_is_new"),
    )

    def __init__(
        self, target: str, policy: str, initial: Any = None, *, takes: int = 0
    ) -> None:
        assert policy in (*POLICIES, "delay")
        self.target = target
        self.policy = policy
        self.taken = 0
        self.latencies: list[float] = []
        # Whether the register holds a value that was not yet fired with; told apart for
        # `"latest"`, where a value may be overwritten before anybody takes it.
        self._is_new = False
        self.register = initial
        self.queue: deque[tuple[int, Any]] = deque()
        self.takes = takes
        self.resolved = takes - 1
        self.finished = NEVER

    @property
    def statistics(self) -> tuple[float | None, int | None]:
        """The median latency [s], if measured; how many were taken, if `"latest"`."""
        return (
            quantile(self.latencies, 0.5) if self.latencies else None,
            self.taken if self.policy == "latest" else None,
        )

    def arrive(self, tick: int, value: Any) -> None:
        """Take in a value; into the register if its tick is finished already."""
        if tick <= self.finished:
            self.register = value
            self._is_new = True
        else:
            self.queue.append((tick, value))
        self.resolved = max(self.resolved, tick)

    def resolve(self, tick: int) -> None:
        """Know that nothing more comes up to a tick."""
        self.resolved = max(self.resolved, tick)

    def is_ready(self, tick: int) -> bool:
        """Say whether a segment may run a tick as far as this input goes."""
        return self.resolved >= (tick - 1 if self.policy == "delay" else tick)

    def take(self, tick: int) -> Any:
        """Return the value for a tick; None where there is none."""
        queue = self.queue
        if self.policy == "sync":
            if queue and queue[0][0] == tick:
                return queue[0][1]
            return None
        self.taken += self._is_new
        self._is_new = False
        limit = tick - 1 if self.policy == "delay" else tick
        while queue and queue[0][0] <= limit:
            self.register = queue.popleft()[1]
        return self.register

    def finish(self, tick: int) -> None:
        """Let go of what belongs to a tick that the segment has finished."""
        self.finished = tick
        queue = self.queue
        while queue and queue[0][0] <= tick:
            value = queue.popleft()[1]
            if self.policy != "sync":
                self.register = value


class PortBuffer:
    """The way of one output port's values to the segments of one host.

    Args:
        source: The port's address.
        window: How many values may be on the way; for a producer in the same host.
        released: Called with a tick when every segment has finished it.

    Attributes:
        inlets: The readers, all of which get every value. None is added after the
            first value.
        waiting: The ticks of the values that some reader has not finished, ascending;
            at most `window`, if the producer looks at `has_credit`. Readers that do
            not wait for its values are not waited for.
        stamps: When values of sampled ticks were emitted [s]; the newest few.
    """

    def __init__(
        self, source: str, window: int, released: Callable[[int], object] | None = None
    ) -> None:
        self.source = source
        self.window = window
        self.inlets: list[InputBuffer] = []
        self.waiting: deque[int] = deque()
        self.stamps: dict[int, float] = {}
        self._released = released

    @property
    def has_credit(self) -> bool:
        """Whether one more value may come."""
        return len(self.waiting) < self.window

    def send(self, tick: int, value: Any) -> None:
        """Bring a value that nobody changes; the ticks before it are resolved too."""
        for inlet in self.inlets:
            inlet.arrive(tick, value)
        self.waiting.append(tick)
        self.release()

    def stamp(self, tick: int, emitted: float) -> None:
        """Know when the value of a tick was emitted [s]."""
        if len(self.stamps) >= _STAMPS_KEPT:
            del self.stamps[next(iter(self.stamps))]
        self.stamps[tick] = emitted

    def absent(self, tick: int) -> None:
        """Say that nothing more comes up to a tick."""
        for inlet in self.inlets:
            inlet.resolve(tick)

    def close(self) -> None:
        """Say that nothing comes any more."""
        self.absent(ALWAYS)

    def release(self) -> None:
        """Give back the credits of ticks that every reader has finished."""
        if not self.waiting:
            return
        done = ALWAYS
        for inlet in self.inlets:
            if inlet.finished < done and inlet.waits:
                done = inlet.finished
        newest = NEVER
        while self.waiting and self.waiting[0] <= done:
            newest = self.waiting.popleft()
        if newest > NEVER and self._released is not None:
            self._released(newest)
