"""Which component a thread is firing, read from its stack.

A note before each `forward` and after it would cost every firing. The stack holds it
anyway: the generated function's frame is at a line that belongs to a step, and the
`forward` of that step's component is further in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from types import FrameType
from typing import Any

from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.schedule import Schedule, duration_so_far
from like_keras_core.view.plain_text import to_duration


@dataclass(frozen=True, slots=True)
class Firing:
    """A component that was inside its `forward`.

    Args:
        name: Its address.
        tick: The tick; None if it was over when it was asked for.
        seen_at: When it was seen, by `perf_counter` [s].
        duration_s: How long it had been there [s]; None unless the tick is one of
            those that are measured.
        began: The tick at which it began, where its result belongs to a later one.
    """

    name: str
    tick: int | None
    seen_at: float
    duration_s: float | None
    began: int | None = None

    def __str__(self) -> str:
        text = f"{self.name!r} was inside forward"
        if self.began is not None:
            text += f", which began at tick {self.began}"
        elif self.tick is not None:
            text += f" at tick {self.tick}"
        if self.duration_s is not None:
            text += f", for {to_duration(self.duration_s)}"
        return text


def firing_in(pending: PendingResult) -> Firing:
    """Return the firing that a component has under way in its own thread."""
    now = perf_counter()
    began, since_s = pending.begun, now - pending.began_at
    return Firing(pending.name, pending.due, now, since_s, began)


def firing_on(
    frame: FrameType | None,
    schedules: Iterable[Schedule],
    components: Mapping[str, Any],
    tick: int | None,
) -> Firing | None:
    """Return the component whose `forward` is on a stack.

    Args:
        frame: The innermost frame of the thread.
        schedules: What it may be running.
        components: The components by address.
        tick: The present tick.

    Returns:
        None between two firings, and outside of ticks.
    """
    # By identity: code is equal if its constants are, and those are anybody's values.
    generated = {id(code): item for item in schedules for code in item.codes}
    called: FrameType | None = None
    inside: set[int] = set()
    while frame is not None:
        schedule = generated.get(id(frame.f_code))
        if schedule is None:
            inside.add(id(frame.f_code))
            called, frame = frame, frame.f_back
            continue
        step = schedule.lines[frame.f_lineno - 1]
        if step < 0:
            return None
        name = schedule.names[step]
        forward = components[name].forward
        code = getattr(getattr(forward, "__func__", forward), "__code__", None)
        if code is not None and id(code) not in inside:
            return None
        return Firing(name, tick, perf_counter(), duration_so_far(called))
    return None
