"""Inputs that take what is there, and inputs that take what another run took.

What is there depends on clocks and schedulers. So whenever it is not certain to be what
the policy `hold` gives, it is noted of which tick the value was; a later run that is
given these notes waits for just these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from like_keras_core.graph.choices import NONE, Choices, PairLog, Pairs, PairTable
from like_keras_core.runtime.host.input_buffers import InputBuffer


class LooseBuffer(InputBuffer):
    """An input that waits for nothing: it has the newest value there is of its ticks.

    The value of a tick is of that tick or an earlier one, after a delay of an earlier
    one, and never older than the one before. It holds no credit: its producer may be
    ahead of it, and then as many values as the window allows wait here, and of those
    beyond the newest.

    Args:
        target: The address of the input port.
        policy: `"hold"`, `"latest"` or `"delay"`.
        initial: What the register holds before the first value.
        room: How many values may wait.
        takes: How many ticks the firings of its producer take.
    """

    waits: ClassVar[bool] = False

    __slots__ = ("_kept", "_log", "_lost", "_open", "_room")

    def __init__(
        self,
        target: str,
        policy: str,
        initial: Any = None,
        *,
        room: int = 2,
        takes: int = 0,
    ) -> None:
        super().__init__(target, policy, initial, takes=takes)
        self._room = max(2, room)
        # The tick of the value in the register; it only rises.
        self._kept = NONE
        # The newest tick of which a value came and was dropped.
        self._lost = NONE
        # Of which tick the value was where it is certain that hold has another one, or
        # not certain that it has the same.
        self._log = PairLog()
        # The first and the last tick at which the present value was taken without
        # knowing whether there is a newer one for them; it is known when one arrives.
        self._open: tuple[int, int] | None = None

    def _limit(self, tick: int) -> int:
        return tick - 1 if self.policy == "delay" else tick

    def arrive(self, tick: int, value: Any) -> None:
        """Take in a value; where there is no room, in the place of the newest."""
        self._close(tick)
        if len(self.queue) >= self._room:
            self._lost = self.queue.pop()[0]
        self.queue.append((tick, value))
        self.resolved = max(self.resolved, tick)

    def resolve(self, tick: int) -> None:
        """Know that nothing more comes up to a tick."""
        super().resolve(tick)
        if self._open is not None:
            # Up to there, hold has no newer value either.
            first, last = self._open
            first = max(first, tick - self._limit(0) + 1)
            self._open = (first, last) if first <= last else None

    def _close(self, tick: int) -> None:
        """Know the tick of the value that follows the one in the register."""
        if self._open is not None:
            first, last = self._open
            for late in range(max(first, tick - self._limit(0)), last + 1):
                self._log.add(late, self._kept)
            self._open = None

    def is_ready(self, tick: int) -> bool:
        """It waits for nothing."""
        return True

    def take(self, tick: int) -> Any:
        """Return the newest value that there is for a tick."""
        limit, queue = self._limit(tick), self.queue
        while queue and queue[0][0] <= limit:
            self._kept, self.register = queue.popleft()
            self._is_new = True
        self.taken += self._is_new
        self._is_new = False
        if self._lost > self._kept:
            self._log.add(tick, self._kept)
        elif self.resolved < limit:
            first = tick if self._open is None else self._open[0]
            self._open = (first, tick)
        return self.register

    def finish(self, tick: int) -> None:
        """Know that the segment has finished a tick; no credit waits for it."""
        self.finished = tick

    def took(self) -> Pairs:
        """Return of which ticks the values were, where hold may have others."""
        log = PairLog()
        log.runs = [list(run) for run in self._log.runs]
        first, last = self._open or (0, -1)
        for tick in range(first, last + 1):
            log.add(tick, self._kept)
        return log.pairs()


class PunctualBuffer(InputBuffer):
    """A sync input of results, for which nothing waits: one that comes late is not had.

    Whoever needs it at a tick at which it is not known whether there is one is absent.
    """

    waits: ClassVar[bool] = False

    __slots__ = ()

    def arrive(self, tick: int, value: Any) -> None:
        """Take in a value, unless its tick is over."""
        if tick > self.finished:
            self.queue.append((tick, value))
        self.resolved = max(self.resolved, tick)

    def is_known(self, tick: int) -> bool:
        """Say whether it is known what comes at a tick."""
        return self.resolved >= tick

    def is_ready(self, tick: int) -> bool:
        """It waits for nothing."""
        return True

    def take(self, tick: int) -> Any:
        """Return the value of a tick, if it is there; None where there is none."""
        queue = self.queue
        return queue[0][1] if queue and queue[0][0] == tick else None


class RecallBuffer(InputBuffer):
    """An input that takes the values that it took in another run, and waits for them.

    Values above them wait here, beyond the window if need be: as many as the other run
    was behind.

    Args:
        target: The address of the input port.
        policy: `"hold"`, `"latest"` or `"delay"`.
        initial: What the register holds before the first value.
        took: The tick of the value for each tick at which hold has another one.
        takes: How many ticks the firings of its producer take.
    """

    __slots__ = ("_took",)

    def __init__(
        self,
        target: str,
        policy: str,
        initial: Any = None,
        *,
        took: PairTable,
        takes: int = 0,
    ) -> None:
        super().__init__(target, policy, initial, takes=takes)
        self._took = took

    def _wanted(self, tick: int) -> int:
        limit = tick - 1 if self.policy == "delay" else tick
        took = self._took(tick)
        return limit if took is None else min(took, limit)

    def arrive(self, tick: int, value: Any) -> None:
        """Take in a value; which tick it is for, the other run says."""
        self.queue.append((tick, value))
        self.resolved = max(self.resolved, tick)

    def is_ready(self, tick: int) -> bool:
        """Say whether the value that the other run took is there."""
        return self.resolved >= self._wanted(tick)

    def take(self, tick: int) -> Any:
        """Return the value that the other run took."""
        wanted, queue = self._wanted(tick), self.queue
        while queue and queue[0][0] <= wanted:
            self.register = queue.popleft()[1]
            self._is_new = True
        self.taken += self._is_new
        self._is_new = False
        return self.register

    def finish(self, tick: int) -> None:
        """Know that the segment has finished a tick; its values may still be needed."""
        self.finished = tick


@dataclass(frozen=True, slots=True)
class InputRules:
    """How the inputs of a run are read that are not bound to one value a tick.

    Args:
        skips: Whether inputs that fire nothing take what is there, as `latest` does.
        choices: What another run took, to be repeated; None where nothing is.
        room: How many values may wait for an input that takes what is there.
    """

    skips: bool = False
    choices: Choices | None = None
    room: int = 8

    def buffer(
        self, target: str, policy: str, initial: Any = None, *, takes: int = 0
    ) -> InputBuffer:
        """Return the buffer of an input that is fed from outside of its segment.

        Args:
            target: The address of the input port.
            policy: Its policy; `"delay"` after a delay.
            initial: What it has before the first value.
            takes: How many ticks the firings of its producer take.
        """
        if self.choices is not None:
            recalled = self.recalled(target, policy, initial, takes=takes)
            return recalled or InputBuffer(target, policy, initial, takes=takes)
        if self.skips and policy == "sync" and takes:
            return PunctualBuffer(target, policy, initial, takes=takes)
        if policy == "latest" or (self.skips and policy != "sync"):
            return LooseBuffer(target, policy, initial, room=self.room, takes=takes)
        return InputBuffer(target, policy, initial, takes=takes)

    def recalled(
        self, target: str, policy: str, initial: Any = None, *, takes: int = 0
    ) -> RecallBuffer | None:
        """Return the buffer of an input that takes what it took in another run.

        Args:
            target: The address of the input port.
            policy: Its policy; `"delay"` after a delay.
            initial: What it has before the first value.
            takes: How many ticks the firings of its producer take.

        Returns:
            None where it takes what `hold` or a delay gives.
        """
        took = () if self.choices is None else self.choices.took.get(target, ())
        if not took or policy == "sync":
            return None
        table = PairTable(took)
        return RecallBuffer(target, policy, initial, took=table, takes=takes)
