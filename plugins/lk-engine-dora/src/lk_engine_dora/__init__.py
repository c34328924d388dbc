"""The dora engine: a process per node, on one machine or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lk_engine_dora.engine import DoraEngine
    from lk_engine_dora.foreign import DoraNode

__all__ = ["DoraEngine", "DoraNode"]

_HOMES = {"DoraEngine": "engine", "DoraNode": "foreign"}


def __getattr__(name: str) -> Any:
    # The process of a node needs no engine, and starts sooner without one.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
