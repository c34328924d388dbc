"""What engines refuse for the same reasons, in the same words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from like_keras_core.errors import CapabilityError, EngineOptionError, GraphError
from like_keras_core.issue import Issue, errors_in
from like_keras_core.spec import NodeSpec

_RESTART = "restart"


def unknown_options(
    engine: str, unknown: Sequence[str], known: Sequence[str], where: str, address: str
) -> Issue:
    """Return the issue of options of a node or port that an engine does not know.

    Args:
        engine: The engine's name.
        unknown: What was given.
        known: What it knows there.
        where: The node or port, for people: `"node 'jetson'"`.
        address: Its address.
    """
    text = str(EngineOptionError(engine, unknown, known, where))
    return Issue(text, code="option", address=address)


def node_option_issues(
    engine: str, node: NodeSpec, known: Sequence[str], restarting: Collection[str]
) -> list[Issue]:
    """List the options of a node that ask for restarts, or that are unknown.

    Args:
        engine: The engine's name.
        node: The node.
        known: The options that the engine follows.
        restarting: The runtime's names for starting a process again after a failure:
            refused until a component's state can be restored.
    """
    where = f"node {node.name!r}"
    issues = []
    wanted = [name for name in node.options if name in restarting]
    if wanted:
        refused = CapabilityError(engine, _RESTART, f"{wanted[0]!r} on {where}")
        issues.append(
            Issue(
                f"{refused} A process that was restarted has lost the state of its "
                "components, so its results would be others. Leave it out, and start "
                "the system again.",
                code="capability",
                address=node.name,
            )
        )
    unknown = [x for x in node.options if x not in known and x not in restarting]
    if unknown:
        issues.append(unknown_options(engine, unknown, known, where, node.name))
    return issues


def refuse_errors(engine: str, system: str, issues: list[Issue]) -> None:
    """Refuse to go on where there are errors among an engine's issues.

    Args:
        engine: The engine's name.
        system: The system's name.
        issues: What the engine has found; warnings are left alone.

    Raises:
        CapabilityError: All of them are about restarts.
        GraphError: There are errors.
    """
    errors = errors_in(issues)
    if errors and all(issue.code == "capability" for issue in errors):
        raise CapabilityError(engine, _RESTART, errors[0].address, str(errors[0]))
    if errors:
        raise GraphError(errors, system)
