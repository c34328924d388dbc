"""One set of plug-ins for each chosen engine: the always-on ones, then the engine.

A plug-in that is always on and broken is left out with a warning that names it; an
engine that is broken is an error. pluggy is imported when there is something to ask.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from like_keras_core.engine import Artefact, Engine
from like_keras_core.errors import EngineContractError, LkError, LkWarning
from like_keras_core.graph.requirements import Capability
from like_keras_core.issue import Issue
from like_keras_core.plugins.clashing_files import clash_hint
from like_keras_core.plugins.discovery import (
    PLUGINS_DISABLE,
    PluginEntry,
    find_plugins,
    load,
)
from like_keras_core.plugins.plugin_guard import guard, is_wrapper
from like_keras_core.report import RunReport
from like_keras_core.spec import ComponentSpec, HasSpec, SystemSpec, as_spec

if TYPE_CHECKING:
    from pathlib import Path

    from pluggy import PluginManager

_ONLY_WRAPPED = ("compile", "launch")


class _Hooks(Protocol):
    """The hooks as typed calls; pluggy's own are untyped."""

    def validate(self, *, system: SystemSpec) -> list[list[Issue]]: ...

    def compile(self, *, system: SystemSpec, build_dir: Path | None) -> object: ...

    def launch(
        self,
        *,
        system: HasSpec | SystemSpec,
        artefact: Artefact,
        options: dict[str, Any],
    ) -> object: ...

    def serialize_component(self, *, component: object) -> object: ...


class AlwaysOn:
    """The installed plug-ins that take part whatever the engine."""

    def __init__(self) -> None:
        self._manager = _open_manager()

    @property
    def _hooks(self) -> _Hooks | None:
        return None if self._manager is None else cast("_Hooks", self._manager.hook)

    def validate(self, system: HasSpec | SystemSpec) -> list[Issue]:
        """List what is wrong with a system, each issue with the plug-in's name."""
        if self._hooks is None:
            return []
        found = self._hooks.validate(system=as_spec(system))
        return [issue for issues in found for issue in issues]

    def serialize_component(self, component: object) -> ComponentSpec | None:
        """Ask how a component is rebuilt; None leaves it to its captured arguments."""
        if self._hooks is None:
            return None
        answer = self._hooks.serialize_component(component=component)
        if answer is None or isinstance(answer, ComponentSpec):
            return answer
        raise self._breach("serialize_component", "a ComponentSpec or None", answer)

    def _breach(self, hook: str, expected: str, found: object) -> EngineContractError:
        """Return the error for a wrong outcome of a hook that plug-ins wrap."""
        impls = getattr(cast("PluginManager", self._manager).hook, hook).get_hookimpls()
        names = [repr(impl.plugin_name) for impl in impls if is_wrapper(impl)]
        who = f"One of the plug-ins that wrap it ({', '.join(names) or 'none'})"
        return EngineContractError.wrong_answer(who, hook, expected, found)


class Session(AlwaysOn):
    """One engine with the always-on plug-ins around it.

    Args:
        engine: The chosen engine.

    Raises:
        EngineContractError: A method of the engine has a wrong signature.
    """

    def __init__(self, engine: Engine) -> None:
        from like_keras_core.plugins.engine_adapter import EngineHooks

        self.engine = engine
        hooks = EngineHooks(engine)
        super().__init__()
        self._manager = self._manager or _new_manager()
        self._manager.register(hooks, name=f"engine:{engine.name}")
        self._manager.check_pending()

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Artefact:
        """Have the engine write what it needs; below `build_dir` if one is given."""
        hooks = cast("_Hooks", self._hooks)
        artefact = hooks.compile(system=as_spec(system), build_dir=build_dir)
        if isinstance(artefact, Artefact):
            return artefact
        raise self._breach("compile", "an Artefact", artefact)

    def launch(
        self,
        system: HasSpec | SystemSpec,
        artefact: Artefact,
        options: Mapping[str, Any],
    ) -> RunReport:
        """Have the engine run a system from its artefact.

        Args:
            system: What runs, live or as a spec.
            artefact: What `compile` returned for it.
            options: Those of the launch.
        """
        hooks = cast("_Hooks", self._hooks)
        report = hooks.launch(system=system, artefact=artefact, options=dict(options))
        if isinstance(report, RunReport):
            return report
        raise self._breach("launch", "a RunReport", report)


def session_without_engine() -> AlwaysOn:
    """Return the always-on plug-ins alone, as lowering asks them."""
    return AlwaysOn()


def missing_capabilities(engine: Engine, needs: Iterable[Capability]) -> list[Issue]:
    """Name each need of a system that an engine does not declare."""
    return [
        need.missing_from(engine.name)
        for need in needs
        if need.name not in engine.capabilities
    ]


def load_plugin(record: PluginEntry) -> object:
    """Import one always-on plug-in and check that it fits the hooks.

    Raises:
        LkError: It cannot be used; the text says why.
    """
    if record.status != "ok":
        raise LkError(f"{record.status}: {record.reason}")
    plugin = load(record)
    if isinstance(plugin, type):
        plugin = plugin()
    from pluggy import PluginValidationError

    trial = _new_manager()
    try:
        trial.register(plugin, name=record.name)
        trial.check_pending()
    except PluginValidationError as error:
        raise LkError(f"its hooks do not fit: {error}") from error
    for hook in trial.get_hookcallers(plugin) or ():
        for impl in hook.get_hookimpls():
            if hook.name in _ONLY_WRAPPED and not is_wrapper(impl):
                raise LkError(
                    f"it answers {hook.name!r}, which only the engine does; others "
                    "may wrap it: @hookimpl(wrapper=True)"
                )
    return plugin


def _open_manager() -> PluginManager | None:
    """Return a manager with every usable plug-in; None where there is none."""
    manager: PluginManager | None = None
    for record in find_plugins():
        if record.status in ("disabled", "shadowed"):
            continue
        try:
            plugin = load_plugin(record)
            manager = manager or _new_manager()
            manager.register(plugin, name=record.name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger's code
            text = str(error) if isinstance(error, LkError) else f"it raised {error!r}"
            text = f"{text} {clash_hint()}".rstrip()
            warnings.warn(
                f"Plug-in {record.name!r} ({record.origin}) is left out: {text} "
                f"To silence this, set {PLUGINS_DISABLE}={record.name}",
                LkWarning,
                stacklevel=4,
            )
            continue
        for hook in manager.get_hookcallers(plugin) or ():
            for impl in hook.get_hookimpls():
                if impl.plugin is plugin:
                    guard(impl, hook.name, record)
    return manager


def _new_manager() -> PluginManager:
    from pluggy import PluginManager

    from like_keras_core import hookspecs

    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager
