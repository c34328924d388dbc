"""A system as straight-line Python: one generated function that runs whole ticks.

A tick of `camera -> detector` becomes, but for the bookkeeping,

```python
while True:
    if t >= s[0]:
        break
    s[1] = t
    v0 = camera.forward()
    if v0 is None:  # rare: detector is absent
        missed_detector(t)
    else:
        v0 = detector.forward(v0)
    t += 1
```

Values are local variables that are used again once nobody needs them. Delays and held
values are locals too, kept in `regs` between two calls. Bound methods stand in the
code's constants, the fastest place there is.

The source is kept as long as its code, also where `linecache` looks: a traceback, a
debugger or a profiler shows the line of a frame of it.
"""

from __future__ import annotations

import linecache
import threading
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from time import perf_counter
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any

from like_keras_core.runtime.host.codegen import TickCodegen
from like_keras_core.runtime.host.plan import Plan, Step, forward_mark

# Filters for warnings belong to the whole process, not to a thread.
_compiling = threading.Lock()
# Gives each generated function a file name of its own.
_numbers = count()

Run = Callable[[int, list[Any], list[Any], list[Any]], int]
"""`run(t, s, regs, kinds)` runs ticks from `t` while `t < s[0]`, keeps the tick in
`s[1]`, and returns the next one."""


class GeneratedSource:
    """Lines that `linecache` knows, and so every traceback, for as long as this lives.

    Args:
        lines: The source, line by line.

    Attributes:
        filename: What the code says it is from, such as `"<like_keras schedule 7>"`.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.filename = f"<like_keras schedule {next(_numbers)}>"
        self.lines = [f"{line}\n" for line in lines]
        size = sum(map(len, self.lines))
        # Without a modification time nothing looks for a file to compare it with.
        linecache.cache[self.filename] = (size, None, self.lines, self.filename)
        forget = weakref.finalize(self, linecache.cache.pop, self.filename, None)
        forget.atexit = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """A generated function, its measuring twin, and what their lines stand for.

    Args:
        run: Runs ticks.
        timed: The same code around forwards that append their durations.
        lines: The step that each line belongs to; -1 for a line of none.
        names: The component of each step.
        kept: The source of both.
    """

    run: Run
    timed: Run
    lines: list[int]
    names: list[str]
    kept: GeneratedSource

    @property
    def source(self) -> str:
        """The generated function, where `'@forward camera'` stands for a method."""
        return "".join(self.kept.lines)

    @property
    def codes(self) -> tuple[CodeType, CodeType]:
        """The code of both functions, by which to find their frames."""
        run, timed = (getattr(item, "__code__") for item in (self.run, self.timed))  # noqa: B009
        return run, timed

    def step_at(self, trace: TracebackType | None) -> tuple[TracebackType, int] | None:
        """Return the generated function's part of a traceback, and its step."""
        codes = self.codes
        while trace is not None:
            if any(trace.tb_frame.f_code is code for code in codes):
                return trace, self.lines[trace.tb_lineno - 1]
            trace = trace.tb_next
        return None


def generate(
    plan: Plan,
    durations: Sequence[list[float]],
    *,
    limited: bool = False,
    gated: bool = False,
) -> Schedule:
    """Generate the functions that run ticks of a plan.

    Args:
        plan: The system.
        durations: One list a step, where the measuring one appends [s].
        limited: Fire only steps whose position is below `s[2]`; the others are absent.
        gated: Fire only steps whose bit in `s[3]` is not set, likewise.
    """
    writer = TickCodegen(plan, limited, gated)
    writer.write()
    kept = GeneratedSource(writer.source)
    code = _compile(kept)
    timed = {
        forward_mark(step): _timed(step, durations[i])
        for i, step in enumerate(plan.steps)
        if step.pending is None
    }
    return Schedule(
        _function(code, writer.constants, kept),
        _function(code, {**writer.constants, **timed}, kept),
        writer.lines,
        [step.name for step in plan.steps],
        kept,
    )


def _timed(step: Step, durations: list[float]) -> Callable[..., Any]:
    """Wrap a forward so that its duration is kept; the fewer arguments, the faster."""
    forward, append, now = step.forward, durations.append, perf_counter

    def no_argument() -> Any:
        began = now()
        result = forward()
        append(now() - began)
        return result

    def one_argument(value: Any) -> Any:
        began = now()
        result = forward(value)
        append(now() - began)
        return result

    def any_arguments(*args: Any, **kwargs: Any) -> Any:
        began = now()
        result = forward(*args, **kwargs)
        append(now() - began)
        return result

    if not step.arguments:
        return no_argument
    if len(step.arguments) == 1 and not step.arguments[0][0]:
        return one_argument
    return any_arguments


def duration_so_far(frame: FrameType | None) -> float | None:
    """Return how long a measured firing has taken [s], by the frame that measures it.

    Args:
        frame: What a generated function has called; None if it has called nothing.

    Returns:
        None for a frame that measures nothing.
    """
    if frame is None or frame.f_code.co_filename != __file__:
        return None
    began = frame.f_locals.get("began")
    return None if began is None else perf_counter() - began


def _compile(kept: GeneratedSource) -> CodeType:
    with _compiling, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        source = "".join(kept.lines)
        module = compile(source, kept.filename, "exec", dont_inherit=True)
    return next(item for item in module.co_consts if isinstance(item, CodeType))


def _function(
    code: CodeType, constants: Mapping[str, Any], kept: GeneratedSource
) -> Any:
    """Make a function of code, with objects in the place of its marks.

    Its source is one more constant: it lives exactly as long as there is such code, in
    a schedule or in a frame that a traceback holds.
    """
    known = tuple(
        constants.get(item, item) if isinstance(item, str) else item
        for item in code.co_consts
    )
    return FunctionType(code.replace(co_consts=(*known, kept)), {})


def generated_frame(
    frame: FrameType | None, schedules: Iterable[Schedule]
) -> FrameType | None:
    """Return the frame of generated code that has led to another one, if one has.

    Args:
        frame: The other one.
        schedules: Those whose code it may be.
    """
    codes = [code for item in schedules for code in item.codes]
    while frame is not None and all(frame.f_code is not code for code in codes):
        frame = frame.f_back
    return frame
