"""A whole run of several hosts in one process, under a hostile and seeded scheduler.

Hosts, links, the control channels and the threads of components that take ticks are
actors; at each turn one of those that can do something is drawn, with weights that
differ by up to sixty. A link keeps the order of its messages, or is a channel of `flow`
over a bad transport.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from like_keras_core.component import Component
from like_keras_core.graph.channels import channels_of_run
from like_keras_core.graph.choices import Choices
from like_keras_core.runtime.control.termination import StopCoordinator, StopParticipant
from like_keras_core.runtime.host.node_choices import NodeChoices, merged
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.host.pacer import Pacer
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.spec import SystemSpec
from tests.links import Faults, FifoNetwork, FlowNetwork
from tests.workers import SimulatedWorker

SPEEDS = (1, 1, 8, 60)
TURNS_MAX = 100_000
SILENCE_MAX_S = 5000.0


class Deadlock(AssertionError):
    """Nobody can do anything, or nobody gets on, and the run is not over."""


@dataclass(frozen=True)
class Outcome:
    """What a simulated run gave.

    Args:
        cut: Where it ended.
        error: What was raised, by which component, and when.
        records: What each port sent, by its address.
        components: How often each component fired, and at how many ticks it did not.
        messages: How many values each port sent.
        received: What each component was given, also beyond the end.
        most_waiting: The most values that one channel of a host kept at a time.
        choices: What the hosts decided by their clocks, or by luck.
    """

    cut: StopPoint
    error: tuple[type, str, int | None] | None
    records: Mapping[str, list[tuple[int, Any]]]
    components: Mapping[str, tuple[int, int]]
    messages: Mapping[str, int]
    received: Mapping[str, list[str]]
    most_waiting: int
    choices: Choices

    @property
    def ticks(self) -> int:
        """How many ticks count as a whole."""
        return self.cut.tick

    @property
    def ended_by(self) -> str:
        """What kind of an end it was."""
        return self.cut.kind

    @property
    def fired(self) -> dict[str, int]:
        """How often each component fired below the cut."""
        return {name: count for name, (count, _) in self.components.items()}

    @property
    def beyond(self) -> dict[str, int]:
        """How often each component was called beyond the cut."""
        return {
            name: len(self.received[name]) - count for name, count in self.fired.items()
        }

    def comparable(self, iterations: int | None) -> int:
        """Return how many ticks a single host must be given to do the same."""
        if self.ended_by == "stop":
            return self.ticks
        return self.ticks + 1 if iterations is None else iterations


class SimulatedPacer(Pacer):
    """A clock with one tick a second that the scheduler lets pass.

    Args:
        run: The simulation.
        skew: How far ahead it is [s].
    """

    def __init__(self, run: Simulation, skew: float) -> None:
        super().__init__(1.0, lambda: False)
        self.run, self.skew = run, skew

    def start(self) -> float:
        self._start = 0.0
        return 0.0

    def now(self) -> float:
        return self.run.now + self.skew

    def wakes_at(self, tick: int) -> float:
        return float(tick)

    def wait(self, tick: int) -> None:
        self.late_ticks += self.now() > tick + 0.5


class Simulation:
    """Hosts, links and a leader.

    Args:
        spec: The system, its components placed on nodes.
        components: The live components by address.
        iterations: How many ticks; None until stopped.
        seed: Of the scheduler.
        window: Values in flight on a connection.
        run_ahead: Ticks that a host may be ahead.
        faults: Links are channels of flow, over a transport as bad as this.
        watch: Called after each turn.
        skips: Whether the hosts leave out what is late, by clocks of their own.
        choices: What another run decided, to be repeated.
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
        faults: Faults | None = None,
        watch: Callable[[Simulation], object] | None = None,
        skips: bool = False,
        choices: Choices | None = None,
    ) -> None:
        self.skips, self.choices = skips, choices
        self.now = 0.0
        self.dice = random.Random(seed)
        self.components = components
        self.watch = watch
        self.turns = 0
        self.workers: list[SimulatedWorker] = []
        self.most_waiting = 0
        self.hosts = {
            node.name: self._host(spec, node.name, window, run_ahead)
            for node in spec.nodes
        }
        self.network: FifoNetwork | FlowNetwork = FifoNetwork()
        if faults is not None:
            self.network = FlowNetwork(faults, seed)
        self.readers: dict[tuple[str, str], Callable[[int], None]] = {}
        channels = channels_of_run(spec, skips=skips, repeats=choices is not None)
        for channel in channels:
            link = self.network.add(channel, window, self.hosts[channel.consumer])
            host = self.hosts[channel.producer]
            host.link(channel.source, link, channel.consumer)
            self.readers[channel.source, channel.consumer] = link.release
        self.leader = StopCoordinator(self.hosts, iterations, not skips)
        self.followers = {
            node: StopParticipant(host) for node, host in self.hosts.items()
        }
        self.news: set[str] = set()
        self.up: dict[str, deque[Any]] = {node: deque() for node in self.hosts}
        self.down: dict[str, deque[Any]] = {node: deque() for node in self.hosts}
        self.weights: dict[Any, int] = {}

    def _host(
        self,
        spec: SystemSpec,
        node: str,
        window: int,
        run_ahead: int,
        **options: Any,
    ) -> NodeHost:
        mine = [item for item in spec.components if item.node == node]
        return NodeHost(
            spec,
            node,
            {item.name: self.components[item.name] for item in mine},
            released=lambda source, tick: self.readers[source, node](tick),
            window=window,
            run_ahead=run_ahead,
            record=[
                f"{item.name}.{port.name}" for item in mine for port in item.outputs
            ],
            worker=self._worker,
            skips=self.skips,
            choices=self.choices,
            **options,
        )

    def _worker(self, name: str, woken: Callable[[], object]) -> SimulatedWorker:
        self.workers.append(SimulatedWorker(name, woken))
        return self.workers[-1]

    def run(self, stop_after: int | None = None) -> Outcome:
        """Let the actors act until the run is over.

        Args:
            stop_after: Ask for a stop before this turn.

        Raises:
            Deadlock: It would never be.
        """
        for host in self.hosts.values():
            host.configure()
        for host in self.hosts.values():
            host.activate()
        self._start()
        self._let_hosts_wait(False)
        while not self.leader.is_done:
            if self.turns == stop_after:
                self.leader.stop()
                self._send_down()
            actors = self._actors()
            others = dict(self.network.actors(self.hosts))
            if actors:
                self.network.got_on()
            actors.update(others)
            is_silent = self.network.silence_s > SILENCE_MAX_S
            if not actors or is_silent or self.turns > TURNS_MAX:
                raise Deadlock("\n".join(self._state()))
            actors[self._draw(actors)]()
            self.turns += 1
            self._measure()
            if self.watch is not None:
                self.watch(self)
        self._let_hosts_wait(True)
        return self._end()

    def _let_hosts_wait(self, may_wait: bool) -> None:
        for worker in self.workers:
            worker.may_wait = may_wait

    def _start(self) -> None:
        """Let all hosts know how many ticks there are before the first one starts."""
        self._send_down()
        for node in self.hosts:
            while self.down[node]:
                self._take_down(node)
        for host in self.hosts.values():
            if self.skips:
                skew = self.dice.choice([0.0, 0.0, 0.3, 2.0])
                host.start(1.0, pacer=SimulatedPacer(self, skew))

    def _draw(self, actors: Mapping[Any, object]) -> Any:
        keys = list(actors)
        for key in keys:
            if key not in self.weights:
                self.weights[key] = self.dice.choice(SPEEDS)
        return self.dice.choices(keys, [self.weights[key] for key in keys])[0]

    def _actors(self) -> dict[Any, Callable[[], object]]:
        """Return who can do something, but for the network."""
        actors: dict[Any, Callable[[], object]] = {}
        for node, host in self.hosts.items():
            if host.is_ready:
                actors["step", node] = partial(self._step, node)
            if node in self.news:
                actors["say", node] = partial(self._say, node)
            if self.up[node]:
                actors["up", node] = partial(self._take_up, node)
            if self.down[node]:
                actors["down", node] = partial(self._take_down, node)
        for worker in self.workers:
            if not worker.is_idle:
                actors["work", worker.name] = worker.work
        if self.skips and self.now < self.leader.stop_point.tick + 5:
            actors["clock", ""] = self._pass_time
        return actors

    def _pass_time(self) -> None:
        self.now += self.dice.choice([0.1, 0.3, 1.0, 4.0])

    def _step(self, node: str) -> None:
        assert self.hosts[node].step()
        self.news.add(node)
        self.network.stepped(node)

    def _say(self, node: str) -> None:
        self.news.discard(node)
        self.up[node].extend(self.followers[node].messages())

    def _take_up(self, node: str) -> None:
        self.leader.receive(node, self.up[node].popleft())
        self._send_down()

    def _take_down(self, node: str) -> None:
        self.followers[node].receive(self.down[node].popleft())
        self.news.add(node)

    def _send_down(self) -> None:
        for node, message in self.leader.outbox:
            self.down[node].append(message)
        self.leader.outbox.clear()

    def _measure(self) -> None:
        for host in self.hosts.values():
            for channel in (*host._inputs.values(), *host._wiring.locals.values()):
                lengths = [len(inlet.queue) for inlet in channel.inlets]
                most = max(len(channel.waiting), *lengths)
                self.most_waiting = max(self.most_waiting, most)

    def _state(self) -> list[str]:
        lines = [line for host in self.hosts.values() for line in host.waits_for()]
        return [
            f"leader at {self.leader.stop_point} after {self.turns} turns",
            *lines,
            *self.network.state(),
        ]

    def _end(self) -> Outcome:
        for node in self.hosts:
            while self.down[node]:
                self._take_down(node)
        for host in self.hosts.values():
            host.deactivate()
        for host in self.hosts.values():
            host.shutdown()
        return self._outcome()

    def _outcome(self) -> Outcome:
        records: dict[str, list[tuple[int, Any]]] = {}
        components: dict[str, tuple[int, int]] = {}
        messages: dict[str, int] = {}
        cut = self.leader.stop_point
        error = None
        for host in self.hosts.values():
            assert host.cut.place == cut.place
            records.update(host.recorded())
            counted, sent = host.counts()
            for name, item in counted.items():
                components[name] = (item.fired, item.absent)
            messages.update(sent)
            failure = host.failure or host.lateness.failure
            is_the_end = cut.kind == "error" and cut.component in host.components
            if is_the_end and failure is not None:
                error = (type(failure.error), failure.name, failure.tick)
        received = {
            name: list(getattr(component, "received", []))
            for name, component in self.components.items()
        }
        nodes = map(NodeChoices.of, self.hosts.values())
        return Outcome(
            cut,
            error,
            records,
            components,
            messages,
            received,
            self.most_waiting,
            merged(nodes),
        )
