"""Tests of what a node says that it waits for: plain sentences, one a segment."""

from __future__ import annotations

import threading
from typing import Any

from like_keras_core import Component, Node, System
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.testing.components import Count, Scale


class Full:
    """A link to a reader that takes nothing."""

    has_credit = False
    lost: tuple[tuple[int, int, int], ...] = ()

    def send(self, tick: int, value: Any) -> None:
        """Take a value."""

    def absent(self, tick: int) -> None:
        """Know of an absence."""

    def settle(self) -> None:
        """Keep nothing."""


class Looks(Component):
    """Asks another thread what its host waits for, and keeps that.

    Args:
        node: Where it runs.
    """

    def __init__(self, node: Node | None = None) -> None:
        super().__init__("slow", node=node)

    def forward(self, value: int) -> int:
        self.seen: list[str] = []
        thread = threading.Thread(
            target=lambda: self.seen.extend(HOSTS[-1].waits_for())
        )
        thread.start()
        thread.join()
        return value


HOSTS: list[NodeHost] = []


def host_of(system: System, node: str, **options: Any) -> NodeHost:
    """Return a node's host that has begun."""
    lowered = system.lower()
    mine = {
        component.name: lowered.components[component.name]
        for component in lowered.spec.components
        if component.node == node
    }
    host = NodeHost(lowered.spec, node, mine, released=lambda *_: None, **options)
    host.configure()
    host.activate()
    host.start()
    HOSTS.append(host)
    return host


def two_nodes() -> System:
    """Return a source on one node and its reader on another."""
    a, b = Node("a"), Node("b")
    return System([Count(node=a), Scale(node=b)])


def test_a_reader_names_the_port_that_it_waits_for() -> None:
    """And the tick; also once some ticks have run."""
    host = host_of(two_nodes(), "b")
    before = host.waits_for()
    host.push("count.output", 0, 1)
    host.step()

    assert before == ["On node 'b', 'scale.value' waits at tick 0 for 'count.output'."]
    assert host.waits_for() == [
        "On node 'b', 'scale.value' waits at tick 1 for 'count.output'."
    ]


def test_a_source_names_the_port_whose_readers_are_behind() -> None:
    """It has no credit left."""
    host = host_of(two_nodes(), "a")
    host.link("count.output", Full())

    assert host.waits_for() == [
        "On node 'a', 'count.output' waits at tick 0 for its readers to catch up."
    ]


def test_a_source_says_that_it_is_as_far_ahead_as_it_may_be() -> None:
    """The option that says so is named."""
    host = host_of(two_nodes(), "a", run_ahead=2)
    while host.step():
        pass

    ahead = "as far ahead of the slowest node as run_ahead allows"
    assert host.waits_for() == [f"On node 'a', 'count' waits at tick 2, {ahead}."]


def test_a_stop_and_the_end_are_told() -> None:
    """First nobody knows where it stops, then all has been done."""
    host = host_of(two_nodes(), "a")
    host.step()
    host.freeze()
    frozen = host.waits_for()
    host.set_cut(StopPoint(1, 0, "stop"))
    host.thaw()
    host.step()

    assert frozen == [
        "On node 'a', 'count' waits at tick 1 to be told where the run stops."
    ]
    assert host.waits_for() == [
        "On node 'a', 'count' has finished; the run ends at tick 1."
    ]


def test_another_thread_learns_which_component_is_firing() -> None:
    """Nothing else of the node can go on."""
    a, b = Node("a"), Node("b")
    looks = Looks(b)
    host = host_of(System([Count(node=a), looks]), "b")
    host.push("count.output", 0, 1)

    host.step()

    (sentence,) = looks.seen
    assert sentence.startswith("On node 'b', 'slow' was inside forward at tick 0, for ")
