"""What a component's code raised, for people: what it was, and where in their code."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from traceback import StackSummary, walk_stack, walk_tb
from types import CodeType, FrameType, TracebackType

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
    return _place((x.f_code.co_filename, n) for x, n in walk_tb(error.__traceback__))


def stack_of(frame: FrameType | None) -> tuple[str, str]:
    """Return where a thread is: as a traceback without an exception, and as a place.

    Args:
        frame: Its innermost frame; None if it has ended.
    """
    frames = [(x, number) for x, number in walk_stack(frame)][::-1]
    for n, (outer, _) in reversed(list(enumerate(frames))):
        if _calls_components(outer.f_code):
            frames = frames[n + 1 :]
            break
    text = "".join(StackSummary.extract(iter(frames)).format())
    place = _place((x.f_code.co_filename, number) for x, number in frames)
    return f"Traceback (most recent call last):\n{text}", place


def _place(places: Iterable[tuple[str, int]]) -> str:
    """Return the innermost of the user's lines, given all of a stack, outermost first.

    Args:
        places: File names and line numbers.
    """
    lines = [(name, number) for name, number in places if not _is_ours(name)]
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


def _calls_components(code: CodeType) -> bool:
    if code.co_filename.startswith("<like_keras"):
        return True
    return code.co_name == "_call" and _is_runtime(code.co_filename)


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
