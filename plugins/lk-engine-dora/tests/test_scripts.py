"""Scripts in the processes of dora's nodes: their arguments, and worker pools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import like_keras_core as lk

parser = argparse.ArgumentParser()
parser.add_argument("--gain", type=float, default=1.0)
args = parser.parse_args()


def scaled(x):
    return x * args.gain


class Source(lk.Component):
    def forward(self) -> int:
        return 3


class Pooled(lk.Component):
    def on_configure(self):
        self.pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def forward(self, x: int) -> list:
        return [scaled(x), *self.pool.map(scaled, [x]), sys.argv[1:]]

    def on_shutdown(self):
        self.pool.shutdown()


source, pooled = Source(node=lk.Node("a")), Pooled(node=lk.Node("b"))
pooled(source())
robot = lk.System([source, pooled], name="robot")

if __name__ == "__main__":
    print(robot.launch(1, engine="dora", record="all").records["pooled.output"])
"""


def test_arguments_reach_nodes_and_the_pools_of_their_components(
    tmp_path: Path,
) -> None:
    """As the script's own processes would have them."""
    (tmp_path / "robot.py").write_text(SCRIPT)
    words = ["robot.py", "--gain", "5"]

    done = subprocess.run(
        [sys.executable, *words],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "[(0, [15.0, 15.0, ['--gain', '5']])]\n"
