"""Systems over several nodes, and all of a run that must not depend on the engine."""

from __future__ import annotations

from typing import Any

import like_keras_core as lk
from like_keras_core import ComponentError, Node, System
from like_keras_core.testing.components import Count, Fail, Odd, Scale, Sum


def diamond(*, limit: int | None = None, tick: int = -1) -> System:
    """Return a diamond over three nodes, with a branch that is mostly silent."""
    a, b, c = Node("a"), Node("b"), Node("c")
    count, scale = Count(limit=limit, node=a), Scale(node=b)
    odd, fail, add = Odd(node=c), Fail("forward", tick=tick, node=b), Sum(node=a)
    numbers = count()
    add(fail(scale(numbers)), odd(numbers))
    return System([count, scale, odd, fail, add])


def loop() -> System:
    """Return a loop with a delay over two nodes."""
    one, two = Scale(node=Node("a")), Odd(node=Node("b"))
    one(two.outputs.output.delay(initial=1))
    two(one())
    return System([one, two])


def outcome(system: System, engine: str, **options: Any) -> tuple[Any, ...]:
    """Return all that must not depend on the engine."""
    error = None
    try:
        report = system.launch(engine=engine, record="all", **options)
    except ComponentError as raised:
        report = raised.report or lk.RunReport(engine="", system="")
        error = (raised.component, raised.node, raised.tick)
    fired = {name: (x.fired, x.absent) for name, x in report.components.items()}
    sent = {name: x.messages for name, x in report.connections.items()}
    return error, report.iterations, report.ended_by, fired, sent, dict(report.records)
