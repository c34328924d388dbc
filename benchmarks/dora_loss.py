"""What dora programs written by hand lose, beside the engine, doing the same.

dora drops messages in silence: where a link is congested, and where a node reads too
slowly. How many is luck, so it is printed and nothing depends on it. The programs by
hand are those that people write first: no credits, queues of 1000 messages. `by hand`
is dora as it comes; `blocking` has the one setting that helps, which the engine uses
too.

Run it with `python benchmarks/dora_loss.py [--runs N] [--only NAME ...]`; it exits
with 1 where the engine loses anything.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass

import _dora_by_hand  # type: ignore[import-not-found]
import _dora_ours  # type: ignore[import-not-found]


@dataclass(frozen=True)
class Scenario:
    """What is sent.

    Args:
        size: Of an array [byte].
        count: How many.
        relays: How many nodes are between source and sink.
        sleep_s: How long the sink takes for each [s].
    """

    size: int
    count: int
    relays: int = 0
    sleep_s: float = 0.0

    def by_hand(self, *, blocks: bool) -> int:
        """Return how many get lost in a program by hand."""
        found, _ = _dora_by_hand.run(
            self.size,
            self.count,
            relays=self.relays,
            sleep_s=self.sleep_s,
            pool=None,
            blocks=blocks,
        )
        return self.count - len(set(found[:, 2]))

    def ours(self) -> int:
        """Return how many get lost, doubled or swapped on the engine."""
        found, _ = _dora_ours.run(
            self.size, self.count, relays=self.relays, sleep_s=self.sleep_s, pool=None
        )
        numbers = dict(enumerate(found[:, 2]))
        return sum(int(numbers.get(n, -1)) != n for n in range(self.count))


# 16 bytes, not 8: the number has to be in it.
SCENARIOS = {
    "small": Scenario(16, 5000),
    "400 KB": Scenario(400_000, 3000),
    "slow sink": Scenario(16, 1000, sleep_s=0.005),
    "50 nodes": Scenario(16, 100, relays=48),
}


def main() -> int:
    """Count, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(SCENARIOS))
    given = parser.parse_args()
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in given.only:
            scenario = SCENARIOS[name]
            ours = [scenario.ours() for _ in range(given.runs)]
            plain = [scenario.by_hand(blocks=False) for _ in range(given.runs)]
            blocking = [scenario.by_hand(blocks=True) for _ in range(given.runs)]
            lost += sum(ours)
            print(
                f"{name:10} of {scenario.count:5}: lost by hand {plain}, blocking "
                f"{blocking}, ours {ours}",
                flush=True,
            )
        os.chdir("/")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
