"""The four hooks that plug-ins may answer, and the markers to answer them with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from like_keras_core.engine import Artefact
    from like_keras_core.issue import Issue
    from like_keras_core.report import RunReport
    from like_keras_core.spec import ComponentSpec, HasSpec, SystemSpec

PROJECT = "like_keras_core"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def validate(system: SystemSpec) -> list[Issue]:  # type: ignore[empty-body]
    """List what is wrong with `system`.

    Called before every compile and launch, after the core's own checks. All issues
    are collected. Change nothing and write nothing.
    """


@hookspec(firstresult=True)
def compile(system: SystemSpec, build_dir: Path | None) -> Artefact:  # type: ignore[empty-body]
    """Write what the engine needs to run `system`.

    Called once per compile or launch, after every issue was collected. Write below
    `build_dir` only; None is the engine's own folder. The artefact's path is None
    when there is nothing to write. Plug-ins other than the engine only wrap it.
    """


@hookspec(firstresult=True)
def launch(  # type: ignore[empty-body]
    system: HasSpec | SystemSpec, artefact: Artefact, options: dict[str, Any]
) -> RunReport:
    """Run `system` from its artefact to the end, and say what happened.

    Called once per launch. Plug-ins other than the engine only wrap it.

    Args:
        system: What to run.
        artefact: What `compile` returned for it.
        options: The keywords of the launch, by name.
    """


@hookspec(firstresult=True)
def serialize_component(component: Any) -> ComponentSpec | None:
    """Say which entry point and config rebuild a live component.

    Called once per component when a system is lowered. Only `entry_point` and
    `config` of the answer count. Return None to leave it to the next one.
    """
