"""Keras for robotics: plain Python components, one system, any engine."""

from __future__ import annotations

# Importing typing would double the time that `lk --version` takes.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from like_keras_core.component import Component
    from like_keras_core.engine import Artefact, Engine
    from like_keras_core.errors import (
        CapabilityError,
        ComponentError,
        EndOfStream,
        EngineBrokenError,
        EngineContractError,
        EngineError,
        EngineNotFoundError,
        EngineOptionError,
        GraphError,
        HostLostError,
        LaunchTimeoutError,
        LkError,
        LkWarning,
        LoadError,
        MixedEnginesError,
        NotAllowedError,
        NotSerializableError,
        OutputError,
        PluginError,
        SpecError,
        SpecVersionError,
        ValueMutationError,
        VersionMismatchError,
    )
    from like_keras_core.hookspecs import hookimpl
    from like_keras_core.issue import Issue
    from like_keras_core.lifecycle import LifecycleState
    from like_keras_core.node import Node
    from like_keras_core.plugins.engine_registry import (
        get_engine,
        list_engines,
        register_engine,
    )
    from like_keras_core.port import InputPort, OutputPort
    from like_keras_core.report import RunReport
    from like_keras_core.spec import SystemSpec, as_spec
    from like_keras_core.system import System
    from like_keras_core.tap import Tap
    from like_keras_core.values.registry import register_type

_HOMES = {
    "Artefact": "engine",
    "CapabilityError": "errors",
    "Component": "component",
    "ComponentError": "errors",
    "EndOfStream": "errors",
    "Engine": "engine",
    "EngineBrokenError": "errors",
    "EngineContractError": "errors",
    "EngineError": "errors",
    "EngineNotFoundError": "errors",
    "EngineOptionError": "errors",
    "GraphError": "errors",
    "HostLostError": "errors",
    "InputPort": "port",
    "Issue": "issue",
    "LaunchTimeoutError": "errors",
    "LifecycleState": "lifecycle",
    "LkError": "errors",
    "LkWarning": "errors",
    "LoadError": "errors",
    "MixedEnginesError": "errors",
    "Node": "node",
    "NotAllowedError": "errors",
    "NotSerializableError": "errors",
    "OutputError": "errors",
    "OutputPort": "port",
    "PluginError": "errors",
    "RunReport": "report",
    "SpecError": "errors",
    "SpecVersionError": "errors",
    "System": "system",
    "SystemSpec": "spec",
    "Tap": "tap",
    "ValueMutationError": "errors",
    "VersionMismatchError": "errors",
    "as_spec": "spec",
    "get_engine": "plugins.engine_registry",
    "hookimpl": "hookspecs",
    "list_engines": "plugins.engine_registry",
    "register_engine": "plugins.engine_registry",
    "register_type": "values.registry",
}

__all__ = [
    "Artefact",
    "CapabilityError",
    "Component",
    "ComponentError",
    "EndOfStream",
    "Engine",
    "EngineBrokenError",
    "EngineContractError",
    "EngineError",
    "EngineNotFoundError",
    "EngineOptionError",
    "GraphError",
    "HostLostError",
    "InputPort",
    "Issue",
    "LaunchTimeoutError",
    "LifecycleState",
    "LkError",
    "LkWarning",
    "LoadError",
    "MixedEnginesError",
    "Node",
    "NotAllowedError",
    "NotSerializableError",
    "OutputError",
    "OutputPort",
    "PluginError",
    "RunReport",
    "SpecError",
    "SpecVersionError",
    "System",
    "SystemSpec",
    "Tap",
    "ValueMutationError",
    "VersionMismatchError",
    "as_spec",
    "get_engine",
    "hookimpl",
    "list_engines",
    "register_engine",
    "register_type",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        try:
            module = import_module(f"like_keras_core.{_HOMES[name]}")
        except (ImportError, AttributeError) as error:
            from like_keras_core.plugins.clashing_files import clash_hint

            if hint := clash_hint():
                raise ImportError(f"{error}. {hint}") from error
            raise
        value = getattr(module, name)
    elif name == "testing":
        value = import_module("like_keras_core.testing")
    elif name == "__version__":
        from like_keras_core.plugins.metadata import core_version

        value = core_version()
    else:
        from like_keras_core.errors import nearest

        near = nearest(name, __all__)
        hint = f". Did you mean {near!r}?" if near and not name.startswith("_") else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "testing"])
