"""What one message costs the process of a node: host, codec and flow, no transport.

Two members of one run, a source and a sink, are driven in turn in this process; their
frames are handed over by hand, outside what is timed. The sender's share is a tick of
its host, the encoding, the frame, and the answer that returns; the receiver's is the
frame, the decoding, a tick of its host, and the answer. Both include the run's
bookkeeping: credits, the cut, progress. What is printed is the best of many rounds.

Run it with `python benchmarks/member.py [--rounds N] [--json]`; it exits with 1 where a
goal is missed: 15 us a small message each way, and 10 MB at 1.5 times the price of
100 kB.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, cast

import numpy as np

from like_keras_core import Component, Node, System
from like_keras_core.graph.channels import channels_of
from like_keras_core.runtime.control.connection import ProcessConnection
from like_keras_core.runtime.control.protocol import (
    Activate,
    Build,
    Configure,
    LowWatermark,
    Start,
)
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.process.node_process import NodeProcess

GOAL_US = 15.0
GOAL_LARGE = 1.5
SIZES = {"int": 0, "100 B": 100, "100 kB": 100_000, "10 MB": 10_000_000}
MESSAGES = 400
LARGE = 50_000


class Source(Component):
    """Sends an int, or an array that nobody can change: making it is not our work."""

    def __init__(self, size: int, node: Node | None = None) -> None:
        super().__init__(node=node)
        self.value = np.frombuffer(bytes(size), np.uint8) if size else 7

    def forward(self) -> Any:
        return self.value


class Sink(Component):
    """Takes what comes."""

    def forward(self, value: Any) -> None:
        pass


class Deaf:
    """A control channel to nobody."""

    def send(self, message: object) -> None:
        pass


class ByHand:
    """A transport that keeps the frames; a large part is written once, for all."""

    def __init__(self) -> None:
        self.frames: list[Sequence[bytes | bytearray | memoryview]] = []
        self.large: dict[int, bytearray] = {}

    def bind(self) -> str:
        return ""

    def start(
        self,
        arrived: Callable[[bytes | memoryview], object],
        peers: Mapping[str, str],
    ) -> None:
        pass

    def close(self) -> None:
        pass

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        self.frames.append(frame)

    def taken(self) -> list[bytes | memoryview]:
        frames, self.frames = self.frames, []
        return [self._joined(n, frame) for n, frame in enumerate(frames)]

    def _joined(
        self, place: int, frame: Sequence[bytes | bytearray | memoryview]
    ) -> bytes | memoryview:
        size = sum(map(len, frame))
        if size < LARGE:
            return b"".join(frame)
        if len(self.large.get(place, b"")) != size:
            self.large[place] = bytearray().join(frame)
        buffer, start = self.large[place], 0
        for part in frame:
            if len(part) < LARGE:
                buffer[start : start + len(part)] = part
            start += len(part)
        return memoryview(buffer)


def member(system: System, node: str) -> tuple[NodeProcess, ByHand]:
    """Return a member that is about to run its first tick."""
    transport = ByHand()
    connection = cast(ProcessConnection, Deaf())
    made = NodeProcess(RunPlan.of(system.to_spec()), node, connection, transport)
    keys = {str(channel.number): "key" for channel in channels_of(system.to_spec())}
    made._take(Build(RunOptions().to_dict(), {}, keys))
    made._take(LowWatermark(1 << 40))
    made._take(Configure())
    made._take(Activate())
    made._take(Start())
    return made, transport


def measure(size: int, rounds: int) -> tuple[float, float]:
    """Return the best round's cost of sending and of receiving [us per message]."""
    system = System([Source(size, Node("a")), Sink(node=Node("b"))])
    source, there = member(system, "a")
    sink, back = member(system, "b")
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        first, send, receive = source.host.progress, 0.0, 0.0
        while source.host.progress < first + MESSAGES:
            began = perf_counter()
            while source.host.step():
                source._say_news(0.0)
                source.ends.send(0.0, idle=False)
            send += perf_counter() - began
            frames = there.taken()
            began = perf_counter()
            for frame in frames:
                sink._take(frame)
                while sink.host.step():
                    sink._say_news(0.0)
                    sink.ends.send(0.0, idle=False)
            receive += perf_counter() - began
            frames = back.taken()
            began = perf_counter()
            for frame in frames:
                source._take(frame)
            send += perf_counter() - began
        messages = source.host.progress - first
        for n, took in enumerate((send, receive)):
            best[n] = min(best[n], took / messages * 1e6)
    return best[0], best[1]


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {name: measure(size, options.rounds) for name, size in SIZES.items()}
    if options.json:
        print(json.dumps({"python": platform.python_version(), "us": found}, indent=2))
    else:
        print(f"Python {platform.python_version()}; us a message")
        print(f"{'':8} {'send':>7} {'receive':>8}")
        for name, (send, receive) in found.items():
            print(f"{name:8} {send:7.1f} {receive:8.1f}")
    missed = [
        f"{name}: {side} takes {found[name][n]:.1f} us, not {GOAL_US}"
        for name in ("int", "100 B")
        for n, side in enumerate(("send", "receive"))
        if found[name][n] > GOAL_US
    ]
    missed += [
        f"10 MB: {side} takes {by:.2f} x 100 kB, not {GOAL_LARGE}"
        for n, side in enumerate(("send", "receive"))
        if (by := found["10 MB"][n] / found["100 kB"][n]) > GOAL_LARGE
    ]
    for problem in missed:
        print(f"missed the goal: {problem}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
