"""A whole run of one host, in this process."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

from like_keras_core.authoring.attribute_watch import unwatched
from like_keras_core.errors import ComponentError
from like_keras_core.report import Progress, RunReport
from like_keras_core.runtime.failure import Failed, Failure
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.trace import Trace, gathered
from like_keras_core.runtime.tracebacks import place_of, text_of


def run_alone(
    host: SingleHost,
    engine: str,
    iterations: int | None,
    *,
    rate_hz: float | None = None,
    stop: StopSignal,
    progress: Callable[[int], object] | None = None,
) -> RunReport:
    """Take a host through a whole run in this process, from configure to shutdown.

    Args:
        host: What runs; it has run nothing yet.
        engine: The engine's name, for the report.
        iterations: How many ticks; None until something ends the run.
        rate_hz: Ticks per second; None is as fast as possible.
        stop: Ends the run after the tick that has begun.
        progress: Called with the number of ticks done, now and then.

    Raises:
        ComponentError: A component raised; it carries the report.
    """
    failures: list[Failure | None] = []
    if (traces := gathered()) is not None:
        host.trace = traces.processes[host.spec.name] = Trace()
    told = None
    if progress is not None:

        def told(ticks: int) -> None:
            progress(Progress(ticks, lambda: host.so_far(engine, ticks)))

    with unwatched(), stop.calling(host.stop):
        try:
            host.configure()
            host.activate()
            failures.append(host.run(iterations, rate_hz=rate_hz, progress=told))
        except Failed as failed:
            failures.append(failed.failure)
            host.fail()
        finally:
            try:
                failures.append(host.deactivate())
            finally:
                failures.append(host.shutdown())
    report = host.report(engine)
    if report.ended_by == "stop":
        report = replace(report, ended_by=stop.reason)
        if stop.reason != "stop" and (sentence := host.waited_for()):
            report = replace(report, waited_for=(sentence,))
    found = [failure for failure in failures if failure is not None]
    if not found:
        return report
    later = [
        f"{item.name!r} failed in {item.phase}: {item.error!r}" for item in found[1:]
    ]
    raise _error_of(found[0], host.spec.component(found[0].name).node, report, later)


def _error_of(
    failure: Failure, node: str, report: RunReport, later: Sequence[str]
) -> ComponentError:
    """Return the error to raise for a failure, chained to its cause."""
    error = failure.error
    when = "" if failure.tick is None else f" at tick {failure.tick}"
    if hasattr(error, "add_note"):
        where = f"while it ran as {failure.name!r} on node {node!r}"
        error.add_note(f"{where}{when}, in {failure.phase}")
    wrapped = ComponentError(
        failure.name,
        node,
        failure.phase,
        failure.tick,
        text_of(error, failure.phase),
        "".join(traceback.format_exception(error)),
        report,
        place_of(error),
        later,
    )
    wrapped.__cause__ = error
    return wrapped
