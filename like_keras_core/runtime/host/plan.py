"""What each component reads, sends and waits for within a tick, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from like_keras_core.runtime.host.choosing_buffers import RecallBuffer
from like_keras_core.runtime.host.pending_results import PendingResult
from like_keras_core.runtime.host.record_buffer import Column
from like_keras_core.spec import ComponentSpec, ConnectionSpec, SystemSpec

Inlet = Callable[[int], Any]
"""Gives the value of a tick that comes from outside, None where there is none."""

Outlet = Callable[[int, Any], object]
"""Takes the value of a tick to the outside, None where there is none."""


@dataclass(slots=True, eq=False)
class Value:
    """What one output port sends within a tick.

    Args:
        address: The port.
        type: Its annotation.
        step: The step that sends it.
        counter: The gap counter that tells at how many ticks it was not sent.
        counted_by: The step in whose absence it is counted; None: where it is sent.
        is_joined: Whether a step needs it together with others.
        last_use: The last step that reads it in the same tick.
        held: The register that keeps the newest one for hold inputs.
        delays: Registers that take it over at the end of the tick.
        recalls: Inputs that take one of its values again that they took before.
        slot: The local variable that it is in.
        kind: Where the class it had last is kept, for types that may hold arrays.
        inlet: Where it comes from, if it comes from outside.
        is_exposed: Whether a reader could change it, so that it needs protection.
    """

    address: str
    type: Any
    step: int
    counter: int = -1
    counted_by: int | None = None
    is_joined: bool = False
    last_use: int = -1
    held: int | None = None
    delays: list[int] = field(default_factory=list)
    recalls: list[RecallBuffer] = field(default_factory=list)
    slot: int = -1
    kind: int = -1
    inlet: Inlet | None = None
    is_exposed: bool = False


@dataclass(frozen=True, slots=True)
class Default:
    """What an unconnected parameter that has no name for callers is given."""

    value: Any


Argument = Value | int | Default | RecallBuffer


@dataclass(slots=True, eq=False)
class Step:
    """One component's place in a tick.

    One that takes ticks has two: where its result comes, and where it begins to fire.

    Args:
        name: Its address.
        forward: Its bound method.
        unpack: Splits its result into ports; None for a single value.
        every: Fire at the ticks `ceil(n * every)`.
        needs: Sync values without which it is absent.
        arguments: `(keyword or "", value, register or default)` for the call; or what
            gives the value of a tick of another run.
        outputs: One value a port; None where nobody uses it.
        pending: What a component that takes ticks has under way; None for others.
        begins: Whether it begins to fire here, so that it sends nothing.
    """

    name: str
    forward: Callable[..., Any]
    unpack: Callable[[Any], tuple[Any, ...]] | None
    every: int | Fraction
    needs: list[Value] = field(default_factory=list)
    arguments: list[tuple[str, Argument]] = field(default_factory=list)
    outputs: list[Value | None] = field(default_factory=list)
    pending: PendingResult | None = None
    begins: bool = False

    @property
    def between_firings(self) -> str:
        """An expression that is true at the ticks t for which `every` says no."""
        every = self.every
        if isinstance(every, int):
            return f"t % {every}"
        # It fires at ceil(n * every): where a multiple lies in (t - 1, t].
        return f"t * {every.denominator} % {every.numerator} >= {every.denominator}"


@dataclass(slots=True, eq=False)
class Plan:
    """A system, ready to be generated.

    Args:
        steps: The results that come, in execution order; then those that fire, in
            theirs; then those that begin to fire, so that none of them uses its memory
            while others read what it has sent.
        values: By port address; those that somebody uses.
        registers: The initial content of each register.
        records: By port address, what will read the values gathered of it.
        taps: By port address, what is called with `(tick, value)`.
        positions: Each step's place among those of the whole system.
        await_results: Waits for the results that are due at a tick, before the first
            step; says whether to stop instead. None where they are there.
        inlets: Values that come from outside, fetched before the first step.
        outlets: By port address, what takes values outside.
        gaps: At how many ticks each step, then each port, had nothing.
        last: The last tick of each of them.
        kinds: The class that each value had when it was last looked at.
        gathered: The recorded values, tick after tick in the order of `values`.
    """

    steps: list[Step]
    values: dict[str, Value]
    registers: list[Any]
    records: Mapping[str, Column]
    taps: Mapping[str, Sequence[Callable[[int, Any], object]]]
    positions: Sequence[int] = ()
    await_results: Callable[[int], bool] | None = None
    inlets: list[Value] = field(default_factory=list)
    outlets: Mapping[str, Outlet] = field(default_factory=dict)
    gaps: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    kinds: list[Any] = field(default_factory=list)
    gathered: list[Any] = field(default_factory=list)

    def counting_steps(self) -> dict[str, int]:
        """Return by component the step at which its firings count."""
        return {step.name: i for i, step in enumerate(self.steps) if not step.begins}

    @property
    def pending(self) -> list[PendingResult]:
        """What the components that begin to fire in it have under way."""
        return [step.pending for step in self.steps if step.begins and step.pending]

    def durations(self) -> list[list[float]]:
        """Return where the durations of each step's firings are to go [s]."""
        return [[] if x.pending is None else x.pending.samples.kept for x in self.steps]

    def sampled(self, durations: Sequence[list[float]]) -> list[list[float]]:
        """Return those of them that are measured within the tick."""
        pairs = zip(self.steps, durations, strict=True)
        return [samples for step, samples in pairs if step.pending is None]


def plan(
    spec: SystemSpec,
    order: Sequence[int],
    components: Mapping[str, Any],
    forwards: Mapping[str, Callable[..., Any]],
    unpackers: Mapping[str, Callable[[Any], tuple[Any, ...]] | None],
    initial: Callable[[Any], Any],
    records: Mapping[str, Column],
    taps: Mapping[str, Sequence[Callable[[int, Any], object]]],
    *,
    pending: Mapping[str, PendingResult],
    places: Mapping[str, int],
    inlet: Callable[[ConnectionSpec, str], Inlet] | None = None,
    recalled: Callable[[str, str, Any], RecallBuffer | None] | None = None,
    outlets: Mapping[str, Outlet] | None = None,
) -> Plan:
    """Work out what each step reads, sends and waits for.

    Args:
        spec: The system.
        order: The indexes of the components to run, in execution order.
        components: Its live components by address, for the ports' types.
        forwards: What to call for each, or what begins to fire it.
        unpackers: How to read the result of each.
        initial: Decodes the initial value of a delay.
        records: By port address, what will read the recorded values.
        taps: By port address, functions to call.
        pending: Those among them that take ticks, by address.
        places: Where in a tick the values of each component come.
        inlet: Gives what brings the values of a connection from a component that is
            not among them, for a policy.
        recalled: Gives what an input reads that takes the values of another run, for
            its address, its policy and its initial value; None where it does not.
        outlets: By port address, what takes values to components that are not.
    """
    feeds = {connection.target: connection for connection in spec.connections}
    used = {connection.source for connection in spec.connections}
    used |= records.keys() | taps.keys()
    result = Plan([], {}, [], records, taps, outlets=outlets or {})
    slow = [n for n in order if spec.components[n].name in pending]
    fast = [n for n in order if spec.components[n].name not in pending]
    sync: dict[str, Value] = {}
    for n in (*slow, *fast):
        component = spec.components[n]
        name = component.name
        step = Step(name, forwards[name], unpackers[name], component.every)
        if name in pending:
            step = Step(name, pending[name].take, _as_split(unpackers[name]), 1)
            step.pending = pending[name]
        for port in component.outputs:
            address = component.address_of(port)
            if address in used:
                live = components[name].outputs[port.name]
                i = len(result.steps)
                value = Value(address, live.type, i, last_use=i)
                result.values[address] = value
                step.outputs.append(value)
            else:
                step.outputs.append(None)
        result.steps.append(step)
    for n in slow:
        component = spec.components[n]
        name = component.name
        step = Step(name, forwards[name], None, component.every, begins=True)
        step.pending = pending[name]
        result.steps.append(step)
    for i, n in enumerate((*fast, *slow), len(slow)):
        one = spec.components[n]
        _wire(result, one, i, feeds, components, initial, inlet, recalled, sync)
    result.positions = [
        places[step.name] + len(spec.components) * step.begins for step in result.steps
    ]
    _count(result, always=inlet is not None or recalled is not None)
    recorded = [address for address in result.values if address in records]
    for n, address in enumerate(recorded):
        records[address].place(result.gathered, n, len(recorded))
    return result


def _as_split(
    unpack: Callable[[Any], tuple[Any, ...]] | None,
) -> Callable[[Any], tuple[Any, ...]] | None:
    """Return what reads a result that was split where the component fires."""
    return None if unpack is None else tuple


def _wire(
    result: Plan,
    component: ComponentSpec,
    i: int,
    feeds: Mapping[str, ConnectionSpec],
    components: Mapping[str, Any],
    initial: Callable[[Any], Any],
    inlet: Callable[[ConnectionSpec, str], Inlet] | None,
    recalled: Callable[[str, str, Any], RecallBuffer | None] | None,
    sync: dict[str, Value],
) -> None:
    step = result.steps[i]
    positional = True
    signature = components[component.name]._lk.signature
    templates = {port.name: port for port in signature.inputs}
    for port in component.inputs:
        template = templates[port.name]
        connection = feeds.get(component.address_of(port))
        positional = positional and not template.keyword
        if connection is None:
            if template.nameless:
                step.arguments.append(("", Default(template.default)))
            else:
                positional = False
            continue
        if connection.source not in result.values:
            assert inlet is not None
            step.arguments.append(
                (
                    "" if positional else port.name,
                    _from_outside(result, connection, port.policy, i, inlet, sync),
                )
            )
            continue
        value = result.values[connection.source]
        argument: Argument = value
        start = None if connection.delay is None else initial(connection.delay.initial)
        policy = port.policy if connection.delay is None else "delay"
        recall = recalled and recalled(connection.target, policy, start)
        if recall is not None:
            argument = recall
            value.recalls.append(recall)
        elif connection.delay is not None:
            argument = len(result.registers)
            result.registers.append(start)
            value.delays.append(argument)
        elif port.policy == "sync":
            # One that begins to fire is given a copy.
            value.is_exposed |= not (signature.only_reads or step.begins)
            value.last_use = max(value.last_use, i)
            if value not in step.needs:
                step.needs.append(value)
        else:
            if value.held is None:
                value.held = len(result.registers)
                result.registers.append(None)
            argument = value.held
        step.arguments.append(("" if positional else port.name, argument))


def _from_outside(
    result: Plan,
    connection: ConnectionSpec,
    policy: str,
    i: int,
    inlet: Callable[[ConnectionSpec, str], Inlet],
    sync: dict[str, Value],
) -> Value:
    """Return the value that an inlet brings; a port has one for all sync inputs."""
    needed = policy == "sync" and connection.delay is None
    value = sync.get(connection.source) if needed else None
    if value is None:
        value = Value(connection.source, int, -1, counted_by=-1)
        value.inlet = inlet(connection, policy)
        result.inlets.append(value)
        if needed:
            sync[connection.source] = value
    value.last_use = i
    if needed and value not in result.steps[i].needs:
        result.steps[i].needs.append(value)
    return value


def _count(result: Plan, *, always: bool) -> None:
    """Give each value the counter that tells at how many ticks it was missing.

    A step that needs this value alone counts it with its own absences, one that needs
    others too counts it beside them. With `always`, each is counted where it is sent.
    """
    counters = len(result.steps)
    alone: dict[str, int] = {}
    joined: dict[str, int] = {}
    for i, step in enumerate(result.steps):
        if step.begins:
            # It is absent while it is busy, too, whatever comes.
            continue
        for value in step.needs:
            value.is_joined |= len(step.needs) > 1
            (joined if len(step.needs) > 1 else alone).setdefault(value.address, i)
    for value in result.values.values():
        if not always:
            value.counted_by = alone.get(value.address, joined.get(value.address))
        if value.address in alone and not always:
            value.counter = alone[value.address]
        else:
            value.counter = counters
            counters += 1
    result.gaps = [0] * counters
    result.last = [-1] * counters


def last_readers(plan: Plan) -> dict[str, int]:
    """Return for each step the last one that reads what it sends."""
    return {
        step.name: max((value.last_use for value in step.outputs if value), default=0)
        for step in plan.steps
        if not step.begins
    }


def forward_mark(step: Step) -> str:
    """Return the constant of the source that a step's `forward` is put in place of."""
    if step.pending is not None:
        return f"{'@begin' if step.begins else '@result'} {step.name}"
    return f"@forward {step.name}"
