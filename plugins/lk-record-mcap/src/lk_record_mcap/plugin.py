"""`launch(record_to=...)`: options taken off a launch, and what is done around it.

Loaded at every launch, so that what is heavy is imported when a run is recorded.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from like_keras_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from like_keras_core.engine import Artefact
    from like_keras_core.report import RunReport
    from like_keras_core.spec import HasSpec, SystemSpec

OPTIONS = ("record_to", "record_ports", "record_compression")


@hookimpl(wrapper=True)
def launch(
    system: HasSpec | SystemSpec, artefact: Artefact, options: dict[str, Any]
) -> Generator[None, RunReport, RunReport]:
    """Record the launch if it has the option `record_to`."""
    given = {name: options.pop(name) for name in OPTIONS if name in options}
    if not given:
        return (yield)
    from like_keras_core.engine_kit import before_forced_exit
    from lk_record_mcap.launch_options import recorder_for

    recorder = recorder_for(system, artefact.engine, options, **given)
    options["taps"] = [*options.get("taps", ()), *recorder.taps()]
    try:
        with before_forced_exit(recorder.give_up):
            report = yield
    except BaseException as error:
        recorder.give_up(error)
        raise
    recorder.finish_or_warn(report)
    return report
