"""Everything that is wrong with a lowered system, alone and on an engine."""

from __future__ import annotations

from like_keras_core.authoring.lowering import LOST, REBUILT, UNFED, Lowered
from like_keras_core.engine import Engine
from like_keras_core.errors import CapabilityError, GraphError, MixedEnginesError
from like_keras_core.graph.checks import check
from like_keras_core.graph.requirements import needs
from like_keras_core.issue import Issue, errors_in
from like_keras_core.plugins.clashing_files import clash_issues
from like_keras_core.plugins.engine_registry import get_engine, list_engines
from like_keras_core.plugins.session import (
    Session,
    missing_capabilities,
    session_without_engine,
)
from like_keras_core.spec import SystemSpec

DEFAULT_ENGINE = "native"

_BEFORE_CHECKS = frozenset(
    {"not-a-component", "recursion", "same-component", "duplicate-name"}
)
"""Codes of errors that leave a spec which says too little to be checked."""


def choose_engine(spec: SystemSpec, engine: str | None) -> str:
    """Return the engine that is asked for, else the only one that nodes name.

    Raises:
        MixedEnginesError: The nodes name several.
    """
    if engine is not None:
        return engine
    named: dict[str, list[str]] = {}
    for node in spec.nodes:
        if node.engine is not None:
            named.setdefault(node.engine, []).append(node.name)
    if len(named) > 1:
        raise MixedEnginesError(named)
    return next(iter(named), DEFAULT_ENGINE)


def validate(lowered: Lowered, engine: str | None) -> list[Issue]:
    """List everything that is wrong, also where no engine can be asked.

    Args:
        lowered: The system.
        engine: Whom to ask; None is the nodes' own engine, if there is one.

    Raises:
        EngineNotFoundError: There is no such engine.
    """
    try:
        name = choose_engine(lowered.spec, engine)
    except MixedEnginesError as error:
        issues = _issues_without_engine(lowered, in_process=False)
        return [*issues, Issue(str(error), code="mixed-engines")]
    if engine is None and name == DEFAULT_ENGINE and name not in list_engines():
        return _issues_without_engine(lowered, in_process=True)
    return issues_on(Session(get_engine(name)), lowered)


def issues_of(lowered: Lowered, *, in_process: bool) -> list[Issue]:
    """List what is wrong with a system whatever its engine.

    Args:
        lowered: The system.
        in_process: Whether its own components run, so that none is made again.
    """
    issues = []
    for issue in lowered.issues:
        if in_process and issue.code in REBUILT:
            if issue.code in LOST:
                issues.append(issue.as_warning())
            continue
        issues.append(issue)
    if not _BEFORE_CHECKS.isdisjoint(issue.code for issue in errors_in(issues)):
        return issues
    explained = {issue.address for issue in issues if issue.code in UNFED}
    return issues + [
        issue
        for issue in check(lowered.spec)
        if issue.code != "unfed-input" or issue.address not in explained
    ]


def _issues_without_engine(lowered: Lowered, *, in_process: bool) -> list[Issue]:
    """List what is wrong whatever the engine; plug-ins are asked if it is sound."""
    issues = issues_of(lowered, in_process=in_process)
    issues += clash_issues((), in_process=in_process)
    if errors_in(issues):
        return issues
    return issues + session_without_engine().validate(lowered.spec)


def issues_on(session: Session, lowered: Lowered) -> list[Issue]:
    """List what is wrong with a system; the engine is asked if it is sound."""
    in_process = "multi-process" not in session.engine.capabilities
    issues = issues_of(lowered, in_process=in_process)
    modules = getattr(session.engine, "modules", ())
    issues += clash_issues(modules, in_process=in_process)
    if errors_in(issues):
        return issues
    issues += missing_capabilities(session.engine, needs(lowered.spec))
    return issues + session.validate(lowered.spec)


def refuse_errors(issues: list[Issue], spec: SystemSpec, session: Session) -> None:
    """Raise if a system has errors.

    Args:
        issues: What `issues_on` found.
        spec: The system.
        session: The engine.

    Raises:
        GraphError: There are errors.
        CapabilityError: The engine cannot do what the system needs; else it is sound.
    """
    errors = errors_in(issues)
    if any(issue.code != "capability" for issue in errors):
        raise GraphError(errors, spec.name)
    if errors:
        raise _lack(session.engine, spec, errors[0])


def _lack(engine: Engine, spec: SystemSpec, issue: Issue) -> CapabilityError:
    """Return the error for the first capability that an engine lacks."""
    for need in needs(spec):
        if need.name not in engine.capabilities:
            return CapabilityError(engine.name, need.name, need.what)
    return CapabilityError(engine.name, issue.address, issue.address, str(issue))
