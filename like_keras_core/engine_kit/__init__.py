"""What authors of engines, recorders and viewers import, beside the root's nouns.

Everything that they need of the core is here under one roof, so that the inside of the
core may move. What only the core needs stays in the packages that it comes from.
Importing this imports nothing of it: each name is fetched when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from like_keras_core.authoring.component_state import address_of
    from like_keras_core.engine_kit.process_engine import ProcessEngine
    from like_keras_core.runtime.flow.transport import Arrived, FrameParts

_HOMES = {
    "Arrived": "runtime.flow.transport",
    "FrameParts": "runtime.flow.transport",
    "ProcessEngine": "engine_kit.process_engine",
    "address_of": "authoring.component_state",
}

__all__ = ["Arrived", "FrameParts", "ProcessEngine", "address_of"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        from like_keras_core.errors import nearest

        near = nearest(name, __all__)
        hint = f". Did you mean {near!r}?" if near and not name.startswith("_") else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
    value = getattr(import_module(f"like_keras_core.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
