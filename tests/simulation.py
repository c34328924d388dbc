"""A whole run of several hosts in one process, under a hostile and seeded scheduler.

Hosts, links and the control channels are actors; at each turn one of those that can do
something is drawn, with weights that differ by a factor of up to sixty. A link keeps the
order of its messages, or is a channel of `flow` over a transport that loses, doubles and
swaps its frames.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from like_keras_core.component import Component
from like_keras_core.runtime.agreement import Follower, Leader
from like_keras_core.runtime.cut import Cut
from like_keras_core.runtime.node_host import NodeHost
from like_keras_core.spec import SystemSpec, split_address
from like_keras_core.values import snapshot

SPEEDS = (1, 8, 60)


class Deadlock(AssertionError):
    """Nobody can do anything, and the run is not over."""


@dataclass
class FifoLink:
    """Values in order, after any time; at most a window of them without a credit."""

    window: int
    data: deque[tuple[int, Any]] = field(default_factory=deque)
    credits: deque[int] = field(default_factory=deque)
    sent: deque[int] = field(default_factory=deque)
    most: int = 0

    @property
    def has_credit(self) -> bool:
        return len(self.sent) < self.window

    def send(self, tick: int, value: Any) -> None:
        assert self.has_credit
        self.data.append((tick, snapshot(value)))
        self.sent.append(tick)
        self.most = max(self.most, len(self.sent))

    def absent(self, tick: int) -> None:
        if self.data and self.data[-1][1] is None:
            self.data.pop()
        self.data.append((tick, None))

    def release(self, tick: int) -> None:
        self.credits.append(tick)

    def take_credit(self) -> None:
        tick = self.credits.popleft()
        while self.sent and self.sent[0] <= tick:
            self.sent.popleft()

    def deliver(self, host: NodeHost, source: str) -> None:
        tick, value = self.data.popleft()
        if value is None:
            host.absent(source, tick)
        else:
            host.push(source, tick, value)


@dataclass
class Outcome:
    """What a simulated run gave."""

    cut: Cut
    records: dict[str, list[tuple[int, Any]]]
    components: dict[str, tuple[int, int]]
    messages: dict[str, int]
    error: tuple[str, int | None] | None
    most_in_flight: int
    furthest: int


class Simulation:
    """Hosts, links and a leader.

    Args:
        spec: The system, its components placed on nodes.
        components: The live components by address.
        iterations: How many ticks; None until stopped.
        seed: Of the scheduler.
        window: Values in flight on a connection.
        run_ahead: Ticks that a host may be ahead.
    """

    def __init__(
        self,
        spec: SystemSpec,
        components: Mapping[str, Component],
        iterations: int | None,
        *,
        seed: int,
        window: int,
        run_ahead: int,
    ) -> None:
        self.dice = random.Random(seed)
        self.spec = spec
        self.hosts: dict[str, NodeHost] = {}
        self.links: dict[tuple[str, str], FifoLink] = {}
        nodes = {component.name: component.node for component in spec.components}
        for node in dict.fromkeys(nodes.values()):
            mine = {name: components[name] for name in nodes if nodes[name] == node}
            ports = [
                f"{item.name}.{port.name}"
                for item in spec.components
                if item.node == node
                for port in item.outputs
            ]
            self.hosts[node] = NodeHost(
                spec,
                node,
                mine,
                released=lambda source, tick, node=node: self.links[
                    source, node
                ].release(tick),
                window=window,
                run_ahead=run_ahead,
                record=ports,
            )
        for connection in spec.connections:
            here = nodes[split_address(connection.source)[0]]
            there = nodes[split_address(connection.target)[0]]
            key = (connection.source, there)
            if here != there and key not in self.links:
                self.links[key] = FifoLink(window)
                self.hosts[here].link(connection.source, self.links[key])
        self.leader = Leader(self.hosts, iterations)
        self.followers = {node: Follower(host) for node, host in self.hosts.items()}
        self.up: dict[str, deque[Any]] = {node: deque() for node in self.hosts}
        self.down: dict[str, deque[Any]] = {node: deque() for node in self.hosts}
        self.weights: dict[Any, int] = {}
        self.furthest = 0

    def run(self, stop_after: int | None = None) -> Outcome:
        """Let the actors act until the run is over."""
        for host in self.hosts.values():
            host.configure()
            host.activate()
        turns = 0
        while not self.leader.is_done:
            if turns == stop_after:
                self.leader.stop()
            self._post()
            actors = self._actors()
            if not actors:
                raise Deadlock("\n".join(self._state()))
            keys = list(actors)
            weights = [
                self.weights.setdefault(key, self.dice.choice(SPEEDS)) for key in keys
            ]
            actors[self.dice.choices(keys, weights)[0]]()
            turns += 1
        self._post()
        for node, messages in self.down.items():
            for message in messages:
                self.followers[node].receive(message)
        for host in self.hosts.values():
            host.deactivate()
            host.shutdown()
        return self._outcome()

    def _post(self) -> None:
        for node, follower in self.followers.items():
            self.up[node].extend(follower.messages())
        for node, message in self.leader.outbox:
            self.down[node].append(message)
        self.leader.outbox.clear()

    def _actors(self) -> dict[Any, Callable[[], object]]:
        actors: dict[Any, Callable[[], object]] = {}
        for node, host in self.hosts.items():
            if host.is_ready:
                actors["step", node] = host.step
            if self.up[node]:
                actors["up", node] = lambda node=node: self.leader.receive(
                    node, self.up[node].popleft()
                )
            if self.down[node]:
                actors["down", node] = lambda node=node: self.followers[node].receive(
                    self.down[node].popleft()
                )
        for (source, node), link in self.links.items():
            if link.data:
                actors["data", source, node] = (
                    lambda link=link, source=source, node=node: link.deliver(
                        self.hosts[node], source
                    )
                )
            if link.credits:
                actors["credit", source, node] = link.take_credit
        return actors

    def _state(self) -> list[str]:
        lines = [line for host in self.hosts.values() for line in host.waits_for()]
        return [f"leader at {self.leader.cut}", *lines]

    def _outcome(self) -> Outcome:
        records: dict[str, list[tuple[int, Any]]] = {}
        components: dict[str, tuple[int, int]] = {}
        messages: dict[str, int] = {}
        error = None
        for host in self.hosts.values():
            assert host.cut.place == self.leader.cut.place
            records.update(host.recorded())
            counted, sent = host.counts()
            components |= {
                name: (item.fired, item.absent) for name, item in counted.items()
            }
            messages |= sent
            failure = host.failure
            if (
                self.leader.cut.kind == "error"
                and failure is not None
                and failure.name == self.leader.cut.component
                and failure.tick == self.leader.cut.tick
            ):
                error = (failure.name, failure.tick)
        return Outcome(
            self.leader.cut,
            records,
            components,
            messages,
            error,
            max((link.most for link in self.links.values()), default=0),
            max(host.progress for host in self.hosts.values()),
        )
