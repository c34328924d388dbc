"""The file of a saved system: written, and read again."""

from __future__ import annotations

import os
from pathlib import Path

from like_keras_core.authoring.lowering import Lowered
from like_keras_core.authoring.validation import issues_of
from like_keras_core.errors import GraphError, SpecError
from like_keras_core.issue import errors_in
from like_keras_core.spec import SystemSpec


def write_spec(lowered: Lowered, path: Path) -> Path:
    """Write a system as JSON, and return where.

    Raises:
        GraphError: The system has errors, or a component cannot be saved.
    """
    if errors := errors_in(issues_of(lowered, in_process=False)):
        raise GraphError(errors, lowered.spec.name)
    path.write_text(lowered.spec.to_json() + "\n", encoding="utf-8")
    return path


def saved_spec(path: str | os.PathLike[str]) -> SystemSpec:
    """Read the spec that `System.save` wrote.

    Raises:
        SpecError: It is not a saved system.
    """
    source = Path(path)
    try:
        return SystemSpec.from_json(source.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise SpecError(f"{str(source)!r} is not JSON text.") from None
