"""A whole run of one host, in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace

from like_keras_core.authoring.attribute_watch import unwatched
from like_keras_core.errors import ComponentError
from like_keras_core.report import Progress, RunReport
from like_keras_core.runtime.failure import Failed, Failure, HungComponent
from like_keras_core.runtime.host.hang_watch import HangWatch
from like_keras_core.runtime.host.hook_calls import Activity
from like_keras_core.runtime.host.interruption import STARTING
from like_keras_core.runtime.host.quiet_ticks import QuietTicks
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.trace import Trace, gathered
from like_keras_core.runtime.tracebacks import place_of, text_of, traceback_of
from like_keras_core.view.plain_text import exception_text

_LOOK_S = 0.02


def run_alone(
    host: SingleHost,
    engine: str,
    iterations: int | None,
    *,
    rate_hz: float | None = None,
    realtime: bool = False,
    stop: StopSignal,
    progress: Callable[[int], object] | None = None,
    watch: HangWatch | None = None,
) -> RunReport:
    """Take a host through a whole run in this process, from configure to shutdown.

    Args:
        host: What runs; it has run nothing yet.
        engine: The engine's name, for the report.
        iterations: How many ticks; None until something ends the run.
        rate_hz: Ticks per second; None is as fast as possible.
        realtime: Whether to ask the system for real-time rights.
        stop: Ends the run after the tick that has begun.
        progress: Called with the number of ticks done, now and then.
        watch: Looks after it; without one a component may hang for ever.

    Raises:
        ComponentError: A component raised; it carries the report.
    """
    trace = None
    if (traces := gathered()) is not None:
        trace = traces.processes[host.spec.name] = Trace()
    host.observe(rate_hz, trace)
    told = None
    if progress is not None:

        def told(ticks: int) -> None:
            progress(Progress(ticks, lambda: host.so_far(engine, ticks)))

    quiet = QuietTicks(rate_hz, realtime=realtime, who=f"system {host.spec.name!r}")

    def up() -> Failure | None:
        host.configure()
        if not host.is_stopped:
            host.activate()
        if host.is_stopped:
            host.end_at_once()
            return None
        host.realtime = quiet.begin()
        return host.run(iterations, rate_hz=rate_hz, progress=told, idle=quiet.idle)

    leaving: BaseException | None = None
    failed_before = 0
    with unwatched(), stop.calling(host.stop), closing(quiet):
        for step in (up, host.deactivate, host.shutdown):
            try:
                host.note(step())
            except Failed as failed:
                if _is_unwanted(failed.failure):
                    host.end_at_once(failed.failure)
                else:
                    host.note(failed.failure)
                    host.fail()
            except BaseException as error:  # noqa: BLE001 - raised below
                if leaving is None:
                    leaving, failed_before = error, len(host.failures)
            if watch is not None:
                watch.ending()
                watch.park()
    if watch is not None and watch.is_hurried and leaving is None:
        leaving, failed_before = KeyboardInterrupt(), len(host.failures)
    # What failed first is not lost where a later hook had to be interrupted.
    is_interrupt = isinstance(leaving, KeyboardInterrupt) and failed_before
    if host.failures and (leaving is None or is_interrupt):
        raise error_of(host, engine, stop)
    if leaving is not None:
        raise leaving
    return _report(host, engine, stop)


def _is_unwanted(failure: Failure) -> bool:
    """Say whether nothing is wrong: a stop has interrupted a hook of the start."""
    return isinstance(failure.error, HungComponent) and failure.phase in STARTING


def give_up(
    host: SingleHost, engine: str, stop: StopSignal, hung: Failure, grace_s: float
) -> ComponentError:
    """Take down all components but one that does not return, from another thread.

    Args:
        host: What runs.
        engine: The engine's name, for the report.
        stop: What was to end the run.
        hung: The component that does not return.
        grace_s: How long all of the others may take [s].

    Returns:
        The error, with the report.
    """
    host.abandon(hung)
    take_down(host, grace_s)
    return error_of(host, engine, stop)


def take_down(host: SingleHost, grace_s: float) -> None:
    """Deactivate and shut down all that are left, from another thread than the run's.

    Args:
        host: What runs. Each hook that does not return is noted, and left.
        grace_s: How long each hook may take [s].
    """
    host.is_abandoned = True
    for step in (host.deactivate, host.shutdown):
        while (hung := _take_step(host, step, grace_s)) is not None:
            text = f"it did not return within stop_grace_s={grace_s:g}"
            host.note(Failure(hung.name, hung.phase, None, HungComponent(text)))


def _take_step(
    host: SingleHost, step: Callable[[], Failure | None], grace_s: float
) -> Activity | None:
    """Call the hooks of one phase; return the one that did not return, if one did not.

    Args:
        host: What runs.
        step: `deactivate` or `shutdown` of it.
        grace_s: How long each hook may take [s].
    """
    thread = threading.Thread(target=lambda: host.note(step()), daemon=True)
    thread.start()
    last, since = None, time.monotonic()
    while thread.is_alive():
        thread.join(_LOOK_S)
        now = host.doing(None)
        if now is not last:
            last, since = now, time.monotonic()
        elif time.monotonic() > since + grace_s:
            return now or Activity("", step.__name__)
    return None


def _report(host: SingleHost, engine: str, stop: StopSignal) -> RunReport:
    report = host.report(engine)
    if report.ended_by == "stop":
        report = replace(report, ended_by=stop.reason)
        if stop.reason != "stop" and (sentence := host.waited_for()):
            report = replace(report, waited_for=(sentence,))
    return report


def error_of(host: SingleHost, engine: str, stop: StopSignal) -> ComponentError:
    """Return the error to raise for what was raised first; the rest came afterwards.

    Args:
        host: What has run; something has failed.
        engine: The engine's name, for the report.
        stop: What may have ended the run.
    """
    first, *others = host.failures
    later = [
        f"{item.name!r} failed in {item.phase}: {exception_text(item.error, repr)}"
        for item in others
    ]
    names = [item.name for item in host.spec.components]
    node = host.spec.component(first.name).node if first.name in names else ""
    return _error_of(first, node, _report(host, engine, stop), later)


def _error_of(
    failure: Failure, node: str, report: RunReport, later: Sequence[str]
) -> ComponentError:
    """Return the error to raise for a failure, chained to its cause."""
    error = failure.error
    when = "" if failure.tick is None else f" at tick {failure.tick}"
    if hasattr(error, "add_note"):
        where = f"while it ran as {failure.name!r} on node {node!r}"
        # An exception may refuse every attribute, as a frozen dataclass does.
        with suppress(Exception):
            error.add_note(f"{where}{when}, in {failure.phase}")
    wrapped = ComponentError(
        failure.name,
        node,
        failure.phase,
        failure.tick,
        text_of(error, failure.phase, failure.began),
        traceback_of(error),
        report,
        place_of(error),
        later,
    )
    wrapped.__cause__ = error
    return wrapped
