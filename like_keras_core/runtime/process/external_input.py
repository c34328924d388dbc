"""Waiting, in `forward`, for a value that comes from outside of the run.

The process goes on with all else that it has to do: it hands out credits, answers the
launcher, and learns of a stop.
"""

from __future__ import annotations

import time

from like_keras_core.errors import EndOfStream, EngineError
from like_keras_core.runtime.process.node_process import NodeProcess
from like_keras_core.runtime.stop_point import StopPoint

PATIENCE_S = 0.5
"""How long a value is waited for when the run is to stop [s]."""

LONG_PATIENCE_S = 5.0
"""How long a value is waited for when a component has failed at a later tick [s]."""

_LOOK_S = 0.05


class ExternalInput:
    """What one component waits for, which may never come.

    In `forward`: `begin()` once, then `wait()` until the value is there. Meanwhile the
    process does all else that it has to do, and the wait ends where the run does. Who
    waits for nothing calls `poll()` instead.

    Args:
        member: The process.
        component: The component's address.
        who: Who sends the values, for people: `"the dora node 'camera'"`.
        advice: What its author should know, where it sends nothing.
    """

    def __init__(
        self, member: NodeProcess, component: str, who: str, advice: str = ""
    ) -> None:
        self.member = member
        self.component = component
        self.who = who
        self.advice = advice
        self.is_cut_off = False
        """Whether it is known that nothing more comes."""
        self._ends_at: float | None = None

    def begin(self) -> None:
        """Know that another tick's values are waited for."""
        self._ends_at = None

    def check(self) -> None:
        """See whether there is still something to wait for.

        Raises:
            EndOfStream: The run ends below this tick, or is to stop.
            EngineError: It keeps a run that has failed from ending.
        """
        # A stop reaches the others too; what it does to them is no end of a stream.
        if self._must_end(time.monotonic()):
            raise EndOfStream("The run is to stop.")

    def poll(self) -> None:
        """Take in what has come, without waiting for more."""
        self.member.poll(0.0)

    def wait(self) -> None:
        """Wait until something has come, or a moment; raises what `check` does."""
        self.check()
        self.member.poll(_LOOK_S)

    def _must_end(self, now: float) -> bool:
        host = self.member.host
        cut, tick = host.cut, host.tick[1]
        place = (tick, host.place[self.component])
        if self.member.is_over or cut.place <= place:
            return True
        if cut.kind in ("stop", "error") and self._ends_at is None:
            self._ends_at = now
        waited_s = 0.0 if self._ends_at is None else now - self._ends_at
        if cut.kind == "error" and waited_s > LONG_PATIENCE_S:
            raise EngineError(
                f"There was no value from {self.who} for tick {tick}, for which the "
                f"run waited although {cut.component!r} had failed at tick {cut.tick}."
                + f" {self.advice}".rstrip()
            )
        if self.is_cut_off or (cut.kind == "stop" and waited_s > PATIENCE_S):
            # Everybody learns that it is a stop, and no end of a stream.
            host.set_cut(StopPoint(tick, 0, "stop"))
            return True
        return False
