"""Systems drawn at random, within what an engine declares."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import strategies as st

from like_keras_core.node import Node
from like_keras_core.system import System
from like_keras_core.testing import random_components as mix


@dataclass(frozen=True)
class Wire:
    """What feeds one input.

    Args:
        source: The number of the component.
        port: Its output: `"x"` or `"y"`.
        policy: `"sync"` or `"hold"`.
        initial: The initial value of a delay; None for no delay.
    """

    source: int
    port: str
    policy: str = "sync"
    initial: int | None = None


@dataclass(frozen=True)
class Part:
    """One component.

    Args:
        node: Where it runs.
        wires: What feeds its inputs.
        kind: What it sends on `x`.
        silence: Of eight firings, so many send nothing on `x`.
        every: Its every.
        takes: How many ticks a firing takes.
        ends_at: The firing that ends the run; -1 is none.
        fails_at: The firing that fails; -1 is none.
    """

    node: int
    wires: tuple[Wire, ...]
    kind: str
    silence: int = 0
    every: int | Fraction = 1
    takes: int = 0
    ends_at: int = -1
    fails_at: int = -1


@dataclass(frozen=True)
class Plan:
    """A system as data, its parts in list order."""

    parts: tuple[Part, ...]
    iterations: int

    def build(self) -> System:
        """Return the live system."""
        classes = (mix.Mix0, mix.Mix1, mix.Mix2, mix.Mix3)
        live = [
            classes[len(part.wires)](
                salt=n,
                kind=part.kind,
                silence=part.silence,
                ends_at=part.ends_at,
                fails_at=part.fails_at,
                name=f"c{n}",
                node=Node(f"n{part.node}"),
                every=part.every,
                takes=part.takes,
            )
            for n, part in enumerate(self.parts)
        ]
        for part, component in zip(self.parts, live, strict=True):
            for name, wire in zip("abc", part.wires, strict=False):
                target = component.inputs[name]
                if wire.policy != "sync":
                    target.policy = wire.policy
                source = live[wire.source].outputs[wire.port]
                delayed = None if wire.initial is None else source.delay(wire.initial)
                target.connect(source if delayed is None else delayed)
        return System(live, name="random")


@st.composite
def plans(draw: st.DrawFn, declared: Set[str], most: int = 9) -> Plan:
    """Draw a system of up to `most` components that uses only what is declared.

    Args:
        draw: Hypothesis's.
        declared: The capabilities that it may use.
        most: How many components there are at most.
    """
    size = draw(st.integers(1, most))
    rank = draw(st.permutations(range(size)))
    troubles = draw(st.sampled_from([0, 0, 0, 1, 1, 2]))
    troubled = draw(
        st.lists(st.integers(0, size - 1), min_size=troubles, max_size=troubles)
    )
    each = st.sampled_from([0, 0, 1, 2, 5] if "takes" in declared else [0])
    slow = draw(st.lists(each, min_size=size, max_size=size))
    made = []
    for n in range(size):
        earlier = [m for m in range(size) if rank[m] < rank[n]]
        back = [m for m in range(size) if slow[m] and m not in earlier]
        wires = tuple(_wires(draw, earlier, back, size, declared))
        fires_alone = not any(wire.policy == "sync" for wire in wires)
        every: int | Fraction = 1
        if fires_alone and "every" in declared:
            rates: list[int | Fraction] = [1, 1, 2, 3, Fraction(7, 3)]
            every = draw(st.sampled_from(rates))
        ends_at = fails_at = -1
        if n in troubled:
            at = draw(st.integers(0, 9))
            ends_at, fails_at = (at, -1) if draw(st.booleans()) else (-1, at)
        made.append(
            Part(
                node=draw(st.integers(0, 3)),
                wires=wires,
                kind=draw(st.sampled_from(mix.KINDS)),
                silence=draw(st.sampled_from([0, 0, 2, 5, 8])),
                every=every,
                takes=slow[n],
                ends_at=ends_at,
                fails_at=fails_at,
            )
        )
    return Plan(tuple(made), draw(st.sampled_from([0, 1, 2, 12, 12, 70])))


def _wires(
    draw: st.DrawFn,
    earlier: list[int],
    back: list[int],
    size: int,
    declared: Set[str],
) -> list[Wire]:
    """Draw what feeds one component: `back` may be held, a sync cycle never fires."""
    ways = ["now"] if earlier else []
    ways += ["delay"] if "delay" in declared else []
    ways += ["back"] if back and "hold" in declared else []
    if not ways:
        return []
    policies = ["sync", "sync", "hold"] if "hold" in declared else ["sync"]
    found = []
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 2, 3]))):
        way = draw(st.sampled_from([*ways, ways[0]]))
        port, policy = draw(st.sampled_from("xyy")), draw(st.sampled_from(policies))
        if way == "delay":
            found.append(Wire(draw(st.integers(0, size - 1)), port, policy, -7))
        elif way == "back":
            found.append(Wire(draw(st.sampled_from(back)), port, "hold"))
        else:
            found.append(Wire(draw(st.sampled_from(earlier)), port, policy))
    return found
