"""One system, any engine: `python multi_engine.py --engine dora`.

What is computed stands in the components, where in the nodes; the engine is a word on
the command line. Exit code 3 says that the engine cannot be used.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from like_keras_core import Component, EngineError, Node, System


class Generator(Component):
    """Sends arrays of random numbers, the same ones for the same seed."""

    @dataclass
    class Config:
        size: int = 3
        seed: int = 0

    config: Config

    def on_configure(self) -> None:
        self.random = np.random.default_rng(self.config.seed)

    def forward(self) -> np.ndarray:
        return self.random.normal(size=self.config.size)


class Processor(Component):
    """Adds the numbers up, from the first to the last."""

    def forward(self, samples: np.ndarray) -> np.ndarray:
        return np.cumsum(samples)


class Analyzer(Component):
    """Sends the largest magnitude so far."""

    def __init__(self, node: Node | None = None) -> None:
        super().__init__("analyzer", node=node)
        self.largest = 0.0

    def forward(self, samples: np.ndarray) -> float:
        self.largest = max(self.largest, float(np.abs(samples).max()))
        return self.largest


def make_system() -> System:
    """Place a generator on one node, and what uses its numbers on another."""
    sensors, compute = Node("sensors"), Node("compute")
    generator = Generator(node=sensors, config=Generator.Config(size=5, seed=42))
    return System([generator, Processor(node=compute), Analyzer(node=compute)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="native", help="see `lk engines list`")
    engine = parser.parse_args().engine
    try:
        report = make_system().launch(100, engine=engine, record="analyzer.output")
    except EngineError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    print(report)
    tick, largest = report.records["analyzer.output"][-1]
    print(f"\nAfter tick {tick} the largest magnitude is {largest!r} on {engine}.")
