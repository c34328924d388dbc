"""What one message costs at each end of a channel, next to the least there is.

Each end is timed alone: a run over a perfect transport is recorded once, and then each
side is played against what the other one said. The sender's share is send, frames and
the answers that return; the receiver's is on_frame, release and frames. Beside them, in
the same rounds, run a bare deque (append and popleft) and struct (pack and unpack of
one header). Rounds are many and last a millisecond or less; what is printed is the best
of them, in microseconds a message and as a ratio. So a busy machine hardly matters: in
longer rounds even ratios drift, since much code suffers more from its neighbours.

Run it with `python benchmarks/flow.py [--messages N] [--rounds N] [--json]`; it exits
with 1 where a goal is missed: 20 times struct, which is 4 us where a header is packed
and unpacked in 0.2 us; and 10 MB at the price of 8 bytes.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from like_keras_core.runtime.flow import Buffer, Frame, Payload, Receiver, Sender
from like_keras_core.runtime.flow.wire_format import HEADER

GOAL = 20.0
GOAL_LARGE = 1.5
SMALL = b"12345678"
LARGE = bytes(10_000_000)
PIECES: list[Buffer] = [bytes(size) for size in (16, 100, 4, 4000)]
DEQUE, STRUCT = "deque", "struct"
Timed = Callable[[], float]


@dataclass(frozen=True)
class Case:
    """One way to use a channel."""

    window: int = 8
    burst: int = 1
    payload: Payload = SMALL
    form: Callable[[Frame], Frame | Buffer] = list


def joined(frame: Frame) -> bytes:
    return b"".join(frame)


def view(frame: Frame) -> memoryview:
    return memoryview(joined(frame))


CASES = {
    "window 1": Case(window=1),
    "window 8": Case(),
    "window 32": Case(window=32),
    "window 8, joined": Case(form=joined),
    "window 8, memoryview": Case(form=view),
    "window 16, 16 in a frame": Case(window=16, burst=16, form=joined),
    "window 8, 10 MB": Case(payload=LARGE),
    "window 8, one piece": Case(payload=[SMALL]),
    "window 8, four pieces": Case(payload=PIECES),
    "window 8, four pieces joined": Case(payload=PIECES, form=joined),
}
FREE_OF_GOAL = {"window 8, four pieces"}
"""Pieces that the transport did not join take the receiver's general way."""


def sides(case: Case, messages: int) -> tuple[Timed, Timed]:
    """Record a run; return what times each side of it [s per message]."""
    sender, receiver = Sender(1, case.window), Receiver(1, case.window)
    turns: list[tuple[list[Frame | Buffer], list[Frame | Buffer]]] = []
    ticks = [range(t, t + case.burst) for t in range(0, messages, case.burst)]
    for burst in ticks:
        for tick in burst:
            sender.send(tick, case.payload, 0.5)
        there = [case.form(frame) for frame in sender.frames(0.0)]
        for frame in there:
            receiver.on_frame(frame, 0.0)
        receiver.release(burst[-1])
        back = [case.form(frame) for frame in receiver.frames(0.0)]
        for frame in back:
            sender.on_frame(frame, 0.0)
        turns.append((there, back))

    def send() -> float:
        sender, payload = Sender(1, case.window), case.payload
        began = perf_counter()
        for burst, (_, back) in zip(ticks, turns, strict=True):
            for tick in burst:
                sender.send(tick, payload, 0.5)
            sender.frames(0.0)
            for frame in back:
                sender.on_frame(frame, 0.0)
        return (perf_counter() - began) / messages

    def receive() -> float:
        receiver = Receiver(1, case.window)
        began = perf_counter()
        for burst, (there, _) in zip(ticks, turns, strict=True):
            for frame in there:
                receiver.on_frame(frame, 0.0)
            receiver.release(burst[-1])
            receiver.frames(0.0)
        return (perf_counter() - began) / messages

    return send, receive


def bare_deque(messages: int) -> Timed:
    """Return what times a queue and nothing else."""

    def run() -> float:
        queue: deque[tuple[int, bytes]] = deque()
        began = perf_counter()
        for tick in range(messages):
            queue.append((tick, SMALL))
            queue.popleft()
        return (perf_counter() - began) / messages

    return run


def bare_struct(messages: int) -> Timed:
    """Return what times the packing and unpacking of a header."""

    def run() -> float:
        pack, unpack = HEADER.pack, HEADER.unpack
        began = perf_counter()
        for tick in range(messages):
            unpack(pack(1, 1, 0, 1, tick, tick, 0, 1, 0.5))
        return (perf_counter() - began) / messages

    return run


def measure(messages: int, rounds: int) -> dict[str, float]:
    """Return each candidate's best round [s per message], all timed in turn."""
    timed = {DEQUE: bare_deque(messages), STRUCT: bare_struct(messages)}
    for name, case in CASES.items():
        timed[f"{name}: send"], timed[f"{name}: receive"] = sides(case, messages)
    best = dict.fromkeys(timed, float("inf"))
    for _ in range(rounds):
        for name, run in timed.items():
            best[name] = min(best[name], run())
    return best


def missed(best: dict[str, float]) -> list[str]:
    """Return a sentence for each goal that is missed."""
    found = []
    for name in CASES:
        for side in ("send", "receive"):
            by = best[f"{name}: {side}"] / best[STRUCT]
            if by > GOAL and name not in FREE_OF_GOAL:
                found.append(f"{name}: {side} takes {by:.1f} x struct, not {GOAL}")
    for side in ("send", "receive"):
        by = best[f"window 8, 10 MB: {side}"] / best[f"window 8: {side}"]
        if by > GOAL_LARGE:
            found.append(f"10 MB take {by:.1f} x 8 bytes to {side}, not {GOAL_LARGE}")
    return found


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    best = measure(options.messages, options.rounds)
    rows = {
        name: {
            "us": seconds * 1e6,
            "x deque": seconds / best[DEQUE],
            "x struct": seconds / best[STRUCT],
        }
        for name, seconds in best.items()
    }
    if options.json:
        data = {"python": platform.python_version(), "rows": rows}
        print(json.dumps(data, indent=2))
    else:
        print(f"Python {platform.python_version()}, {options.messages} messages")
        print(f"{'us':>7} {'x deque':>9} {'x struct':>9}")
        for name, row in rows.items():
            us, by_deque, by_struct = row.values()
            print(f"{us:7.2f} {by_deque:9.1f} {by_struct:9.1f}  {name}")
    problems = missed(best)
    for problem in problems:
        print(f"missed the goal: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
