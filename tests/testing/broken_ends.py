"""Engines that each end a run in a wrong way, in this process or over several.

Each names, in `caught_by`, the test of the kit that must find it out, and in `only` the
case of it that is run, where it has several: what waits for ever costs its time limit.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

from like_keras_core import Component, ComponentError, RunReport
from like_keras_core.engine_kit import in_process
from like_keras_core.errors import EngineError
from like_keras_core.runtime import stop_signals
from like_keras_core.runtime.control.environment import Home
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.termination import StopCoordinator
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.host.single_process import error_of
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.supervision.process_group import (
    NodeProcesses,
    ProcessGroup,
)
from like_keras_core.runtime.supervision.supervisor import Supervisor
from like_keras_core.spec import HasSpec, SystemSpec
from tests.testing.broken_engines import Sound, override

HANGS = "test_what_does_not_return_is_named_and_the_others_are_deactivated"
FIRST = "test_an_error_that_came_first_is_not_lost"
STARTS = "test_a_signal_ends_a_launch_that_starts"
QUEUE = "test_a_stop_takes_no_queue_along"
EXITS = "test_whatever_is_raised_in_forward_is_a_component_error"

Launch = Callable[..., RunReport]


def naming_nobody(launch: Launch, *words: Any, **options: Any) -> RunReport:
    """Launch, and say of a component that failed only that something did."""
    try:
        return launch(*words, **options)
    except ComponentError as error:
        text = f"A {error.phase} did not end within stop_grace_s."
        raise EngineError(text) from None


def losing_the_first(launch: Launch, *words: Any, **options: Any) -> RunReport:
    """Launch, and raise the last of several errors alone."""
    try:
        return launch(*words, **options)
    except ComponentError as error:
        if error.later:
            raise EngineError(error.later[-1]) from None
        raise


def taking_the_queue_along(
    launch: Launch, *words: Any, stop: StopSignal | None = None, **options: Any
) -> RunReport:
    """Launch, and stop when what waits may have been done."""
    asked, own = stop or StopSignal(), StopSignal()
    timer = threading.Timer(1.5, lambda: own.set(asked.reason))
    with asked.calling(timer.start):
        report = launch(*words, stop=own, **options)
    timer.cancel()
    return report


class InProcess(Sound):
    """Runs with something of the run in one process replaced."""

    caught_by = ""
    only: ClassVar[str] = ""

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        """Replace it."""

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        with pytest.MonkeyPatch.context() as patch:
            self.patch(patch)
            return super().run(system, **options)


class NeverGivesUp(InProcess):
    """Waits for a component as long as that takes."""

    name = "never-gives-up"
    caught_by, only = HANGS, "forward-lock"

    def choose(self, options: dict[str, Any]) -> None:
        options["stop_grace_s"] = 1e6


class KeepsOthersActive(InProcess):
    """Deactivates nobody when a component was interrupted."""

    name = "keeps-others-active"
    caught_by, only = HANGS, "forward-lock"

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        deactivate = SingleHost.deactivate
        patch.setattr(
            SingleHost,
            "deactivate",
            lambda host: host._active.clear() if host.failures else deactivate(host),
        )


class ExitsAtOnce(InProcess):
    """Ends the process around native code, and calls no hook before."""

    name = "exits-at-once"
    caught_by, only = HANGS, "forward-native"

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        def give_up(host: Any, engine: str, stop: Any, hung: Any, grace_s: Any) -> Any:
            host.abandon(hung)
            return error_of(host, engine, stop)

        patch.setattr(in_process, "give_up", give_up)
        patch.setattr(in_process, "take_down", lambda host, grace_s: None)


class NamesNobody(InProcess):
    """Says that something hangs, and not what."""

    name = "names-nobody"
    caught_by, only = HANGS, "on_deactivate-sleep"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        return naming_nobody(super().run, system, **options)


class LosesFirstError(InProcess):
    """Says what hangs, and not what had failed before."""

    name = "loses-first-error"
    caught_by = FIRST

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        return losing_the_first(super().run, system, **options)


class IgnoresCtrlCWhileStarting(InProcess):
    """Takes Ctrl-C over once everything is configured."""

    name = "ignores-ctrl-c-while-starting"
    caught_by = STARTS

    def change(self, component: Component) -> None:
        configure = component.on_configure

        def deaf() -> None:
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            configure()
            signal.signal(signal.SIGINT, before)

        override(component, "on_configure", deaf)


class DiesWhileStarting(InProcess):
    """Dies of Ctrl-C while it starts, as any program does."""

    name = "dies-while-starting"
    caught_by = STARTS

    def change(self, component: Component) -> None:
        configure = component.on_configure

        def mortal() -> None:
            before = signal.signal(signal.SIGINT, signal.default_int_handler)
            configure()
            signal.signal(signal.SIGINT, before)

        override(component, "on_configure", mortal)


class LeavesConfigured(InProcess):
    """Shuts nobody down that was not activated."""

    name = "leaves-configured"
    caught_by = STARTS

    def change(self, component: Component) -> None:
        activate, shutdown = component.on_activate, component.on_shutdown
        override(component, "on_shutdown", lambda: None)

        def both() -> None:
            override(component, "on_shutdown", shutdown)
            activate()

        override(component, "on_activate", both)


class TakesQueueAlong(InProcess):
    """Goes on for a while when it is stopped."""

    name = "takes-queue-along"
    caught_by = QUEUE

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        return taking_the_queue_along(super().run, system, **options)


class DiesOfTerm(InProcess):
    """Ends with its report at Ctrl-C only."""

    name = "dies-of-term"
    caught_by = "test_other_signals_end_the_run_as_ctrl_c_does"

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(stop_signals, "SIGNALS", (signal.SIGINT,))


class LetsExitsThrough(InProcess):
    """Ends the program where a component calls `sys.exit`."""

    name = "lets-exits-through"
    caught_by, only = EXITS, "SystemExit"

    def run(self, system: HasSpec | SystemSpec, **options: Any) -> RunReport:
        try:
            return super().run(system, **options)
        except ComponentError as error:
            if isinstance(error.__cause__, SystemExit):
                raise error.__cause__ from None
            raise


class LetsExitsOfHooksThrough(LetsExitsThrough):
    """Ends the program where a hook calls `sys.exit`."""

    name = "lets-exits-of-hooks-through"
    caught_by, only = "test_an_exit_outside_of_forward_is_a_component_error", ""


class OverProcesses(ReferenceEngine):  # type: ignore[misc]
    """Runs with something of the launching process replaced."""

    name = "over-processes"
    caught_by: ClassVar[str] = ""
    only: ClassVar[str] = ""

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        """Replace it."""

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        **options: Any,
    ) -> RunReport:
        with pytest.MonkeyPatch.context() as patch:
            self.patch(patch)
            report: RunReport = super().launch(system, config_path, **options)
            return report


class KillsWhatHangs(OverProcesses):
    """Kills every process once the run is over."""

    name = "kills-what-hangs"
    caught_by, only = HANGS, "forward-lock"
    _children: NodeProcesses

    def start(self, plan: RunPlan, nodes: Sequence[str], home: Home) -> ProcessGroup:
        self._children = super().start(plan, nodes, home)
        return self._children

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        def kill(supervisor: Supervisor, **options: Any) -> None:
            for child in self._children.children.values():
                child.signal(signal.SIGKILL)
            bring_down(supervisor, **options)

        bring_down = Supervisor._bring_down
        patch.setattr(Supervisor, "_bring_down", kill)


class NamesNobodyOfProcesses(OverProcesses):
    """Says that something hangs, and not what."""

    name = "names-nobody-of-processes"
    caught_by, only = HANGS, "forward-native"

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        **options: Any,
    ) -> RunReport:
        return naming_nobody(super().launch, system, config_path, **options)


class LosesFirstErrorOfProcesses(OverProcesses):
    """Says what hangs, and not what had failed before."""

    name = "loses-first-error-of-processes"
    caught_by = FIRST

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        **options: Any,
    ) -> RunReport:
        return losing_the_first(super().launch, system, config_path, **options)


class AsksNobodyWhileStarting(OverProcesses):
    """Waits until all are configured before it looks at Ctrl-C."""

    name = "asks-nobody-while-starting"
    caught_by = STARTS

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        handled = stop_signals.Taken.heard
        patch.setattr(
            stop_signals.Taken,
            "heard",
            lambda taken, number, frame: (
                handled(taken, number, frame) if frame is None else None
            ),
        )


class CutsAboveHighest(OverProcesses):
    """Stops above the highest tick that anybody has begun."""

    name = "cuts-above-highest"
    caught_by = QUEUE

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        def above(coordinator: StopCoordinator, tick: int) -> None:
            replies = (coordinator._replies or {}).values()
            cut(coordinator, max([tick, *(item.started + 1 for item in replies)]))

        cut = StopCoordinator._cut
        patch.setattr(StopCoordinator, "_cut", above)


BROKEN: list[Any] = [
    kind
    for kind in list(globals().values())
    if type(kind) is type(InProcess)
    and issubclass(kind, (InProcess, OverProcesses))
    and kind.caught_by
]
