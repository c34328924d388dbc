"""Tests of what is refused, or warned of, where components take ticks."""

from __future__ import annotations

import pytest

from like_keras_core import Component, GraphError, InputPort, LkWarning, System
from like_keras_core.graph.checks import check
from like_keras_core.graph.requirements import needs
from like_keras_core.testing.components import Count


class Pass(Component):
    """Gives what it is given."""

    def forward(self, value: int) -> int:
        return value


class Held(Component):
    """Gives what it holds."""

    value = InputPort(int, policy="hold")

    def forward(self, value: int | None) -> int | None:
        return value


class Pair(Component):
    """Needs both."""

    def forward(self, a: int, b: int) -> int:
        return a + b


def codes(system: System) -> list[str]:
    """Return the codes of all that is wrong with a system."""
    return [issue.code for issue in check(system.to_spec())]


def test_a_cycle_of_sync_inputs_never_fires() -> None:
    """Though the ticks that it takes give it an execution order."""
    slow, other = Pass("slow", takes=2), Pass("other")
    other(slow.outputs.output)
    slow(other.outputs.output)

    with pytest.raises(GraphError) as caught:
        System([slow, other]).launch(1)

    (issue,) = caught.value.issues
    assert (issue.code, issue.address) == ("never-fires", "other.value")
    assert "none of them ever fires" in str(issue)
    assert "policy='hold'" in str(issue)
    assert "slow.outputs.output.delay(initial=...)" in str(issue)


def test_each_such_cycle_is_named_once() -> None:
    """Also one of a component that feeds itself; what only follows is not blamed."""
    parts = [Pass(name, takes=1) for name in ("a", "b")]
    for part in parts:
        part(part.outputs.output)
    after = Pass("after")
    after(parts[0].outputs.output)

    assert codes(System([*parts, after])) == ["never-fires", "never-fires"]


def test_a_hold_or_a_delay_gives_a_first_value() -> None:
    """Then the cycle is sound."""
    slow, held = Pass("slow", takes=2), Held("held")
    held(slow.outputs.output)
    slow(held.outputs.output)
    late = Pass("late", takes=2)
    late(late.outputs.output.delay(initial=0))

    assert codes(System([slow, held, late])) == []


def test_one_that_is_busy_when_it_is_due_is_warned_of() -> None:
    """It fires more rarely than `every` says; back to back is nothing to warn of."""
    busy = System([Count(every=5, takes=8)])

    (issue,) = check(busy.to_spec())

    assert (issue.code, issue.severity) == ("unequal-every", "warning")
    assert "fires only once in 10 ticks" in str(issue)
    assert "every=8 or more, or takes=5 or less" in str(issue)
    assert codes(System([Count(takes=8)])) == []
    assert codes(System([Count(every=8, takes=8)])) == []


def test_a_join_with_a_faster_input_is_warned_of() -> None:
    """Its results come each third tick at most."""
    count, slow, pair = Count(), Pass("slow", takes=3), Pair()
    slow(count())
    pair(count.outputs.output, slow.outputs.output)
    system = System([count, slow, pair])

    with pytest.warns(LkWarning, match=r"pair\.b \(every 3\)"):
        system.launch(7, engine="native")
    assert codes(system) == ["unequal-every"]


def test_an_engine_needs_the_capability() -> None:
    """It is named with what needs it."""
    (need,) = needs(System([Count(takes=8)]).to_spec())

    assert (need.name, need.what, need.address) == (
        "takes",
        "takes=8 of 'count'",
        "count",
    )
