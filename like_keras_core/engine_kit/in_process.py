"""A run of a whole system in this process, for engines that need no other."""

from __future__ import annotations

from typing import Any

from like_keras_core.authoring.lowering import spec_at
from like_keras_core.errors import LkError
from like_keras_core.launch_options import LaunchOptions
from like_keras_core.report import RunReport
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.failure import Failure, HungComponent
from like_keras_core.runtime.forced_exit import before_forced_exit, exit_with
from like_keras_core.runtime.host.hang_watch import HangWatch
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.host.single_process import give_up, run_alone, take_down
from like_keras_core.runtime.loader import instantiate
from like_keras_core.runtime.stop import StopSignal, in_time, time_limit
from like_keras_core.runtime.stop_signals import stop_on_signals
from like_keras_core.spec import HasSpec, SystemSpec


def run_in_process(
    system: HasSpec | SystemSpec,
    engine: str,
    *,
    stop: StopSignal | None = None,
    **options: Any,
) -> RunReport:
    """Run every component of a system here, one after the other, until its end.

    Args:
        system: What to run, live or as a spec. A live one gives its own components.
        engine: The engine's name, for the report and for errors.
        stop: Asks the run to end.
        **options: Those of every launch. What is about several processes is accepted
            and has no effect.

    Raises:
        ComponentError: A component raised; it carries the report.
        EngineOptionError: There is no such option.
        LaunchTimeoutError: `timeout_s` passed; it carries the report.
    """
    asked = LaunchOptions.of(engine, **options)
    spec = spec_at(system, asked.rate_hz)
    asked = asked.in_ticks(spec.rate_hz)
    run = RunOptions.of(spec, asked)
    stop = stop or StopSignal()

    def leave(hung: Failure) -> None:
        text = f"The launch of {spec.name!r} hangs: {hung.error}"
        if (host := watch.host) is None:
            exit_with(LkError(text))
        error = give_up(host, engine, stop, hung, asked.stop_grace_s)
        if hung.name:
            exit_with(error)
        hangs = LkError("\nAfterwards ".join((text, *error.later)))
        hangs.report = error.report  # type: ignore[attr-defined]
        exit_with(hangs)

    def leave_too(error: LkError) -> None:
        if (host := watch.host) is not None:
            take_down(host, asked.stop_grace_s)

    watch = HangWatch(stop, asked.stop_grace_s, leave)
    with (
        stop_on_signals(stop, watch.hurry, watch.belongs) as taken,
        watch.watching(taken),
        before_forced_exit(leave_too, 2 * asked.stop_grace_s),
        time_limit(stop, asked.timeout_s),
    ):
        try:
            components = instantiate(system, spec)
        except HungComponent as error:
            text = f"The components of {spec.name!r} cannot be made: {error}"
            raise LkError(text) from error
        host = watch.host = SingleHost(
            spec,
            components,
            seed=run.seed,
            record=run.record,
            taps=run.taps,
            check_values=run.check_values,
            skips=run.skips,
            choices=run.repeats,
        )
        report = run_alone(
            host,
            engine,
            asked.iterations,
            rate_hz=run.rate_hz,
            stop=stop,
            progress=asked.progress,
            watch=watch,
        )
    return in_time(report, asked.timeout_s)
