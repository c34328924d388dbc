"""Calls of components' hooks, each in the thread of its component."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType

from like_keras_core.component import Component
from like_keras_core.lifecycle import AFTER
from like_keras_core.runtime.failure import Failure, HungComponent
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.stop_signals import came_by_signal
from like_keras_core.runtime.tracebacks import stack_of

_DOWN = ("on_deactivate", "on_shutdown")


@dataclass(frozen=True, slots=True)
class Activity:
    """Code of a component that is running.

    Args:
        name: The component's address.
        phase: `"forward"`, a hook, or the class of a tap of the component.
        tick: The tick; None outside `forward`.
        is_tap: Whether it is a tap's.
        began: The tick at which a firing began that takes ticks; `tick` is then the one
            that its result belongs to.
    """

    name: str
    phase: str
    tick: int | None = None
    is_tap: bool = False
    began: int | None = None

    def __str__(self) -> str:
        when = "" if self.tick is None else f" at tick {self.tick}"
        if self.began is not None:
            when = f", which began at tick {self.began}"
        return f"{self.name!r} in {self.phase}{when}"

    @property
    def since(self) -> str:
        """Where it began, for a sentence about it; empty where that goes without."""
        return "" if self.began is None else f"began at tick {self.began} and "


def activity_of(pending: PendingResult) -> Activity:
    """Return the firing that a component has under way in its own thread."""
    return Activity(pending.name, "forward", pending.due, began=pending.begun)


class HookCalls:
    """Calls hooks, and says from any thread which one runs.

    Args:
        components: The components, by address.
        pending: What those of them have under way that take ticks.

    Attributes:
        calling: The hook that is being called, or the firing whose end is waited for.
        joined: The one whose thread is waited for.
    """

    def __init__(
        self, components: Mapping[str, Component], pending: Mapping[str, PendingResult]
    ) -> None:
        self.components = components
        self.pending = pending
        self.calling: Activity | None = None
        self.joined: PendingResult | None = None
        # Firings that were given up together with the one that was waited for, until
        # their components are.
        self._given_up: dict[str, Failure] = {}

    def inside(self, frame: FrameType | None) -> Activity | None:
        """Return what is being called, if a stack is in it.

        Args:
            frame: The innermost frame of the thread that calls.
        """
        # Between two bytecodes of ours the hook has not begun, or has returned.
        is_inside = frame is None or frame.f_code is not HookCalls.call.__code__
        return self.calling if is_inside else None

    def call(self, name: str, phase: str) -> Failure | None:
        """Call a hook, and return what it raised; what a signal did is raised.

        None is called beside a firing of its component: that ends first. Where it does
        not, it is the failure, and no hook of that component is called any more.
        """
        component, pending = self.components[name], self.pending.get(name)
        is_left = phase in _DOWN
        hung = leaving = None
        try:
            if pending is not None:
                try:
                    hung = self._join(pending)
                except BaseException as error:  # noqa: BLE001 - a signal's, raised below
                    leaving = error
                    pending.leave_off()
                if pending.is_lost:
                    return hung
            self.calling, self.joined = Activity(name, phase), pending
            try:
                if pending is None:
                    getattr(component, phase)()
                else:
                    pending.call(getattr(component, phase))
                is_left = True
            finally:
                self.calling = self.joined = None
        except BaseException as error:
            if came_by_signal(error):
                if pending is not None:
                    pending.leave_off()
                raise
            return hung or Failure(name, phase, None, error)
        finally:
            if is_left:
                component._lk.state = AFTER[phase]
            if leaving is not None:
                raise leaving
        return hung

    def give_up_firings(self) -> list[str]:
        """Wait for no firing any more, as one of them has had its time; in any thread.

        All of them began before the run was to end, so that all have had as much.

        Returns:
            The others, each with the tick at which it began.
        """
        others = []
        for item in self.pending.values():
            if item is self.joined or item.hung is not None or item.worker.is_idle:
                continue
            activity = activity_of(item)
            frame = sys._current_frames().get(item.worker.thread or 0)
            error = HungComponent(
                f"it {activity.since}had not returned either. It was here:\n"
                f"{stack_of(frame)}"
            )
            self._given_up[item.name] = Failure(
                item.name, activity.phase, activity.tick, error
            )
            others.append(str(activity))
            item.release(error)
        return others

    def _join(self, pending: PendingResult) -> Failure | None:
        """Wait for the end of a firing; return the failure if it does not return."""
        if (failure := self._given_up.pop(pending.name, None)) is not None:
            pending.leave_off()
            return failure
        if pending.is_lost:
            return None
        if pending.worker.is_idle:
            pending.hung = None
            return None
        firing = self.calling = activity_of(pending)
        self.joined = pending
        try:
            pending.join()
        finally:
            self.calling = self.joined = None
        hung = pending.hung
        if hung is not None and not pending.is_lost:
            pending.hung = None
        if hung is None:
            return None
        return Failure(pending.name, "forward", firing.tick, hung)
