"""What a node's process begins with: what it says of itself, and its components."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import ComponentError
from like_keras_core.runtime.control.message import ProtocolError
from like_keras_core.runtime.control.payloads import failure_of, failures_of
from like_keras_core.runtime.control.protocol import Build, Hello
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.failure import Failed, HungComponent, ReportedFailure
from like_keras_core.runtime.host.quiet_ticks import QuietTicks
from like_keras_core.runtime.loader import build


def introduction(plan: RunPlan, node: str, endpoint: str) -> Hello:
    """Return what a process says first of all.

    Args:
        plan: The run.
        node: The node that runs here.
        endpoint: Where its transport listens.
    """
    return Hello(
        node=node,
        pid=os.getpid(),
        machine=platform.node(),
        python=platform.python_version(),
        endpoint=endpoint,
        system=plan.digest,
        versions=dict(plan.versions),
    )


def received_options(build: Build) -> RunOptions:
    """Return the options that the launcher has sent.

    Args:
        build: Its message.

    Raises:
        ProtocolError: They do not fit.
    """
    try:
        return RunOptions.from_dict(build.options)
    except (KeyError, TypeError) as error:
        problem = f"has a wrong field: options does not fit ({error!r})"
        raise ProtocolError(build.verb, problem) from None


def build_node(
    plan: RunPlan, node: str, folders: Sequence[Path]
) -> tuple[dict[str, Component], tuple[ReportedFailure, ...]]:
    """Build the components of a node.

    Args:
        plan: The run.
        node: The node.
        folders: Where scripts are looked for.

    Returns:
        The components by address, and all that failed.
    """
    components: dict[str, Component] = {}
    failures: list[ReportedFailure] = []
    for item in plan.spec.components:
        if item.node != node:
            continue
        try:
            made = build(plan.configure(item), plan.spec, folders=folders)
            components[item.name] = made
        except ComponentError as error:
            cause = error.__cause__ or error
            failures.append(failure_of(item.name, "__init__", cause))
        except Exception as error:  # noqa: BLE001 - reported to the launcher
            failures.append(failure_of(item.name, "__init__", error))
    return components, tuple(failures)


def entered(phase: Callable[[], None]) -> tuple[ReportedFailure, ...]:
    """Call the hooks of a phase on the way up; return what failed.

    Args:
        phase: `configure` or `activate` of a host.
    """
    try:
        phase()
    except Failed as failed:
        if isinstance(failed.failure.error, HungComponent):
            return ()  # Nothing is wrong: somebody did not want to wait.
        return failures_of(failed.failure)
    return ()


def quiet_ticks(plan: RunPlan, node: str, options: RunOptions) -> QuietTicks:
    """Return what keeps the ticks of a node quiet.

    Args:
        plan: The run.
        node: The node that runs here.
        options: What the launcher has said.
    """
    here = [x for x in plan.machines if plan.machines[x] == plan.machines[node]]
    return QuietTicks(
        options.rate_hz,
        realtime=options.realtime,
        who=f"node {node!r}",
        number=here.index(node),
    )


def pace(plan: RunPlan, options: RunOptions) -> dict[str, Any]:
    """Return how many ticks per second a host counts, and what counts them.

    Args:
        plan: The run.
        options: What the launcher has said.
    """
    rate_hz, made = options.rate_hz, None
    if rate_hz and plan.pacer is not None:
        made = plan.pacer(rate_hz)
    return {"rate_hz": rate_hz, "pacer": made}
