"""What tests of components and engines need; pytest is imported when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from like_keras_core.values.semantics import same

if TYPE_CHECKING:
    from like_keras_core.testing.conformance import EngineConformance
    from like_keras_core.testing.replays import assert_replays
    from like_keras_core.testing.run_component import run

__all__ = ["EngineConformance", "assert_replays", "run", "same"]

_HOMES = {
    "EngineConformance": "conformance",
    "assert_replays": "replays",
    "run": "run_component",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
