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
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import CodeType, FunctionType, TracebackType
from typing import Any

from like_keras_core.runtime.host.codegen import TickCodegen
from like_keras_core.runtime.host.plan import Plan, Step

_compiling = threading.Lock()

Run = Callable[[int, list[Any], list[Any], list[Any]], int]
"""`run(t, s, regs, kinds)` runs ticks from `t` while `t < s[0]`, keeps the tick in
`s[1]`, and returns the next one."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A generated function, its measuring twin, and what their lines stand for.

    Args:
        run: Runs ticks.
        timed: The same code around forwards that append their durations.
        lines: The step that each line belongs to.
    """

    run: Run
    timed: Run
    lines: list[int]

    def step_at(self, trace: TracebackType | None) -> tuple[TracebackType, int] | None:
        """Return the generated function's part of a traceback, and its step."""
        codes = [getattr(run, "__code__") for run in (self.run, self.timed)]  # noqa: B009
        while trace is not None:
            if trace.tb_frame.f_code in codes:
                return trace, self.lines[trace.tb_lineno - 1]
            trace = trace.tb_next
        return None


def generate(
    plan: Plan, durations: Sequence[list[float]], *, limited: bool = False
) -> Schedule:
    """Generate the functions that run ticks of a plan.

    Args:
        plan: The system.
        durations: One list a step, where the measuring one appends [s].
        limited: Fire only steps whose position is below `s[2]`; the others are absent.
    """
    writer = TickCodegen(plan, limited)
    writer.write()
    code = _compile("\n".join(writer.source))
    timed = {f"@f{i}": _timed(step, durations[i]) for i, step in enumerate(plan.steps)}
    return Schedule(
        _function(code, writer.constants),
        _function(code, {**writer.constants, **timed}),
        writer.lines,
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


def _compile(source: str) -> CodeType:
    with _compiling, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        module = compile(source, "<like_keras schedule>", "exec", dont_inherit=True)
    return next(item for item in module.co_consts if isinstance(item, CodeType))


def _function(code: CodeType, constants: Mapping[str, Any]) -> Any:
    """Make a function of code, with objects in the place of its marks."""
    known = tuple(
        constants.get(item, item) if isinstance(item, str) else item
        for item in code.co_consts
    )
    return FunctionType(code.replace(co_consts=known), {})
