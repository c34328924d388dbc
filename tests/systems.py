"""Random systems, for every engine: drawn as plain data, built live or as parts.

A `Plan` is a system as data. `Plan.build()` gives the live `System`, `Plan.parts()`
what `tests.oracle` evaluates. What a component computes is its `Behaviour`, a pure
function of the number of its firings and of its inputs, every bit of which changes the
result.

The classes of the components are made on demand, from their names, so that any process
that can import this module can find them.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import random
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from like_keras_core import Component, EndOfStream, InputPort, OutputPort, System
from tests.oracle import Feed, Part

DEFAULT = 7
"""What an optional input that stays unconnected is."""


@dataclass
class Frame:
    """A value with an array and a list in it."""

    stamp: int
    pixels: np.ndarray
    tags: list[str]


class Pose(NamedTuple):
    """A value that is a named tuple, with an array in it."""

    x: float
    covariance: np.ndarray


def _array(dice: random.Random) -> np.ndarray:
    shape = dice.choice([(), (0,), (1,), (3,), (2, 2), (2, 1, 3)])
    kind = dice.choice(["float64", "float32", "int16", "uint8", "bool", "complex64"])
    made = np.zeros(shape, kind)
    numbers = [0.0, 1.0, 3.0, 7.0]
    if kind[0] in "fc":
        numbers += [-0.0, float("nan"), float("inf"), 1e-30, 0.1]
    for index in np.ndindex(made.shape):
        made[index] = dice.choice(numbers)
    layout = dice.randrange(4)
    if layout == 0:
        return np.asfortranarray(made).reshape(shape)
    if layout == 1 and made.ndim:
        return np.repeat(made, 2, axis=0)[::2]
    if layout == 2:
        made.flags.writeable = False
    return made


def _float(dice: random.Random) -> float:
    return dice.choice(
        [0.0, -0.0, 1.5, -2.25, 0.1, 5e-324, 1e308, float("nan"), float("inf")]
    )


def _int(dice: random.Random) -> int:
    return dice.choice([0, 1, -1, 2**70, dice.randrange(1000)])


def _text(dice: random.Random) -> str:
    return "".join(dice.choice("aé\0\n☃\\'\"") for _ in range(dice.randrange(4)))


def _list(dice: random.Random) -> list[int | None]:
    return [dice.choice([None, 0, 1, 10**20]) for _ in range(dice.randrange(4))]


def _dict(dice: random.Random) -> dict[str, list[float]]:
    names = dice.sample(["b", "a", "", "z"], dice.randrange(4))
    return {name: [_float(dice) for _ in range(dice.randrange(3))] for name in names}


def _nested(dice: random.Random) -> dict[str, Any]:
    array = _array(dice)
    inner = [array, dice.randrange(9)]
    return {"left": inner, "right": (inner, [array, [_array(dice)]]), "none": None}


def _frame(dice: random.Random) -> Frame:
    return Frame(dice.randrange(99), _array(dice), [_text(dice)])


def _pose(dice: random.Random) -> Pose:
    return Pose(_float(dice), _array(dice))


@dataclass(frozen=True)
class Kind:
    """A family of values: how it is annotated and made."""

    annotation: Any
    make: Callable[[random.Random], Any]


KINDS: Mapping[str, Kind] = {
    "i": Kind(int, _int),
    "f": Kind(float, _float),
    "b": Kind(bool, lambda dice: dice.random() < 0.5),
    "s": Kind(str, _text),
    "t": Kind(tuple[int, str], lambda dice: (_int(dice), _text(dice))),
    "u": Kind(tuple[np.ndarray, int], lambda dice: (_array(dice), _int(dice))),
    "l": Kind(list[int | None], _list),
    "d": Kind(dict[str, list[float]], _dict),
    "a": Kind(np.ndarray, _array),
    "n": Kind(dict[str, Any], _nested),
    "g": Kind(Frame, _frame),
    "q": Kind(Pose, _pose),
    "p": Kind(object, lambda dice: [dice.randrange(9)]),
}
PACKED = "p"
"""Values of several types, among them a list, tuple, dict or Frame around an input."""

ANNOTATIONS: Mapping[str, Any] = {
    **{letter: kind.annotation for letter, kind in KINDS.items()},
    "x": Any,
}
SPREAD = "gq"
"""Kinds whose annotation, as the only one of a result, would be several ports."""

FAILURES: Mapping[str, type[Exception]] = {
    failure.__name__: failure
    for failure in (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        NameError,
        StopIteration,
        RuntimeError,
        ZeroDivisionError,
    )
}


def spell(value: Any) -> str:
    """Write a value so that two texts are equal exactly when the values are."""
    kind = type(value).__name__
    if isinstance(value, (np.ndarray, np.generic)):
        return f"{kind} {value.dtype}{value.shape}{spell(value.tolist())}"
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, complex):
        return f"({value.real.hex()},{value.imag.hex()})"
    if isinstance(value, (list, tuple)):
        return f"{kind}[{','.join(map(spell, value))}]"
    if isinstance(value, Mapping):
        items = (f"{spell(key)}:{spell(item)}" for key, item in value.items())
        return f"{kind}{{{','.join(items)}}}"
    if dataclasses.is_dataclass(value):
        return kind + spell([getattr(value, f.name) for f in dataclasses.fields(value)])
    return f"{kind} {value!r}"


def number(*parts: Any) -> int:
    """Return a number that depends on every bit of the parts."""
    digest = hashlib.blake2b(spell(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


@dataclass(frozen=True)
class Output:
    """How one output gets its value.

    Args:
        name: The port.
        kind: A letter of `KINDS`.
        echoes: The input that it passes on; empty for a value of its own.
        packs: Whether it puts the input into something that it passes on.
        silence: It sends nothing at about so many eighths of the firings.
    """

    name: str
    kind: str
    echoes: str = ""
    packs: bool = False
    silence: int = 0


@dataclass(frozen=True)
class Behaviour:
    """What a component does when it fires.

    Args:
        salt: Makes components differ.
        outputs: In order.
        ends_at: The firing that raises EndOfStream; -1 for none.
        fails_at: The firing that raises another exception; -1 for none.
        failure: Which, a name of `FAILURES`.
        reuses: Whether it writes over what it sent before.
    """

    salt: int
    outputs: tuple[Output, ...] = ()
    ends_at: int = -1
    fails_at: int = -1
    failure: str = "ValueError"
    reuses: bool = False

    def compute(self, firing: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return a value, or None, for each output."""
        if firing == self.ends_at:
            raise EndOfStream
        if firing == self.fails_at:
            raise FAILURES[self.failure]("as planned")
        seed = number(self.salt, firing, dict(sorted(inputs.items())))
        return {
            output.name: _result(output, number(seed, output.name), inputs)
            for output in self.outputs
        }


def _result(output: Output, seed: int, inputs: Mapping[str, Any]) -> Any:
    if seed % 8 < output.silence:
        return None
    dice = random.Random(seed)
    if output.packs:
        value = inputs[output.echoes]
        packs = ([value, value], (value,), {"packed": [value]}, Frame(0, value, []))
        return dice.choice(packs)
    return inputs[output.echoes] if output.echoes else KINDS[output.kind].make(dice)


def spoil(value: Any) -> None:
    """Change whatever can be changed in a value."""
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = 1 if value.dtype == bool else 99
    elif isinstance(value, (list, tuple)):
        for item in value:
            spoil(item)
        if isinstance(value, list):
            value[:] = ["spoiled"]
    elif isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value.clear()
    elif isinstance(value, Frame):
        spoil(value.pixels)
        spoil(value.tags)
        value.stamp = -1


def is_read_only(value: Any) -> bool:
    """Say whether every array in a value is read-only."""
    if isinstance(value, np.ndarray):
        return not value.flags.writeable
    if isinstance(value, Frame):
        return is_read_only(value.pixels)
    if isinstance(value, dict):
        return all(map(is_read_only, value.values()))
    return not isinstance(value, (list, tuple)) or all(map(is_read_only, value))


def refill(old: Any, new: Any) -> Any:
    """Return `new`, in the place of `old` if it fits there; `old` is spoilt if not."""
    spoil(old)
    if isinstance(old, list) and isinstance(new, list):
        old[:] = new
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        old.update(new)
        return old
    if (
        isinstance(old, np.ndarray)
        and isinstance(new, np.ndarray)
        and old.flags.writeable
        and (old.dtype, old.shape) == (new.dtype, new.shape)
    ):
        old[...] = new
        return old
    return new


class Behaving(Component):
    """A component that does what its behaviour says; `Part_...` classes derive from it.

    Attributes:
        received: The inputs of each firing, spelled.
    """

    def __init__(
        self, behaviour: Behaviour, name: str | None = None, takes: int = 0
    ) -> None:
        super().__init__(name, takes=takes)
        self.behaviour = behaviour
        self.firings = 0
        self.received: list[str] = []
        self.sent: dict[str, Any] = {}

    def act(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Fire once."""
        firing, self.firings = self.firings, self.firings + 1
        assert is_read_only(list(inputs.values()))
        self.received.append(spell(dict(sorted(inputs.items()))))
        results = self.behaviour.compute(firing, inputs)
        if self.behaviour.reuses:
            for output in self.behaviour.outputs:
                if not output.echoes:
                    new = refill(self.sent.get(output.name), results[output.name])
                    self.sent[output.name] = results[output.name] = new
        return results


@dataclass(frozen=True)
class InputShape:
    """How a class writes one of its inputs.

    Args:
        annotation: A letter of `ANNOTATIONS`.
        need: `"r"`equired, `"o"`ptional, or `"k"`eyword-only.
        policy: `"n"`othing declared; or the first letter of what an InputPort declares.
    """

    annotation: str = "x"
    need: str = "r"
    policy: str = "n"


_POLICIES = {"s": "sync", "h": "hold", "l": "latest"}
_STYLES = ("none", "single", "named", "typed", "data", "dict", "tuple")


def class_name(
    inputs: Sequence[InputShape], nameless: int, style: str, outputs: Sequence[str]
) -> str:
    """Return the name of the class of that shape; `part_class` makes it.

    Args:
        inputs: `in0`, `in1`, ...
        nameless: So many parameters are positional-only.
        style: How the result is written, one of `_STYLES`.
        outputs: A letter of `ANNOTATIONS` for each.
    """
    coded = "".join(shape.annotation + shape.need + shape.policy for shape in inputs)
    return f"Part_{coded}{nameless}_{style}_{''.join(outputs)}"


def port_names(style: str, count: int) -> list[str]:
    """Return the names of the outputs of a style."""
    return ["output"] if style == "single" else [f"out{n}" for n in range(count)]


@functools.cache
def part_class(name: str) -> type[Behaving]:
    """Make the class of a name that `class_name` gave."""
    _, coded, style, outputs = name.split("_")
    shapes = [InputShape(*coded[n : n + 3]) for n in range(0, len(coded) - 1, 3)]
    names = [f"in{n}" for n in range(len(shapes))]
    parameters, keywords = ["self"], list[str]()
    annotations: dict[str, Any] = {}
    members: dict[str, Any] = {"__module__": __name__, "__qualname__": name}
    for port, shape in sorted(zip(names, shapes, strict=True), key=_optional_last):
        written = f"{port}={DEFAULT}" if shape.need == "o" else port
        (keywords if shape.need == "k" else parameters).append(written)
        annotation = ANNOTATIONS[shape.annotation]
        if shape.policy in _POLICIES:
            members[port] = InputPort(annotation, policy=_POLICIES[shape.policy])
        elif shape.annotation != "x":
            annotations[port] = annotation
    if nameless := int(coded[-1]):
        parameters.insert(nameless + 1, "/")
    ports = port_names(style, len(outputs))
    sent = {
        port: ANNOTATIONS[letter] for port, letter in zip(ports, outputs, strict=True)
    }
    convert: Callable[[dict[str, Any]], Any] = lambda results: results  # noqa: E731
    if style in ("dict", "tuple"):
        members.update({port: OutputPort(kind) for port, kind in sent.items()})
        convert = dict if style == "dict" else lambda results: tuple(results.values())
        if style == "dict":
            convert = _without_none
    elif style == "single":
        convert = lambda results: results["output"]  # noqa: E731
        if outputs != "x":
            annotations["return"] = _optional(sent["output"])
    elif style != "none":
        fields, convert = _fields(style, sent)
        annotations["return"] = fields
    arguments = ", ".join([*parameters, *(["*", *keywords] if keywords else [])])
    given = ", ".join(f"{port!r}: {port}" for port in names)
    answer = "" if style == "none" else "return "
    scope: dict[str, Any] = {"convert": convert}
    exec(
        f"def forward({arguments}):\n    {answer}convert(self.act({{{given}}}))", scope
    )
    forward = scope["forward"]
    forward.__module__ = __name__
    forward.__annotations__ = annotations
    made: type[Behaving] = types.new_class(
        name, (Behaving,), exec_body=lambda body: body.update(members, forward=forward)
    )
    return made


def _optional(annotation: Any) -> Any:
    return typing.Optional[annotation]  # noqa: UP045 - `|` refuses some of them


def _optional_last(item: tuple[str, InputShape]) -> bool:
    return item[1].need == "o"


def _without_none(results: dict[str, Any]) -> dict[str, Any] | None:
    return {port: value for port, value in results.items() if value is not None} or None


def _fields(
    style: str, annotations: Mapping[str, Any]
) -> tuple[Any, Callable[[dict[str, Any]], Any]]:
    fields = {port: _optional(kind) for port, kind in annotations.items()}
    makers: dict[str, Any] = {"typed": typing.TypedDict, "named": NamedTuple}
    if style == "typed":
        return makers[style]("Fields", fields, total=False), _without_none
    make = makers.get(style, dataclasses.make_dataclass)
    made: Callable[..., Any] = make("Fields", list(fields.items()))
    return made, lambda results: made(**results)


def __getattr__(name: str) -> Any:
    if name.startswith("Part_"):
        return part_class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class Wire:
    """What feeds an input.

    Args:
        source: The index of the component in the plan.
        port: Its output.
        policy: How the input takes it.
        initial: A tuple of the delay's initial value; None for no delay.
    """

    source: int
    port: str
    policy: str = "sync"
    initial: tuple[Any] | None = None


@dataclass(frozen=True)
class Member:
    """One component of a plan.

    Args:
        path: The names of the subsystems around it, and its own.
        shape: The name of its class.
        behaviour: What it does.
        every: Its every.
        takes: How many ticks a firing takes.
        wires: What feeds each input; None where one stays unconnected.
    """

    path: tuple[str, ...]
    shape: str
    behaviour: Behaviour
    every: int | Fraction
    wires: tuple[Wire | None, ...]
    takes: int = 0

    @property
    def address(self) -> str:
        """Its name in the flat system."""
        return ".".join(self.path)

    def unfed(self) -> dict[str, Any]:
        """Return the inputs that stay unconnected, as the component gets them."""
        return {f"in{n}": DEFAULT for n, wire in enumerate(self.wires) if wire is None}


@dataclass(frozen=True)
class Plan:
    """A system as data; its members in list order."""

    members: tuple[Member, ...]

    def addresses(self) -> list[str]:
        """Return the addresses of all outputs."""
        return [
            f"{member.address}.{output.name}"
            for member in self.members
            for output in member.behaviour.outputs
        ]

    def that_reuses_nothing(self) -> Plan:
        """Return the same system with components that never write over a value."""
        return Plan(
            tuple(
                dataclasses.replace(
                    member,
                    behaviour=dataclasses.replace(member.behaviour, reuses=False),
                )
                for member in self.members
            )
        )

    def parts(self) -> list[Part]:
        """Return what the oracle evaluates."""
        return [self._part(member) for member in self.members]

    def _part(self, member: Member) -> Part:
        feeds = {
            f"in{n}": Feed(
                source=f"{self.members[wire.source].address}.{wire.port}",
                policy=wire.policy,
                initial=wire.initial,
            )
            for n, wire in enumerate(member.wires)
            if wire is not None
        }
        unfed = {
            f"in{n}": DEFAULT for n, wire in enumerate(member.wires) if wire is None
        }
        return Part(
            address=member.address,
            feeds=feeds,
            outputs=tuple(output.name for output in member.behaviour.outputs),
            every=member.every,
            takes=member.takes,
            compute=lambda firing, inputs: member.behaviour.compute(
                firing, {**unfed, **inputs}
            ),
        )

    def build(self) -> System:
        """Return the live system."""
        live = [
            part_class(member.shape)(
                member.behaviour, name=member.path[-1], takes=member.takes
            )
            for member in self.members
        ]
        for member, component in zip(self.members, live, strict=True):
            component.every = member.every
            for n, wire in enumerate(member.wires):
                if wire is not None:
                    target = component.inputs[f"in{n}"]
                    if target.policy != wire.policy:
                        target.policy = wire.policy
                    source = live[wire.source].outputs[wire.port]
                    target.connect(
                        source if wire.initial is None else source.delay(*wire.initial)
                    )
        return self._nest(list(zip(self.members, live, strict=True)), 0, "system")

    def _nest(
        self, items: list[tuple[Member, Behaving]], depth: int, name: str
    ) -> System:
        children: list[Any] = []
        while items:
            member, component = items[0]
            if len(member.path) == depth + 1:
                children.append(component)
                items = items[1:]
                continue
            group = member.path[depth]
            inside = [
                item
                for item in items
                if len(item[0].path) > depth + 1 and item[0].path[depth] == group
            ]
            children.append(self._nest(inside, depth + 1, group))
            items = items[len(inside) :]
        return System(children, name=name)


@st.composite
def plans(draw: st.DrawFn, most: int = 20) -> Plan:
    """Draw a system of 1 to `most` components."""
    size = draw(st.one_of(st.integers(1, min(5, most)), st.integers(1, most)))
    rank = draw(st.permutations(range(size)))
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    results = [draw(_results(kinds)) for _ in range(size)]
    paths = draw(_paths(size))
    slow = draw(_takes(size))
    members = []
    for n in range(size):
        wires = draw(_wires(n, rank, results, slow))
        style, outputs = results[n]
        behaviour = draw(_behaviours(outputs, wires, results))
        members.append(
            Member(
                path=paths[n],
                shape=draw(_shapes(style, behaviour, wires, results)),
                behaviour=behaviour,
                every=draw(_every(wires)),
                takes=slow[n],
                wires=tuple(wires),
            )
        )
    return Plan(tuple(_troubled(members, draw(_troubles(size)))))


@st.composite
def _troubles(draw: st.DrawFn, size: int) -> dict[int, dict[str, Any]]:
    """Draw which components end the run or fail, and when; in half the systems none."""
    found: dict[int, dict[str, Any]] = {}
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 4]))):
        n, firing = draw(st.integers(0, size - 1)), draw(st.integers(0, 14))
        if draw(st.booleans()):
            found[n] = {"ends_at": firing}
        else:
            failure = draw(st.sampled_from(sorted(FAILURES)))
            found[n] = {"fails_at": firing, "failure": failure}
    return found


def _troubled(
    members: list[Member], troubles: Mapping[int, Mapping[str, Any]]
) -> list[Member]:
    for n, trouble in troubles.items():
        behaviour = dataclasses.replace(members[n].behaviour, **trouble)
        members[n] = dataclasses.replace(members[n], behaviour=behaviour)
    return members


@st.composite
def _results(draw: st.DrawFn, kinds: list[str]) -> tuple[str, list[Output]]:
    """Draw a style and its outputs, without what they echo."""
    style = draw(st.sampled_from(("single", "single", *_STYLES)))
    count = {"none": 0, "single": 1}.get(style)
    if count is None:
        count = draw(st.integers(1, 3))
    silences = st.sampled_from([0, 0, 0, 1, 3, 6, 8])
    choice = st.sampled_from([*kinds, PACKED])
    if style == "tuple" and count == 1:
        # Whether a tuple of one is the port's value or around it is a matter of type.
        choice = choice.map(lambda kind: "i" if kind in "tu" else kind)
    return style, [
        Output(name, draw(choice), silence=draw(silences))
        for name in port_names(style, count)
    ]


@st.composite
def _paths(draw: st.DrawFn, size: int) -> list[tuple[str, ...]]:
    """Draw who is in which subsystem: neighbours only, three levels deep at most."""
    paths: list[tuple[str, ...]] = []
    scope: tuple[str, ...] = ()
    for n in range(size):
        move = draw(st.integers(0, 9))
        if move == 0 and len(scope) < 3:
            scope = (*scope, f"s{n}")
        elif move == 1:
            scope = scope[:-1]
        paths.append((*scope, f"c{n}"))
    return paths


@st.composite
def _wires(
    draw: st.DrawFn,
    n: int,
    rank: list[int],
    results: list[tuple[str, list[Output]]],
    slow: list[int],
) -> list[Wire | None]:
    """Draw what feeds one component's inputs."""
    everything = [
        (source, output)
        for source, (_, outputs) in enumerate(results)
        for output in outputs
    ]
    earlier = [item for item in everything if rank[item[0]] < rank[n]]
    back = [item for item in everything if slow[item[0]] and item not in earlier]
    wires: list[Wire | None] = []
    policies = st.sampled_from(["sync", "sync", "sync", "hold", "latest"])
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 2, 3, 4]))):
        how = draw(st.sampled_from(["now", "now", "now", "delay", "unfed"]))
        if how == "unfed":
            wires.append(None)
        elif how == "delay" and everything:
            source, output = draw(st.sampled_from(everything))
            seed = draw(st.integers(0, 99))
            first = KINDS[output.kind].make(random.Random(seed)) if seed else None
            wires.append(Wire(source, output.name, draw(policies), (first,)))
        elif earlier or back:
            source, output = draw(st.sampled_from(earlier + back))
            policy = draw(policies)
            if (source, output) in back and policy == "sync":
                policy = "hold"  # a cycle of sync inputs would never fire
            wires.append(Wire(source, output.name, policy))
    if wires == [None]:
        wires.append(None)  # a chain would be inferred from one
    return wires


@st.composite
def _behaviours(
    draw: st.DrawFn,
    outputs: list[Output],
    wires: list[Wire | None],
    results: list[tuple[str, list[Output]]],
) -> Behaviour:
    """Draw what a component does, with outputs that echo inputs of their kind."""
    given = {
        f"in{n}": _kind_of(wire, results)
        for n, wire in enumerate(wires)
        if wire is not None
    }
    made = []
    for output in outputs:
        fit = [port for port, kind in given.items() if output.kind in (kind, PACKED)]
        echoes = draw(st.sampled_from(["", *fit, *fit]))
        packs = bool(echoes) and given[echoes] != output.kind
        made.append(dataclasses.replace(output, echoes=echoes, packs=packs))
    return Behaviour(
        salt=draw(st.integers(0, 255)), outputs=tuple(made), reuses=draw(st.booleans())
    )


def _kind_of(wire: Wire, results: list[tuple[str, list[Output]]]) -> str:
    return next(o.kind for o in results[wire.source][1] if o.name == wire.port)


@st.composite
def _shapes(
    draw: st.DrawFn,
    style: str,
    behaviour: Behaviour,
    wires: list[Wire | None],
    results: list[tuple[str, list[Output]]],
) -> str:
    """Draw how the class is written: what is annotated, declared, keyword-only."""
    inputs = []
    for wire in wires:
        if wire is None:
            letter = draw(st.sampled_from("xi"))
            inputs.append(InputShape(letter, "o", draw(st.sampled_from("nh"))))
            continue
        letter = draw(st.sampled_from(["x", _kind_of(wire, results)]))
        policy = draw(st.sampled_from(["n", wire.policy[0]]))
        inputs.append(InputShape(letter, draw(st.sampled_from("rrok")), policy))
    outputs = [
        "x"
        if (style == "single" and output.kind in SPREAD) or draw(st.booleans())
        else output.kind
        for output in behaviour.outputs
    ]
    positional = sum(shape.need != "k" for shape in inputs)
    nameless = min(positional, draw(st.sampled_from([0, 0, 0, 1, 2])))
    return class_name(inputs, nameless, style, outputs)


@st.composite
def _takes(draw: st.DrawFn, size: int) -> list[int]:
    """Draw how many ticks the firings take; in half the systems none."""
    several = st.sampled_from([0, 0, 1, 1, 2, 3, 5])
    each = draw(st.sampled_from([st.just(0), st.just(0), several, several]))
    return draw(st.lists(each, min_size=size, max_size=size))


@st.composite
def _every(draw: st.DrawFn, wires: list[Wire | None]) -> int | Fraction:
    """Draw an every, where no sync input fires the component."""
    if any(wire is not None and wire.policy == "sync" for wire in wires):
        return 1
    rates: list[int | Fraction] = [
        1,
        1,
        1,
        2,
        3,
        7,
        Fraction(20, 3),
        Fraction(7, 2),
        Fraction(3, 2),
    ]
    every: int | Fraction = draw(st.sampled_from(rates))
    return every
