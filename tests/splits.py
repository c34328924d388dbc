"""Systems spread over nodes: drawn, or read from a line of text; and what they give.

In a line of text `c2@A(c0, c1|, c3~) every=2` is a component on node A with a sync, a
delayed and a hold input; `c0?` is one that takes whatever came last. After it may stand
`every=2` or `every=20/3`; `takes=2`, the ticks from a firing to its results;
`silence=8`, of eight firings so many that send nothing; `ends=1` and `raises=1`, the
firing that ends the run or fails.
"""

from __future__ import annotations

import dataclasses
import random
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from like_keras_core import (
    Component,
    ComponentError,
    LkWarning,
    Node,
    RunReport,
    System,
    SystemSpec,
)
from like_keras_core.testing import same
from tests import oracle
from tests.components import report_of
from tests.simulation import Outcome
from tests.systems import (
    Behaviour,
    InputShape,
    Member,
    Output,
    Plan,
    Wire,
    class_name,
    number,
    part_class,
    plans,
    spell,
)

_PART = re.compile(r"(\w+)@(\w+)(?:\(([^)]*)\))?((?: \w+=\d+(?:/\d+)?)*)(?:, |$)")
_POLICIES = {"|": "sync", "~": "hold", "?": "latest"}


@dataclass(frozen=True)
class Split:
    """A system and where its components run.

    Args:
        plan: The system.
        nodes: The node of each member.
    """

    plan: Plan
    nodes: tuple[str, ...]

    def build(self) -> System:
        """Return the live system, its components placed."""
        system = self.plan.build()
        for component, node in zip(system.components, self.nodes, strict=True):
            component.node = Node(node)
        return system

    def spec(self) -> SystemSpec:
        """Return the system as data."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LkWarning)
            return self.build().to_spec()

    def components(self) -> dict[str, Component]:
        """Return fresh components, by address."""
        return {
            member.address: part_class(member.shape)(
                member.behaviour, name=member.path[-1], takes=member.takes
            )
            for member in self.plan.members
        }


@dataclass(frozen=True)
class Stamped(Behaviour):
    """Sends a number that no other firing of any component sends."""

    def compute(self, firing: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return a number, or None, for each output."""
        stamp = number(self.salt, firing, dict(sorted(inputs.items())))
        results = super().compute(firing, inputs)
        return {
            port: None if value is None else stamp for port, value in results.items()
        }


def split(text: str) -> Split:
    """Read a system and its nodes from a line of text."""
    found = list(_PART.finditer(text))
    assert "".join(match[0] for match in found) == text, text
    names = [match[1] for match in found]
    members = []
    for n, match in enumerate(found):
        options = dict(item.split("=") for item in match[4].split())
        every, takes = options.pop("every", "1"), int(options.pop("takes", 0))
        silence = int(options.pop("silence", 0))
        ends, raises = int(options.pop("ends", -1)), int(options.pop("raises", -1))
        assert not options, match[4]
        wires = [_wire(item, names) for item in (match[3] or "").split(", ") if item]
        shapes = [InputShape("x", "r", wire.policy[0]) for wire in wires]
        members.append(
            Member(
                path=(match[1],),
                shape=class_name(shapes, 0, "single", "x"),
                behaviour=Stamped(
                    salt=n,
                    outputs=(Output("output", "i", silence=silence),),
                    ends_at=ends,
                    fails_at=raises,
                ),
                every=Fraction(every) if "/" in every else int(every),
                takes=takes,
                wires=tuple(wires),
            )
        )
    return Split(Plan(tuple(members)), tuple(match[2] for match in found))


def _wire(text: str, names: list[str]) -> Wire:
    name, mark = (text[:-1], text[-1]) if text[-1] in _POLICIES else (text, "|")
    initial = (-1,) if text[-1] == "|" else None
    return Wire(names.index(name), "output", _POLICIES[mark], initial)


@st.composite
def splits(draw: st.DrawFn, latest: bool = False) -> Split:
    """Draw a system, with its nodes and its troubles.

    Args:
        draw: Hypothesis's.
        latest: Whether inputs may take whatever came last, which is a matter of luck.
    """
    plan = draw(plans())
    plan = plan if latest else without_latest(plan)
    size = len(plan.members)
    nodes = draw(st.lists(st.integers(0, 5), min_size=size, max_size=size))
    density = draw(st.sampled_from([0, 0, 3, 10, 30]))
    plan = _troubled(plan, density / 100, draw(st.randoms(use_true_random=False)))
    return Split(plan, tuple(f"n{node}" for node in nodes))


def _troubled(plan: Plan, density: float, dice: random.Random) -> Plan:
    """Let some members end the run or fail, most of them at about the same time."""
    members = list(plan.members)
    about = dice.choice([0, 1, 2, 5, 12])
    for n, member in enumerate(members):
        if density and dice.random() < density:
            changes: Any = {
                dice.choice(["ends_at", "fails_at"]): about + dice.choice([0, 0, 1])
            }
            behaviour = dataclasses.replace(member.behaviour, **changes)
            members[n] = dataclasses.replace(member, behaviour=behaviour)
    return Plan(tuple(members))


def without_latest(plan: Plan) -> Plan:
    """Return a system that holds where it took whatever came last."""
    members = []
    for member in plan.members:
        wires = [
            dataclasses.replace(wire, policy="hold")
            if wire is not None and wire.policy == "latest"
            else wire
            for wire in member.wires
        ]
        members.append(dataclasses.replace(member, wires=tuple(wires)))
    return Plan(tuple(members))


@dataclass(frozen=True)
class Alone:
    """What the single host gives.

    Args:
        report: Its report.
        error: What was raised, by which component, and when.
    """

    report: RunReport
    error: tuple[type, str, int | None] | None


def alone(system: Split, iterations: int) -> Alone:
    """Run a system in one process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        try:
            report = system.plan.build().launch(
                iterations, engine="native", record="all"
            )
        except ComponentError as raised:
            error = (type(raised.__cause__), raised.component, raised.tick)
            return Alone(report_of(raised), error)
    return Alone(report, None)


def defined(
    system: Split, iterations: int, choices: oracle.Choices | None = None
) -> oracle.Outcome:
    """Return what a run of a system must give, by definition.

    Args:
        system: The system.
        iterations: How many ticks.
        choices: What the clocks of the run have decided.
    """
    return oracle.evaluate(system.plan.parts(), iterations, choices)


def differences_from_definition(
    outcome: Outcome, system: Split, expected: oracle.Outcome
) -> list[str]:
    """List where a split run differs from what it must give.

    One that was stopped is compared with so many ticks.
    """
    found = list[str]()

    def compare(what: str, wanted: Any, got: Any) -> None:
        if not same(wanted, got):
            found.append(f"{what}: expected {wanted!r}, got {got!r}")

    error = expected.error and (type(expected.error[0]), *expected.error[1:])
    compare("error", error, outcome.error)
    compare("ticks", expected.iterations, outcome.ticks)
    if outcome.ended_by != "stop":
        compare("ended_by", expected.ended_by, outcome.ended_by)
    for member in system.plan.members:
        name = member.address
        fired = expected.fired[name]
        pair = (fired, expected.absent[name])
        compare(f"fired and absent of {name}", pair, outcome.components[name])
        received = [
            spell(dict(sorted({**member.unfed(), **inputs}.items())))
            for inputs in expected.received[name]
        ]
        compare(f"inputs of {name}", received, outcome.received[name][:fired])
    for address, values in expected.records.items():
        compare(f"records of {address}", values, outcome.records[address])
        compare(f"messages of {address}", len(values), outcome.messages[address])
    return found


def differences(outcome: Outcome, single: Alone) -> list[str]:
    """List where a split run differs from the single host's.

    One that was stopped is compared with a single host that ran so many ticks.
    """
    report, found = single.report, list[str]()

    def compare(what: str, expected: Any, got: Any) -> None:
        if not same(expected, got):
            found.append(f"{what}: expected {expected!r}, got {got!r}")

    compare("error", single.error, outcome.error)
    compare("ticks", report.iterations, outcome.ticks)
    if outcome.ended_by != "stop":
        compare("ended_by", report.ended_by, outcome.ended_by)
    for name, item in report.components.items():
        expected = (item.fired, item.absent)
        compare(f"fired and absent of {name}", expected, outcome.components[name])
        part: Any = report.instances[name]
        received = part.received[: item.fired]
        compare(f"inputs of {name}", received, outcome.received[name][: item.fired])
    for address, values in report.records.items():
        compare(f"records of {address}", list(values), outcome.records[address])
    for connection, carried in report.connections.items():
        source = connection.partition(" -> ")[0]
        compare(connection, carried.messages, outcome.messages[source])
    return found
