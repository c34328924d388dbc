"""What a component's code raised, for people: what it was, and where in their code."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from traceback import (
    StackSummary,
    format_exception,
    format_list,
    format_tb,
    walk_stack,
    walk_tb,
)
from types import FrameType, TracebackType

import like_keras_core
from like_keras_core.errors import EndOfStream
from like_keras_core.runtime.forced_exit import bounded
from like_keras_core.view.plain_text import exception_text

_SAY_S = 1.0
"""How long an exception may take to say what it is [s]."""

_PACKAGE = Path(like_keras_core.__file__).parent
_RUNTIME = _PACKAGE / "runtime"
_OURS_TO_TRY = _PACKAGE / "testing"
_TYPED_IN = re.compile(r"<(stdin|i?python-input)")
_BEFORE = "To refuse to start, raise an error that says why: RuntimeError('no camera')."
_AFTER = "Return instead: the run is over."
_TO_END = "To end the run without an error, raise like_keras_core.EndOfStream."
_OUTSIDE_THE_STREAM = {
    "__init__": f"when the component is made. {_BEFORE}",
    "on_configure": f"before tick 0. {_BEFORE}",
    "on_activate": f"before tick 0. {_BEFORE}",
    "on_deactivate": f"after the last tick. {_AFTER}",
    "on_shutdown": f"after the last tick. {_AFTER}",
}


def text_of(error: BaseException, phase: str, began: int | None = None) -> str:
    """Return the type and text of what was raised in a phase of a component's life.

    Args:
        error: What was raised.
        phase: What the component was called for.
        began: The tick at which its firing began, where that is another one.
    """
    text = _text_of(error, phase)
    return text if began is None else f"{text}; the firing began at tick {began}"


def _text_of(error: BaseException, phase: str) -> str:
    if isinstance(error, EndOfStream) and phase in _OUTSIDE_THE_STREAM:
        return (
            f"{exception_text(error, repr)} ends a run from forward only, and {phase} "
            f"is called {_OUTSIDE_THE_STREAM[phase]}"
        )
    # It is anybody's code, which may wait for something.
    has_returned, found = bounded(lambda: exception_text(error), _SAY_S)
    said = str(found) if has_returned else "(what says it did not return)"
    if phase == "tap":
        return said
    text = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if isinstance(error, SystemExit) and phase == "forward":
        return f"{text}. {_TO_END}"
    return text


def traceback_of(error: BaseException) -> str:
    """Return the whole traceback of what was raised, with its causes."""
    _, text = bounded(lambda: "".join(format_exception(error)), _SAY_S)
    if isinstance(text, str):
        return text
    lines = format_tb(error.__traceback__)
    return "".join((*lines, type(error).__name__, "\n"))


def users_part(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of ours that it begins with."""
    while trace is not None and _is_runtime(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def users_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return the part of a traceback in what the runtime called last, without ours.

    It says where an interrupted program was, and not how it got there.
    """
    kept: list[TracebackType] = []
    is_called = False
    while trace is not None:
        code, module = trace.tb_frame.f_code, trace.tb_frame.f_globals.get("__name__")
        is_ours = _is_ours(code.co_filename) or str(module).startswith("pluggy.")
        if not is_ours:
            kept = [*kept, trace] if is_called else [trace]
        is_called = not is_ours
        trace = trace.tb_next
    found = None
    for item in reversed(kept):
        found = TracebackType(found, item.tb_frame, item.tb_lasti, item.tb_lineno)
    return found


def place_of(error: BaseException) -> str:
    """Return the innermost line of the user's code, as `"robot.py:12"`, or nothing.

    What the user called, in the standard library or an installed package, is left out.
    Where all of it is installed, it is the component's own line.
    """
    return _place((x.f_code.co_filename, n) for x, n in walk_tb(error.__traceback__))


def place_in(frame: FrameType | None) -> str:
    """Return the innermost line of the user's code on a stack, as `place_of` does."""
    stack = [(x.f_code.co_filename, number) for x, number in walk_stack(frame)]
    return _place(reversed(stack))


def _place(lines: Iterable[tuple[str, int]]) -> str:
    lines = [(name, number) for name, number in lines if not _is_ours(name)]
    users = [line for line in lines if not _is_installed(line[0])]
    if not lines:
        return ""
    filename, number = users[-1] if users else lines[0]
    return f"{Path(filename).name}:{number}"


def stack_of(frame: FrameType | None) -> str:
    """Return the user's part of a stack, from what the runtime calls inwards."""
    frames: list[FrameType] = []
    while frame is not None and not _is_ours(frame.f_code.co_filename):
        frames.insert(0, frame)
        frame = frame.f_back
    return "".join(
        format_list(StackSummary.extract((x, x.f_lineno) for x in frames))
    ).rstrip()


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
