"""Where the engine under test comes from, so that another process finds it too."""

from __future__ import annotations

import os
import sys

from like_keras_core.engine import Engine
from like_keras_core.values.class_refs import entry_point_of


def origin_of(engine: type[Engine]) -> str:
    """Return `"package.module:Class"` of an engine.

    Raises:
        NotSerializableError: Another process could not find the class.
    """
    return entry_point_of(engine, f"The engine {engine.__qualname__}")


def environment_of() -> dict[str, str]:
    """Return an environment whose Python imports what this one does."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
