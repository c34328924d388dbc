"""What every host does: bring components through their lifecycle, and note values.

A host knows no engine. It runs the components of one process: a `SingleHost` those of
a whole system, a `NodeHost` those of one node of several. Which ticks they fire, and
when, is for those two to say; here is what does not depend on it.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

from like_keras_core.authoring.component_time import Timing, begins_of, noting
from like_keras_core.component import Component
from like_keras_core.graph.checks import execution_order, fires_itself, periods
from like_keras_core.graph.places import places_of
from like_keras_core.graph.port_selection import check_ports, ports_to_record
from like_keras_core.runtime.failure import Failed, Failure, HungComponent
from like_keras_core.runtime.host.choosing_buffers import InputRules, RecallBuffer
from like_keras_core.runtime.host.firing import Firing, firing_on
from like_keras_core.runtime.host.hook_calls import Activity, HookCalls, activity_of
from like_keras_core.runtime.host.instruments import Instruments
from like_keras_core.runtime.host.lateness import Lateness
from like_keras_core.runtime.host.mutation_check import MutationCheck
from like_keras_core.runtime.host.pending_results import PendingResult, pending_results
from like_keras_core.runtime.host.plan import Inlet, Outlet, Plan, last_readers, plan
from like_keras_core.runtime.host.record_buffer import Column
from like_keras_core.runtime.host.schedule import Schedule
from like_keras_core.runtime.host.timekeeper import Timekeeper
from like_keras_core.runtime.host.worker import WorkerFactory, WorkerThread
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.runtime.taps import Taps, tap_in
from like_keras_core.runtime.trace import Trace
from like_keras_core.spec import ConnectionSpec, SystemSpec, component_of
from like_keras_core.tap import Tap
from like_keras_core.values.config_json import decode
from like_keras_core.values.gc_pause import collection_paused
from like_keras_core.values.semantics import snapshot

TapCalls = Mapping[str, Sequence[Callable[[int, Any], object]]]
"""By port address, what is called with `(tick, value)`."""


class HostBase(ABC):
    """The components of one process, their lifecycle, and what is noted of them.

    Args:
        spec: The system.
        components: Those of its components that run here, by address.
        cut: Where the run ends, as far as is known before it begins.
        seed: Seeds each component's `rng`, with its address.
        record: Addresses of output ports to record, or `"all"`.
        taps: What to call after emissions.
        check_values: Find components that change what they received.
        rules: How inputs are read that are not bound to one value a tick.
        worker: Makes the thread of each component that takes ticks.

    Attributes:
        order: The components that run here, in execution order.
        place: Where within a tick of the whole system the values of each component
            come, by which stop points are compared.
        pending: What each component that takes ticks has under way, by address.
        tick: What the generated code and the components read as the time: the tick
            before which to stop, and the present one, None outside of ticks.
        cut: Where the run ends: what lies beyond it does not count.
        realtime: What became of real-time rights in this process: a sentence each.
        lateness: What it leaves out, and notes.

    Raises:
        GraphError: A port to record or tap does not exist.
    """

    def __init__(
        self,
        spec: SystemSpec,
        components: Mapping[str, Component],
        *,
        cut: StopPoint,
        seed: int = 0,
        record: Sequence[str] | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        rules: InputRules | None = None,
        worker: WorkerFactory = WorkerThread,
    ) -> None:
        self.spec = spec
        self.rules = rules or InputRules()
        names = [spec.components[n].name for n in execution_order(spec)]
        self.place = dict(places_of(spec))
        self.order = [name for name in names if name in components]
        self.components = {name: components[name] for name in self.order}
        self.seed = seed
        self.check_values = check_values
        self._guards: list[MutationCheck] = []
        self.tick: list[Any] = [0, None]
        self.cut = cut
        self.realtime: tuple[str, ...] = ()
        taps = list(taps)
        # Grows by one entry a tick; those beyond the cut are left out when it is read.
        self._records = {address: Column() for address in ports_to_record(spec, record)}
        self._taps = Taps(taps)
        check_ports(spec, [str(tap.port) for tap in taps], "tap")
        #: Whether another thread takes the components down, as that of the run hangs.
        self.is_abandoned = False
        # Whose on_configure, or on_activate, has returned and whose on_shutdown, or
        # on_deactivate, was not called. What is active is configured, too.
        self._configured: list[str] = []
        self._active: list[str] = []
        # What the hooks of a phase on the way down have raised first: where a later one
        # hangs, another thread goes on.
        self._raised_down: dict[str, Failure] = {}
        # The thread that calls forward, for those who look from another one; None
        # before it begins.
        self._thread: int | None = None
        #: Called when the thread of a component has done something; in that thread.
        self.wake: Callable[[], object] = lambda: None
        self.pending = pending_results(spec, components, worker, self._woken)
        self.lateness = Lateness(
            self.tick,
            self.pending,
            skips=self.rules.skips,
            choices=self.rules.choices,
        )
        self._calls = HookCalls(self.components, self.pending)
        self._instruments = Instruments(
            spec, self.components, self.pending, self.lateness.skipped
        )
        specs = {component.name: component for component in spec.components}
        for name, component in self.components.items():
            pending = self.pending.get(name)
            clock = self.tick if pending is None else pending.clock
            timing = Timing.of(specs[name], periods(spec)[name], spec.rate_hz)
            component._lk.bind(name, seed, clock, timing, begins_of(component))

    def _woken(self) -> None:
        self.wake()

    def observe(self, rate_hz: float | None, trace: Trace | None) -> None:
        """Note how the firings go, from before `configure` on.

        Args:
            rate_hz: Ticks per second, where the run has a rate.
            trace: Notes when each fires.
        """
        self._instruments.trace = trace
        self._instruments.timekeeper = Timekeeper(rate_hz) if rate_hz else None

    @property
    def trace(self) -> Trace | None:
        """What notes when each component fires, if anything does."""
        return self._instruments.trace

    @property
    def is_stopped(self) -> bool:
        """Whether no more of the components are to be brought up."""
        return False

    def configure(self) -> None:
        """Call every `on_configure`, in execution order.

        Raises:
            ComponentError: One raised; those after it were not called.
        """
        for name in self.order:
            if self.is_stopped:
                return
            self._enter(name, "on_configure")
            self._configured.append(name)
        taps = self._taps.make()
        with collection_paused():
            self._prepare(taps)

    def activate(self) -> None:
        """Call every `on_activate`, in execution order.

        Raises:
            ComponentError: One raised; those after it were not called.
        """
        for name in self.order:
            if self.is_stopped:
                return
            try:
                self._enter(name, "on_activate")
            except BaseException as error:
                # What its author cannot foresee may have left it half on.
                failure = error.failure.error if isinstance(error, Failed) else error
                if failure is error or isinstance(failure, HungComponent):
                    self._active.append(name)
                raise
            self._active.append(name)

    def deactivate(self) -> Failure | None:
        """Call `on_deactivate` of all that are active, in reverse; all of them.

        Returns:
            The first failure.
        """
        failure = None
        try:
            if not self.is_abandoned:
                failure = self._taps.settle() or self._changed()
        finally:
            left = self._leave(self._active, "on_deactivate")
        return left or failure

    def shutdown(self) -> Failure | None:
        """Call `on_shutdown` of all that were configured, in reverse, and close taps.

        Returns:
            The first failure.
        """
        try:
            self._leave(self._active, "on_deactivate")
            failure = self._leave(self._configured, "on_shutdown")
        finally:
            for pending in self.pending.values():
                pending.worker.close()
            unclosed = self._taps.close()
        return failure or unclosed

    def _changed(self) -> Failure | None:
        """Return whose sent value has changed by now, where values are checked."""
        for guard in self._guards:
            error = guard.changed()
            if error is not None:
                return Failure(error.component, "forward", None, error)
        return None

    def _enter(self, name: str, phase: str) -> None:
        failure = self._calls.call(name, phase)
        if failure is not None:
            raise Failed(failure) from failure.error

    def _leave(self, names: list[str], phase: str) -> Failure | None:
        leaving: BaseException | None = None
        while names:
            try:
                # All of them get their turn, whatever the others raise.
                failure = self._calls.call(names.pop(), phase)
            except BaseException as error:  # noqa: BLE001 - a signal's
                leaving = leaving or error
            else:
                if failure is not None:
                    self._raised_down.setdefault(phase, failure)
        if leaving is not None:
            raise leaving
        return self._raised_down.get(phase)

    def awaited(self) -> PendingResult | None:
        """Return whose thread this host waits for, and for nothing else; or None."""
        return self._calls.joined

    def release(self, error: HungComponent) -> bool:
        """End the wait for the thread of a component; from another thread.

        Args:
            error: What is to be said of what does not return; it is interrupted.

        Returns:
            Whether this host waits for one.
        """
        if (pending := self.awaited()) is None:
            return False
        calling, others = self._calls.calling, ""
        if calling is not None and calling.phase == "forward":
            others = "; ".join(self._calls.give_up_firings())
        if others:
            text = str(error).rstrip()
            error = HungComponent(f"{text}\nNor did these return: {others}.")
        pending.release(error)
        return True

    def frame_of(self, frame: FrameType | None) -> FrameType | None:
        """Return the stack of what runs, also where that is in a component's thread.

        Args:
            frame: The innermost frame of the thread that serves this host.
        """
        pending = self.awaited()
        thread = None if pending is None else pending.worker.thread
        return frame if thread is None else sys._current_frames().get(thread, frame)

    def doing(self, frame: FrameType | None) -> Activity | None:
        """Return whose code is running, in which phase of its life; from any thread.

        Args:
            frame: The innermost frame of the thread that runs it.
        """
        if (tap := self._taps.calling or tap_in(frame)) is not None:
            port = component_of(str(tap.port))
            return Activity(port, str(tap.entry_point), is_tap=True)
        if self._calls.calling is not None:
            return self._calls.inside(frame)
        firing = firing_on(frame, self._schedules(), self.components, self.tick[1])
        if firing is not None:
            return Activity(firing.name, "forward", firing.tick)
        pending = self.awaited()
        return None if pending is None else activity_of(pending)

    @abstractmethod
    def _prepare(self, taps: TapCalls) -> None:
        """Generate what fires the components, once all of them are configured."""

    @abstractmethod
    def _schedules(self) -> Iterable[Schedule]:
        """Return every schedule that may be running."""

    def _plan_of(
        self,
        indexes: Sequence[int],
        taps: TapCalls,
        *,
        inlet: Callable[[ConnectionSpec, str], Inlet] | None = None,
        outlets: Mapping[str, Outlet] | None = None,
    ) -> Plan:
        """Plan the ticks of components that run together.

        Args:
            indexes: Their indexes in the spec, in execution order.
            taps: What is called after emissions, also of other components.
            inlet: Gives what brings the values of a connection from a component that
                is not among them, for a policy; None where there is no such component.
            outlets: By port address, what takes values to components that are not.
        """
        names = [self.spec.components[n].name for n in indexes]
        inside = set(names)

        def belongs(address: str) -> bool:
            return component_of(address) in inside

        pending = {name: self.pending[name] for name in names if name in self.pending}
        fast = [name for name in names if name not in pending]
        forwards = {name: self.components[name].forward for name in names}
        guard = MutationCheck(self.tick)
        if self.check_values:
            self._guards.append(guard)
            for i, name in enumerate(pending):
                found = guard.wrap_slow(name, i, self.components[name])
                forwards[name], pending[name].watch = found
            for i, name in enumerate(fast, len(pending)):
                forwards[name] = guard.wrap(name, i, self.components[name])
        forwards = {
            name: noting(self.components[name], forward)
            for name, forward in forwards.items()
        }
        forwards = self._taps.seen(
            forwards,
            {
                component.name: [port.name for port in component.inputs]
                for component in self.spec.components
            },
        )
        result = plan(
            self.spec,
            indexes,
            self.components,
            self.lateness.careful(
                self._taps.settled(self._instruments.observed(forwards)),
                fires_itself(self.spec),
            ),
            {name: self.components[name]._lk.signature.unpack for name in names},
            lambda data: snapshot(decode(data)),
            {key: items for key, items in self._records.items() if belongs(key)},
            {key: items for key, items in taps.items() if belongs(key)},
            pending=pending,
            places=self.place,
            inlet=inlet,
            recalled=self._recalled,
            outlets=outlets,
        )
        guard.until = last_readers(result)
        self.lateness.planned(result)
        return result

    @property
    def _recalled(self) -> Callable[[str, str, Any], RecallBuffer | None] | None:
        is_plain = self.rules.choices is None and not self.rules.skips
        return None if is_plain else self.rules.recalled

    def firing(self) -> Firing | None:
        """Return which component is inside `forward` now; from any thread.

        It reads the stack of the thread that fires them, so that no firing pays for it.
        """
        frame = sys._current_frames().get(self._thread or 0)
        return firing_on(frame, self._schedules(), self.components, self.tick[1])

    def recorded(self) -> dict[str, list[tuple[int, Any]]]:
        """Return the recorded values below the cut, by port address."""
        found = {}
        for address, values in self._records.items():
            ticks = self.cut.ticks(self.place[component_of(address)])
            pairs = enumerate(values[:ticks])
            found[address] = [(t, value) for t, value in pairs if value is not None]
        return found
