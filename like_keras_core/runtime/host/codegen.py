"""Writes the source of a tick: who is called with what, who is absent, what is kept.

A step that misses what it needs is absent. Whether something is missing is asked where
it is needed, and where it is sent only if nobody needs it.

`camera -> detector`, and `fuse`, which needs both of them and its own value of the tick
before, with `fuse.output` recorded, become this; `@...` are constants that `schedule`
replaces by objects:

```python
def run(t, s, regs, kinds):
    r0 = regs[0]  # the delay: what fuse sent in the tick before
    try:
        while True:
            if t >= s[0]:  # the tick before which to stop; stop() writes it
                break
            s[1] = t
            g = 0  # whether a value whose class is looked at is missing
            v0 = "@forward camera"()
            if v0 is None:  # detector is absent, and counts camera's absence, too
                "@absent detector"(t)
                v1 = None
            else:
                v1 = "@forward detector"(v0)
            if v0 is None or v1 is None:
                "@absent fuse"(t, v1)  # counts detector.output if it is missing
                v1 = None  # of fuse: nobody needs that of detector any more
                "@missing fuse.output"(t)
                n0 = None
                w0 = None
            else:
                v1 = "@forward fuse"(v0, v1, r0)
                if v1 is None:
                    "@missing fuse.output"(t)
                w0 = v1
                n0 = v1
            "@record"((w0,))
            if n0 is not None:
                r0 = n0
            t += 1
    except BaseException as error:
        "@rescue"(error.__traceback__)  # records what this tick sent so far
        raise
    regs[0] = r0
    return t
```

The letters: `v` values of this tick, shared by those that are not needed at the same
time; `r` registers, which outlive a tick: delays, and the newest value for hold inputs;
`n` the next content of a delay, taken over at the end of the tick, when everybody has
read it; `w` values to be recorded; `k` the class that a value had last, `g` above; `o`
the tuple of a component with several outputs.
"""

from __future__ import annotations

from collections import defaultdict
from keyword import iskeyword

from like_keras_core.runtime.host.choosing_buffers import RecallBuffer
from like_keras_core.runtime.host.generated_calls import (
    UNKNOWN,
    launcher,
    miss_counter,
    protector,
)
from like_keras_core.runtime.host.plan import Default, Plan, Value, forward_mark
from like_keras_core.runtime.host.record_buffer import ROW, rescuer
from like_keras_core.runtime.host.source_writer import SourceWriter
from like_keras_core.values.annotations import holds_no_array, is_array, is_immutable
from like_keras_core.values.semantics import read_only, snapshot


class TickCodegen(SourceWriter):
    """Writes the source, line by line, and remembers whose each line is.

    Args:
        plan: The system.
        limited: Whether only steps whose position is below `s[2]` may fire.
        gated: Whether steps are absent whose bit in `s[3]` is set.
    """

    def __init__(self, plan: Plan, limited: bool, gated: bool = False) -> None:
        super().__init__()
        self.plan = plan
        self.limited = limited
        self.gated = gated
        # Of every recorded value, in the order in which they are gathered: its step,
        # and its `w`. `row` has those that are sent and not yet gathered; a `w` is used
        # again after that, so there are about ROW of them. `kept` has the newest `w` of
        # each port.
        self.places: list[tuple[int, str]] = []
        self.row: list[str] = []
        self.kept: dict[str, str] = {}
        # Numbers of `v` that nobody needs at this point of the tick; all others below
        # `slots` hold a value that some later step reads.
        self.free: list[int] = []
        self.slots = 0
        # The `k` that are loaded at the beginning.
        self.kinds: list[int] = []
        # By step, the values that it is the last to read.
        self.ends: dict[int, list[Value]] = defaultdict(list)
        for value in (*plan.inlets, *plan.values.values()):
            self.ends[value.last_use].append(value)

    def write(self) -> None:
        """Write the whole function."""
        plan = self.plan
        self.add(0, "def run(t, s, regs, kinds):")
        for n in range(len(plan.registers)):
            self.add(1, f"r{n} = regs[{n}]")
        if plan.records:
            self.add(1, "try:")
            self.indent = 1
        # Python 3.11 optimises a loop early only where a plain jump goes back.
        self.add(1, "while True:")
        self.add(2, "if t >= s[0]: break")
        self.add(2, "s[1] = t")
        if plan.await_results is not None:
            gate = self.constant("@results", plan.await_results)
            self.add(2, f"if {gate}(t): break")
        if any(len(step.needs) > 1 for step in plan.steps):
            self.add(2, "g = 0")
        for n, value in enumerate(plan.inlets):
            value.slot = self._new_slot()
            self.add(
                2, f"v{value.slot} = {self.constant(f'@input {n}', value.inlet)}(t)"
            )
        self._steps()
        self._gather()
        self._registers()
        if plan.pending:
            self.add(2, f"{self.constant('@launch', launcher(plan.pending))}()")
        self.add(2, "t += 1")
        self.indent = 0
        if plan.records:
            rescue = rescuer(plan.gathered, self.places, self.lines)
            self.add(1, "except BaseException as error:")
            self.add(2, f"{self.constant('@rescue', rescue)}(error.__traceback__)")
            self.add(2, "raise")
        for n in range(len(plan.registers)):
            self.add(1, f"regs[{n}] = r{n}")
        self.add(1, "return t")
        loads = [f" k{n} = kinds[{n}]" for n in self.kinds]
        self.source[1:1] = loads
        self.lines[1:1] = [-1] * len(loads)

    def _steps(self) -> None:
        steps = self.plan.steps
        i = 0
        while i < len(steps):
            condition = self._condition(i)
            end = i + 1
            if condition and not steps[i].every > 1 and not steps[i].pending:
                while end < len(steps) and self._alike(i, end):
                    end += 1
            self._group(range(i, end), condition)
            i = end

    def _alike(self, first: int, other: int) -> bool:
        steps = self.plan.steps
        return not (self.limited or self.gated or steps[other].pending) and (
            [value.address for value in steps[first].needs]
            == [value.address for value in steps[other].needs]
        )

    def _condition(self, i: int) -> str:
        """Return what is true where a step is absent.

        Of values whose class is looked at, `g` tells first whether one is missing.
        """
        step = self.plan.steps[i]
        tests = [f"s[2] <= {self.plan.positions[i]}"] if self.limited else []
        if self.gated:
            tests.append(f"s[3] >> {i} & 1")
        if step.pending is not None:
            due = f"{self.constant(f'@pending {step.name}', step.pending)}.due"
            tests.append(f"{due} >= t" if step.begins else f"{due} != t")
        if step.every > 1:
            tests.append(step.between_firings)
        known: list[str] = []
        looked: list[str] = []
        for value in step.needs:
            (looked if self._tells(value) else known).append(f"v{value.slot} is None")
        if looked:
            known.append(f"g and ({' or '.join(looked)})")
        return " or ".join(tests + known)

    def _tells(self, value: Value) -> bool:
        """Say whether `g` tells when a value is missing."""
        return value.is_joined and self._is_looked_at(value)

    def _is_looked_at(self, value: Value) -> bool:
        """Say whether a value may hold arrays that a reader could change."""
        return self._is_seen(value) and not (
            holds_no_array(value.type) or is_array(value.type)
        )

    def _is_seen(self, value: Value) -> bool:
        return value.is_exposed or value.address in self.plan.taps

    def _is_recorded(self, i: int) -> bool:
        return any(
            value is not None and value.address in self.plan.records
            for value in self.plan.steps[i].outputs
        )

    def _group(self, group: range, condition: str) -> None:
        if len(self.row) >= ROW and any(map(self._is_recorded, group)):
            self._gather()
        if len(group) == 1:
            self._release(group[0])
        calls = {}
        for i in group:
            calls[i] = self._call(i)
            for value in self.plan.steps[i].outputs:
                if value is None:
                    continue
                value.slot = self.free.pop() if self.free else self._new_slot()
                if value.address in self.plan.records:
                    self._keep(value, i)
        depth = 2
        if self.plan.steps[group[0]].begins:
            self.add(2, f"if not ({condition}): {calls[group[0]]}", group[0])
            return
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

    def _keep(self, value: Value, i: int) -> None:
        """Give a recorded value a local of its own until the row is gathered."""
        name = self.kept[value.address] = f"w{len(self.row)}"
        self.row.append(name)
        self.places.append((i, name))

    def _gather(self) -> None:
        if self.row:
            extend = self.constant("@record", self.plan.gathered.extend)
            self.add(2, f"{extend}(({', '.join(self.row)},))")
            self.row.clear()

    def _release(self, i: int) -> None:
        """Give back the locals of values that nobody reads after step `i`."""
        for value in self.ends[i]:
            if value.step != i:
                self.free.append(value.slot)

    def _call(self, i: int) -> str:
        step = self.plan.steps[i]
        parts = ["t"] if step.pending is not None else []
        for keyword, argument in step.arguments:
            if isinstance(argument, Value):
                name = f"v{argument.slot}"
                if step.begins and argument.inlet is None:
                    # Its producer fires again while this one still reads it.
                    name = self._kept(argument)
            elif isinstance(argument, Default):
                name = self.constant(f"@default {i}.{len(parts)}", argument.value)
            elif isinstance(argument, RecallBuffer):
                name = f"{self.constant(f'@recall {i}.{len(parts)}', argument.take)}(t)"
            else:
                name = f"r{argument}"
            if iskeyword(keyword) or not (keyword or "_").isidentifier():
                parts.append(f"**{{{keyword!r}: {name}}}")
            else:
                parts.append(f"{keyword}={name}" if keyword else name)
        return f"{self.constant(forward_mark(step), step.forward)}({', '.join(parts)})"

    def _absent(self, i: int, condition: str) -> None:
        step = self.plan.steps[i]
        counted = [
            value for value in step.needs if value.counted_by == i != value.counter
        ]
        names = "".join(f", v{value.slot}" for value in counted)
        miss = miss_counter(self.plan, i, [value.counter for value in counted])
        self.add(3, f"{self.constant(f'@absent {step.name}', miss)}(t{names})", i)
        for value in step.outputs:
            if value is None:
                continue
            if condition != f"v{value.slot} is None":
                self.add(3, f"v{value.slot} = None", i)
            self._missing(value, 3, i)
            if value.delays:
                self.add(3, f"n{value.delays[0]} = None", i)
            if value.address in self.plan.records:
                self.add(3, f"{self.kept[value.address]} = None", i)
            if value.address in self.plan.outlets:
                self.add(3, f"{self._outlet(value)}(t, None)", i)

    def _missing(self, value: Value, depth: int, i: int) -> None:
        if value.counted_by is None:
            mark = f"@missing {value.address}"
            miss = self.constant(mark, miss_counter(self.plan, value.counter, ()))
            self.add(depth, f"{miss}(t)", i)
        if self._tells(value):
            self.add(depth, "g = 1", i)

    def _present(self, i: int, depth: int, call: str) -> None:
        step = self.plan.steps[i]
        values = step.outputs
        if step.unpack is not None:
            names = [f"v{value.slot}" if value is not None else "_" for value in values]
            self.add(depth, f"o = {call}", i)
            self.add(depth, f"if o is None: {' = '.join(names)} = None", i)
            unpack = self.constant(f"@unpack {step.name}", step.unpack)
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
        if value.counted_by is None or self._tells(value):
            self.add(below, f"if {name} is None:", i)
            self._missing(value, below + 1, i)
        if value.address in self.plan.records:
            self.add(depth, f"{self.kept[value.address]} = {self._kept(value)}", i)
        if value.address in self.plan.outlets:
            self.add(depth, f"{self._outlet(value)}(t, {name})", i)
        for n, tap in enumerate(self.plan.taps.get(value.address, ())):
            function = self.constant(f"@tap {n} {value.address}", tap)
            self.add(depth, f"if {name} is not None: {function}(t, {name})", i)
        if value.delays:
            kept = self._kept(value)
            if kept != name:
                kept = f"None if {name} is None else {kept}"
            self.add(depth, f"n{value.delays[0]} = {kept}", i)
        if value.held is not None:
            kept = self._kept(value)
            self.add(depth, f"if {name} is not None: r{value.held} = {kept}", i)
        for n, recall in enumerate(value.recalls):
            arrive = self.constant(f"@keep {n} {value.address}", recall.arrive)
            kept = self._kept(value)
            self.add(depth, f"if {name} is not None: {arrive}(t, {kept})", i)

    def _protect(self, value: Value, i: int, depth: int) -> int:
        """Make arrays read-only; types that hold none cost nothing.

        Returns:
            How deep a test for None belongs: where a value has the class that the one
            before it had, it cannot be None.
        """
        name = f"v{value.slot}"
        if not self._is_seen(value) or holds_no_array(value.type):
            return depth
        if is_array(value.type):
            guard = self.constant("@read_only", read_only)
            self.add(depth, f"if {name} is not None: {name} = {guard}({name})", i)
            return depth
        if value.kind < 0:
            value.kind = len(self.plan.kinds)
            self.plan.kinds.append(UNKNOWN)
        self.kinds.append(value.kind)
        look = protector(self.plan.kinds, value.kind)
        protect = self.constant(f"@protect {value.kind}", look)
        self.add(depth, f"if {name}.__class__ is not k{value.kind}:", i)
        self.add(depth + 1, f"{name} = {protect}({name})", i)
        return depth + 1

    def _outlet(self, value: Value) -> str:
        outlet = self.plan.outlets[value.address]
        return self.constant(f"@output {value.address}", outlet)

    def _kept(self, value: Value) -> str:
        """Return an expression for a copy that its producer cannot change."""
        if is_immutable(value.type):
            return f"v{value.slot}"
        return f"{self.constant('@snapshot', snapshot)}(v{value.slot})"

    def _registers(self) -> None:
        """Let the delays take over what was sent in this tick."""
        for value in self.plan.values.values():
            if value.delays:
                sent = f"n{value.delays[0]}"
                targets = " = ".join(f"r{n}" for n in value.delays)
                self.add(2, f"if {sent} is not None: {targets} = {sent}", value.step)
