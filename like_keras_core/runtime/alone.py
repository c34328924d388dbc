"""A whole run of one host, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from like_keras_core.assignments import unwatched
from like_keras_core.report import RunReport
from like_keras_core.runtime.failure import Failed, Failure
from like_keras_core.runtime.host import Host
from like_keras_core.runtime.stop import StopSignal


def run_alone(
    host: Host,
    engine: str,
    iterations: int | None,
    *,
    rate_hz: float | None = None,
    stop: StopSignal,
    progress: Callable[[int], object] | None = None,
) -> RunReport:
    """Take a host through a whole run in this process, from configure to shutdown.

    Raises:
        ComponentError: A component raised; it carries the report.
    """
    failures: list[Failure | None] = []
    with unwatched(), stop.calling(host.stop):
        try:
            host.configure()
            host.activate()
            failures.append(host.run(iterations, rate_hz=rate_hz, progress=progress))
        except Failed as failed:
            failures.append(failed.failure)
            host.ended_by = "error"
        finally:
            try:
                failures.append(host.deactivate())
            finally:
                failures.append(host.shutdown())
    report = host.report(engine)
    if report.ended_by == "stop":
        report = replace(report, ended_by=stop.reason)
    found = [failure for failure in failures if failure is not None]
    if not found:
        return report
    later = [
        f"{item.name!r} failed in {item.phase}: {item.error!r}" for item in found[1:]
    ]
    raise host.error(found[0], report, later)
