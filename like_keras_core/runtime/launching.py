"""A launch around its engine: checked, compiled, run, and traced if that is wanted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from like_keras_core.authoring.launch_args import OutputAddresses
from like_keras_core.authoring.lowering import lowered_once
from like_keras_core.authoring.validation import (
    choose_engine,
    issues_on,
    refuse_errors,
)
from like_keras_core.errors import (
    CapabilityError,
    ComponentError,
    GraphError,
    LaunchTimeoutError,
    LkError,
    LkWarning,
    PluginError,
)
from like_keras_core.graph.choices import Choices, strangers
from like_keras_core.issue import Issue
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.plugins.session import Session
from like_keras_core.runtime.forced_exit import before_forced_exit
from like_keras_core.runtime.os_resources.build_folder import writing_into
from like_keras_core.runtime.tracebacks import users_frames, users_level
from like_keras_core.spec import SystemSpec, default_build_dir

if TYPE_CHECKING:
    from like_keras_core.authoring.composition import Composition
    from like_keras_core.authoring.lowering import Lowered
    from like_keras_core.engine import Artefact
    from like_keras_core.launch_options import LaunchOptions
    from like_keras_core.report import RunReport


def compile_for(
    lowered: Lowered, engine: str | None, build_dir: Path | None
) -> Path | None:
    """Write what an engine needs to run a system, and return the main file.

    Args:
        lowered: The system.
        engine: An engine's name; None is the nodes' own.
        build_dir: Where to; None is the engine's own folder.

    Raises:
        GraphError: The system has errors.
        EngineError: The engine is missing, unusable, or cannot do it.
    """
    session = Session(get_engine(choose_engine(lowered.spec, engine)))
    _check(session, lowered)
    return _compile(session, lowered, build_dir).path


def launch(
    system: Composition,
    engine: str | None,
    options: LaunchOptions,
    engine_options: Mapping[str, Any],
) -> RunReport:
    """Run a system to its end, and trace it if the options say so.

    Args:
        system: The live system; it is lowered once.
        engine: An engine's name; None is the nodes' own.
        options: Those of every launch.
        engine_options: What the engine itself takes, and `stop`.

    Raises:
        GraphError: The system has errors; nothing ran.
        EngineError: The engine is missing, unusable, or cannot do it.
        ComponentError: A component raised; it carries the report.
        LaunchTimeoutError: The time was over; it carries the report.
        KeyboardInterrupt: A second signal came.
    """
    with lowered_once(system, options.rate_hz) as lowered:
        try:
            options = options.in_ticks(lowered.spec.rate_hz)
            if options.trace_to is None:
                return _run(system, lowered, engine, options, engine_options)
            return _trace(system, lowered, engine, options, engine_options)
        except KeyboardInterrupt as error:
            raise error.with_traceback(users_frames(error.__traceback__)) from None


def _run(
    system: Composition,
    lowered: Lowered,
    engine: str | None,
    options: LaunchOptions,
    engine_options: Mapping[str, Any],
) -> RunReport:
    session = Session(get_engine(choose_engine(lowered.spec, engine)))
    addresses = OutputAddresses(lowered)
    options = replace(
        options,
        record=addresses.recorded(options.record),
        taps=addresses.tapped(options.taps),
    )
    _need(session, "rate", "rate_hz", options.rate_hz)
    _need(session, "record", "record", options.record)
    _need(session, "record", "taps", options.taps)
    _need(session, "late", "late", options.late == "skip")
    _need(session, "late", "choices", options.choices)
    _check(session, lowered)
    _check_late(lowered.spec, options)
    given = options.build_dir
    folder = None if given is None else Path(given)
    artefact = _compile(session, lowered, folder)
    known: dict[str, Any] = {"spec": lowered.spec, "params": dict(system._lk_params)}
    for_engine = {**options.for_engine(), **engine_options}
    try:
        with writing_into(folder or default_build_dir(session.engine.name), run=True):
            report = session.launch(system, artefact, for_engine)
    except (ComponentError, LaunchTimeoutError, PluginError) as error:
        if error.report is not None:
            error.report = replace(error.report, **known)
        raise
    return replace(report, **known)


def _trace(
    system: Composition,
    lowered: Lowered,
    engine: str | None,
    options: LaunchOptions,
    engine_options: Mapping[str, Any],
) -> RunReport:
    """Run, and write what it was like, also if it fails."""
    from like_keras_core.runtime.perfetto import write_trace
    from like_keras_core.runtime.trace import gathering

    path = Path(str(options.trace_to))
    if not path.parent.is_dir():
        text = f"There is no folder {str(path.parent)!r} to write a trace into."
        raise FileNotFoundError(text)
    with gathering() as found:

        def write(error: LkError | None = None) -> None:
            if found.processes:
                try:
                    write_trace(lowered.spec, found, path)
                except OSError as problem:
                    text = f"The trace {str(path)!r} is not whole: {problem.strerror}."
                    warnings.warn(text, LkWarning, stacklevel=users_level())

        try:
            with before_forced_exit(write):
                report = _run(system, lowered, engine, options, engine_options)
        finally:
            write()
    if not found.processes:
        text = f"Engine {report.engine!r} keeps no trace; {path} was not written."
        warnings.warn(text, LkWarning, stacklevel=users_level())
    return report


def _compile(session: Session, lowered: Lowered, build_dir: Path | None) -> Artefact:
    """Have an engine write what it needs; say where, if it cannot."""
    with writing_into(build_dir or default_build_dir(session.engine.name)):
        return session.compile(lowered.spec, build_dir)


def _check(session: Session, lowered: Lowered) -> None:
    """Warn of what may go wrong and refuse what will."""
    issues = issues_on(session, lowered)
    for issue in issues:
        if issue.severity == "warning":
            warnings.warn(str(issue), LkWarning, stacklevel=users_level())
    refuse_errors(issues, lowered.spec, session)


def _check_late(spec: SystemSpec, options: LaunchOptions) -> None:
    """Refuse to skip without a clock, and choices of another system."""
    issues = []
    if (options.late or spec.late) == "skip" and not (options.rate_hz or spec.rate_hz):
        issues.append(
            Issue(
                "late='skip' needs a rate: without one nothing is ever late. Give the "
                "system one, System(..., rate_hz=100), or the launch: rate_hz=100, or "
                "--rate-hz 100.",
                code="late",
                address=spec.name,
            )
        )
    if isinstance(options.choices, Choices):
        components = {item.name for item in spec.components}
        issues += [
            Issue(
                f"The choices are of another system: they name {name!r}, which "
                f"{spec.name!r} does not have. choices= repeats a run of the same "
                "components and connections.",
                code="choices",
                address=name,
            )
            for name in strangers(options.choices, components, spec.inputs())
        ]
    if issues:
        raise GraphError(issues, spec.name)


def _need(session: Session, capability: str, option: str, value: Any) -> None:
    if value and capability not in session.engine.capabilities:
        raise CapabilityError(session.engine.name, capability, f"launch({option}=...)")
