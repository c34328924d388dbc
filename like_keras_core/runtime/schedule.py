"""A system as straight-line Python: one generated function that runs whole ticks.

A tick of `camera -> detector` becomes, but for the bookkeeping,

```python
while t < s[0]:
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
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import CodeType, FunctionType, TracebackType
from typing import Any

from like_keras_core.annotations import holds_no_array, is_array, is_immutable
from like_keras_core.runtime.plan import Default, Plan, Step, Value
from like_keras_core.values import IMMUTABLE, protect, read_only, snapshot

_compiling = threading.Lock()


class _UNKNOWN:
    """The class of no value."""


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
    writer = _Writer(plan, limited)
    writer.write()
    code = _compile("\n".join(writer.source))
    timed = {f"@f{i}": _timed(step, durations[i]) for i, step in enumerate(plan.steps)}
    return Schedule(
        _function(code, writer.constants),
        _function(code, {**writer.constants, **timed}),
        writer.lines,
    )


class _Writer:
    """Writes the source, line by line, and remembers whose each line is."""

    def __init__(self, plan: Plan, limited: bool) -> None:
        self.plan = plan
        self.limited = limited
        self.constants: dict[str, Any] = {}
        self.source: list[str] = []
        self.lines: list[int] = []
        self.free: list[int] = []
        self.slots = 0
        self.kinds: list[int] = []
        self.ends: dict[int, list[Value]] = defaultdict(list)
        for value in (*plan.inlets, *plan.values.values()):
            self.ends[value.last_use].append(value)

    def constant(self, key: str, value: Any) -> str:
        """Return an expression for an object, replaced after compilation."""
        mark = f"@{key}"
        self.constants[mark] = value
        return repr(mark)

    def add(self, depth: int, text: str, step: int = -1) -> None:
        self.source.append(" " * depth + text)
        self.lines.append(step)

    def write(self) -> None:
        flags = {i for value in self.plan.values.values() for i in value.waiting}
        self.add(0, "def run(t, s, regs, kinds):")
        for n in range(len(self.plan.registers)):
            self.add(1, f"r{n} = regs[{n}]")
        for i in sorted(flags):
            self.add(1, f"j{i} = 0")
        self.add(1, "while t < s[0]:")
        self.add(2, "s[1] = t")
        for n, value in enumerate(self.plan.inlets):
            value.slot = self._new_slot()
            self.add(2, f"v{value.slot} = {self.constant(f'i{n}', value.inlet)}(t)")
        self._steps(flags)
        self._registers()
        self.add(2, "t += 1")
        for n in range(len(self.plan.registers)):
            self.add(1, f"regs[{n}] = r{n}")
        self.add(1, "return t")
        loads = [f" k{n} = kinds[{n}]" for n in self.kinds]
        self.source[1:1] = loads
        self.lines[1:1] = [-1] * len(loads)

    def _steps(self, flags: set[int]) -> None:
        steps = self.plan.steps
        i = 0
        while i < len(steps):
            condition = self._condition(i, flags)
            end = i + 1
            if condition and not steps[i].every > 1 and i not in flags:
                while end < len(steps) and self._alike(i, end, flags):
                    end += 1
            self._group(range(i, end), condition)
            i = end

    def _alike(self, first: int, other: int, flags: set[int]) -> bool:
        steps = self.plan.steps
        return (
            not self.limited
            and other not in flags
            and (
                [value.address for value in steps[first].needs]
                == [value.address for value in steps[other].needs]
            )
        )

    def _condition(self, i: int, flags: set[int]) -> str:
        step = self.plan.steps[i]
        tests = [f"s[2] <= {self.plan.positions[i]}"] if self.limited else []
        if step.every > 1:
            tests.append(f"t % {step.every}")
        tests += [f"j{i}"] if i in flags else []
        tests += [
            f"v{value.slot} is None" for value in step.needs if i not in value.waiting
        ]
        return " or ".join(tests)

    def _group(self, group: range, condition: str) -> None:
        if len(group) == 1:
            self._release(group[0])
        calls = {}
        for i in group:
            calls[i] = self._call(i)
            for value in self.plan.steps[i].outputs:
                if value is not None:
                    value.slot = self.free.pop() if self.free else self._new_slot()
        depth = 2
        if condition:
            self.add(2, f"if {condition}:")
            for i in group:
                self._absent(i, condition)
            self.add(2, "else:")
            depth = 3
        for i in group:
            self._present(i, depth, calls[i])
        for i in group:
            if len(group) > 1:
                self._release(i)
            for value in self.plan.steps[i].outputs:
                if value is not None and value.last_use == i:
                    self.free.append(value.slot)

    def _new_slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def _release(self, i: int) -> None:
        """Give back the locals of values that nobody reads after step `i`."""
        for value in self.ends[i]:
            if value.step != i:
                self.free.append(value.slot)

    def _call(self, i: int) -> str:
        step = self.plan.steps[i]
        parts: list[str] = []
        for keyword, argument in step.arguments:
            if isinstance(argument, Value):
                name = f"v{argument.slot}"
            elif isinstance(argument, Default):
                name = self.constant(f"e{i}.{len(parts)}", argument.value)
            else:
                name = f"r{argument}"
            parts.append(f"{keyword}={name}" if keyword else name)
        return f"{self.constant(f'f{i}', step.forward)}({', '.join(parts)})"

    def _absent(self, i: int, condition: str) -> None:
        step = self.plan.steps[i]
        if f"j{i}" in condition:
            self.add(3, f"j{i} = 0", i)
        self.add(3, f"{self._miss(i)}(t)", i)
        for value in step.outputs:
            if value is None:
                continue
            if condition != f"v{value.slot} is None":
                self.add(3, f"v{value.slot} = None", i)
            self._missing(value, 3, i)
            if value.delays:
                self.add(3, f"n{value.delays[0]} = None", i)
            if value.address in self.plan.records:
                self.add(3, f"{self._recorder(value)}(None)", i)
            if value.address in self.plan.outlets:
                self.add(3, f"{self._outlet(value)}(t, None)", i)

    def _missing(self, value: Value, depth: int, i: int) -> None:
        if value.counted_by is None:
            self.add(depth, f"{self._miss(value.counter)}(t)", i)
        for waiting in value.waiting:
            self.add(depth, f"j{waiting} = 1", i)

    def _miss(self, counter: int) -> str:
        return self.constant(f"m{counter}", _miss(self.plan, counter))

    def _present(self, i: int, depth: int, call: str) -> None:
        step = self.plan.steps[i]
        values = step.outputs
        if step.unpack is not None:
            names = [f"v{value.slot}" if value is not None else "_" for value in values]
            self.add(depth, f"o = {call}", i)
            self.add(depth, f"if o is None: {' = '.join(names)} = None", i)
            unpack = self.constant(f"u{i}", step.unpack)
            self.add(depth, f"else: {', '.join(names)}, = {unpack}(o)", i)
        elif values and values[0] is not None:
            self.add(depth, f"v{values[0].slot} = {call}", i)
        else:
            self.add(depth, call, i)
        for value in values:
            if value is not None:
                self._after(value, i, depth)

    def _after(self, value: Value, i: int, depth: int) -> None:
        name = f"v{value.slot}"
        below = self._protect(value, i, depth)
        if value.counted_by is None:
            self.add(below, f"if {name} is None:", i)
            self._missing(value, below + 1, i)
        if value.address in self.plan.records:
            self.add(depth, f"{self._recorder(value)}({self._kept(value)})", i)
        if value.address in self.plan.outlets:
            self.add(depth, f"{self._outlet(value)}(t, {name})", i)
        for n, tap in enumerate(self.plan.taps.get(value.address, ())):
            function = self.constant(f"t{i}.{value.address}.{n}", tap)
            self.add(depth, f"if {name} is not None: {function}(t, {name})", i)
        if value.delays:
            kept = self._kept(value)
            if kept != name:
                kept = f"None if {name} is None else {kept}"
            self.add(depth, f"n{value.delays[0]} = {kept}", i)
        if value.held is not None:
            kept = self._kept(value)
            self.add(depth, f"if {name} is not None: r{value.held} = {kept}", i)

    def _protect(self, value: Value, i: int, depth: int) -> int:
        """Make arrays read-only; types that hold none cost nothing.

        Returns:
            How deep a test for None belongs: where a value has the class that the one
            before it had, it cannot be None.
        """
        name = f"v{value.slot}"
        seen = value.is_exposed or value.address in self.plan.taps
        if not seen or holds_no_array(value.type):
            return depth
        if is_array(value.type):
            guard = self.constant("read_only", read_only)
            self.add(depth, f"if {name} is not None: {name} = {guard}({name})", i)
            return depth
        if value.kind < 0:
            value.kind = len(self.plan.kinds)
            self.plan.kinds.append(_UNKNOWN)
        self.kinds.append(value.kind)
        look = self.constant(f"l{value.kind}", _look(self.plan.kinds, value.kind))
        self.add(depth, f"if {name}.__class__ is not k{value.kind}:", i)
        self.add(depth + 1, f"{name} = {look}({name})", i)
        return depth + 1

    def _recorder(self, value: Value) -> str:
        append = self.plan.records[value.address].append
        return self.constant(f"a.{value.address}", append)

    def _outlet(self, value: Value) -> str:
        outlet = self.plan.outlets[value.address]
        return self.constant(f"o.{value.address}", outlet)

    def _kept(self, value: Value) -> str:
        """Return an expression for a copy that its producer cannot change."""
        if is_immutable(value.type):
            return f"v{value.slot}"
        return f"{self.constant('snapshot', snapshot)}(v{value.slot})"

    def _registers(self) -> None:
        """Let the delays take over what was sent in this tick."""
        for value in self.plan.values.values():
            if value.delays:
                sent = f"n{value.delays[0]}"
                targets = " = ".join(f"r{n}" for n in value.delays)
                self.add(2, f"if {sent} is not None: {targets} = {sent}", value.step)


def _miss(plan: Plan, counter: int) -> Callable[[int], None]:
    gaps, last = plan.gaps, plan.last

    def miss(tick: int) -> None:
        gaps[counter] += 1
        last[counter] = tick

    return miss


def _look(kinds: list[Any], n: int) -> Callable[[Any], Any]:
    """Protect a value, and remember its class if such values need no protection."""

    def look(value: Any) -> Any:
        kind = value.__class__
        if kind in IMMUTABLE:
            if value is not None:
                kinds[n] = kind
            return value
        kinds[n] = _UNKNOWN
        return protect(value)

    return look


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
