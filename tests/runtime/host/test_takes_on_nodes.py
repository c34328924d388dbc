"""Tests of components that take ticks over several hosts, under a hostile scheduler."""

from __future__ import annotations

import random
from typing import Any

import pytest

from like_keras_core import Component, EndOfStream, InputPort, Node, System
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.testing.components import Count
from tests.simulation import Outcome, Simulation
from tests.slow_components import Held, Slow
from tests.workers import SimulatedWorker


class Part(Component):
    """Gives a value that says what it was given; nothing, an error or the end."""

    a = InputPort(Any, required=False)
    b = InputPort(Any, required=False)

    def __init__(
        self,
        name: str,
        node: Node,
        every: int,
        takes: int,
        silence: int,
        fails: tuple[int, BaseException] | None,
    ) -> None:
        super().__init__(name, node, None, every, takes=takes)
        self.silence, self.fails, self.fired = silence, fails, 0

    def forward(self, a: Any = None, b: Any = None) -> Any:
        self.fired += 1
        if self.fails is not None and self.fails[0] == self.fired:
            raise self.fails[1]
        if self.silence and self.fired % self.silence == 0:
            return None
        return hash((self.name, self.fired, a, b)) % 10**6


def drawn(seed: int) -> System:
    """Draw a system of a few components on a few nodes."""
    dice = random.Random(seed)
    nodes = [Node(f"n{i}") for i in range(dice.randint(1, 3))]
    ends: list[BaseException | None] = [None, None, ValueError("no"), EndOfStream()]
    parts: list[Part] = []
    for i in range(dice.randint(2, 6)):
        end = dice.choice(ends) if dice.random() < 0.3 else None
        parts.append(
            Part(
                f"c{i}",
                dice.choice(nodes),
                1,
                dice.choice([0, 0, 1, 2, 5]),
                dice.choice([0, 0, 2, 3]),
                None if end is None else (dice.randint(1, 8), end),
            )
        )
    for i, part in enumerate(parts):
        is_sync = False
        for port in (part.inputs["a"], part.inputs["b"])[: dice.randint(0, 2)]:
            source = dice.choice(parts)
            kind = dice.choice(["sync", "hold", "delay"])
            ahead = parts.index(source) >= i
            if kind == "sync" and ahead:
                kind = "hold" if source.takes else "delay"
            if kind == "hold" and ahead and not source.takes:
                kind = "delay"
            port.policy = "hold" if kind == "hold" else "sync"
            is_sync = is_sync or kind != "hold"
            output = source.outputs["output"]
            port.connect(output.delay(initial=-1) if kind == "delay" else output)
        if not is_sync:
            part.every = dice.choice([1, 1, 2, 3])
    return System(parts)


def alone(system: System, ticks: int) -> SingleHost:
    """Run a system on one host."""
    lowered = system.lower()
    host = SingleHost(
        lowered.spec, lowered.components, record="all", worker=SimulatedWorker
    )
    host.configure()
    host.activate()
    host.note(host.run(ticks))
    host.deactivate()
    host.shutdown()
    return host


def simulated(system: System, ticks: int, seed: int) -> Outcome:
    """Run it on a host for each node."""
    lowered, dice = system.lower(), random.Random(seed)
    return Simulation(
        lowered.spec,
        lowered.components,
        ticks,
        seed=seed,
        window=dice.choice([1, 1, 2, 3]),
        run_ahead=dice.choice([1, 2, 8, 32]),
    ).run()


@pytest.mark.parametrize("block", range(8))
def test_several_hosts_give_what_one_gives(block: int) -> None:
    """Records, counts, messages and the end, whenever threads and links act."""
    for seed in range(25 * block, 25 * (block + 1)):
        one, found = alone(drawn(seed), 20), simulated(drawn(seed), 20, seed)

        report = one.report("one")
        assert found.records == one.recorded(), seed
        assert found.cut.place == one.cut.place, seed
        assert found.ended_by == one.ended_by, seed
        counted = {x: (y.fired, y.absent) for x, y in report.components.items()}
        assert found.components == counted, seed
        for connection in one.spec.connections:
            sent = report.connections[str(connection)].messages
            assert found.messages[connection.source] == sent, seed


def test_two_that_need_the_results_of_each_other_get_on() -> None:
    """What is empty before the first result is known without a message."""
    slow, held = Slow(node=Node("a"), takes=1), Held(node=Node("b"))
    held(slow.outputs.output)
    slow(held.outputs.output.delay(initial=0))

    found = simulated(System([slow, held]), 6, 1)

    assert found.records["held.output"] == [(t, 0) for t in range(1, 6)]


def test_one_that_waits_for_a_result_says_so() -> None:
    """It names the component, and the tick at which it began."""
    slow, count = Slow(takes=2), Count()
    slow(count())
    lowered = System([count, slow]).lower()
    host = NodeHost(
        lowered.spec,
        "main",
        lowered.components,
        released=lambda *_: None,
        worker=SimulatedWorker,
    )
    host.configure()
    host.activate()
    host.start()
    while host.step():
        pass

    waits = host.waits_for()

    awaited = host.awaited()
    assert awaited is not None
    assert (awaited.name, awaited.begun, awaited.due) == ("slow", 0, 2)
    assert waits == [
        "On node 'main', 'slow' waits at tick 2 for 'slow', which began at tick 0."
    ]
