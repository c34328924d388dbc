"""What a component's code raised, for people: what it was, and where in their code."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

import like_keras_core
from like_keras_core.errors import EndOfStream

_PACKAGE = Path(like_keras_core.__file__).parent
_RUNTIME = _PACKAGE / "runtime"
_OURS_TO_TRY = _PACKAGE / "testing"
_TYPED_IN = re.compile(r"<(stdin|i?python-input)")
_BEFORE = "To refuse to start, raise an error that says why: RuntimeError('no camera')."
_AFTER = "Return instead: the run is over."
_OUTSIDE_THE_STREAM = {
    "__init__": f"when the component is made. {_BEFORE}",
    "on_configure": f"before tick 0. {_BEFORE}",
    "on_activate": f"before tick 0. {_BEFORE}",
    "on_deactivate": f"after the last tick. {_AFTER}",
    "on_shutdown": f"after the last tick. {_AFTER}",
}


def text_of(error: BaseException, phase: str) -> str:
    """Return the type and text of what was raised in a phase of a component's life."""
    if isinstance(error, EndOfStream) and phase in _OUTSIDE_THE_STREAM:
        return (
            f"{error!r} ends a run from forward only, and {phase} is called "
            f"{_OUTSIDE_THE_STREAM[phase]}"
        )
    return f"{type(error).__name__}: {error}"


def users_part(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of ours that it begins with."""
    while trace is not None and _is_runtime(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def place_of(error: BaseException) -> str:
    """Return the innermost line of the user's code, as `"robot.py:12"`, or nothing.

    What the user called, in the standard library or an installed package, is left out.
    Where all of it is installed, it is the component's own line.
    """
    lines = [
        (frame.f_code.co_filename, number)
        for frame, number in walk_tb(error.__traceback__)
        if not _is_ours(frame.f_code.co_filename)
    ]
    users = [line for line in lines if not _is_installed(line[0])]
    if not lines:
        return ""
    filename, number = users[-1] if users else lines[0]
    return f"{Path(filename).name}:{number}"


def users_level() -> int:
    """Return the `stacklevel` at which the caller's warning is the user's line."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    return level


def _is_runtime(filename: str) -> bool:
    return _RUNTIME in Path(filename).parents


def _is_ours(filename: str) -> bool:
    if filename.startswith("<like_keras"):
        return True
    path = Path(filename)
    return _PACKAGE in path.parents and _OURS_TO_TRY not in path.parents


def _is_installed(filename: str) -> bool:
    """Say whether a file is the standard library's, a package's, or no file at all."""
    if filename.startswith("<"):
        return _TYPED_IN.match(filename) is None
    path = Path(filename)
    if _OURS_TO_TRY in path.parents:
        return False
    if not {"site-packages", "dist-packages"}.isdisjoint(path.parts):
        return True
    standard = {Path(sysconfig.get_path(key)) for key in ("stdlib", "platstdlib")}
    standard.add(Path(os.__file__).parent)
    return not standard.isdisjoint(path.parents)
