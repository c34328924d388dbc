"""Scripts in the processes of nodes: arguments, worker pools, pickles, input."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PARTS = """
import argparse
import enum
import functools
import json
import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import like_keras_core as lk

parser = argparse.ArgumentParser()
parser.add_argument("--gain", type=float, default=1.0)
args = parser.parse_args()


def traced(function):
    @functools.wraps(function)
    def wrapper(*values):
        return function(*values)

    return wrapper


@traced
def square(x):
    return x * x


class Color(enum.Enum):
    RED = 1


@dataclass
class Box:
    x: int
    color: Color = Color.RED

    class Inner:
        pass


class Source(lk.Component):
    def forward(self) -> int:
        return 3


class Told(lk.Component):
    def forward(self, x: int) -> list:
        return [args.gain, sys.argv[1:], __name__]


class Pooled(lk.Component):
    def __init__(self, how: str, node=None):
        super().__init__(node=node)
        self.how = how

    def on_configure(self):
        context = multiprocessing.get_context(self.how)
        self.pool = ProcessPoolExecutor(1, mp_context=context)

    def forward(self, x: int) -> list:
        boxes = self.pool.map(Box, [x])
        return [*self.pool.map(square, [x, x + 1]), *(box.x for box in boxes)]

    def on_shutdown(self):
        self.pool.shutdown()


class Keeps(lk.Component):
    def forward(self, x: int) -> int:
        with open("kept.pkl", "wb") as file:
            pickle.dump([Box(x), Box.Inner, square], file)
        return x


def make(second):
    source = Source(node=lk.Node("a"))
    second.node = lk.Node("b")
    second(source())
    return lk.System([source, second], name="robot")


told, keeps = make(Told()), make(Keeps())
spawn, forkserver = make(Pooled("spawn")), make(Pooled("forkserver"))
"""

MAIN = """
if __name__ == "__main__":
    from pipes_engine import PipesEngine

    def launch(name):
        report = PipesEngine().launch(globals()[name], iterations=1, record="all")
        return list(report.records.values())[1][0][1]

    print(json.dumps([launch(name) for name in NAMES]))
    if "keeps" in NAMES:
        with open("kept.pkl", "rb") as file:
            box, inner, function = pickle.load(file)
        print(box == Box(3), inner is Box.Inner, function(4))
"""


def write(folder: Path, *names: str) -> Path:
    """Write a script that launches some of its systems on a process engine."""
    path = folder / "robot.py"
    path.write_text(f"{PARTS}NAMES = {names!r}\n{MAIN}")
    return path


def run(
    folder: Path, *words: str, code: int = 0, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder."""
    examples = Path(__file__).parents[1] / "docs" / "examples"
    done = subprocess.run(
        [sys.executable, *words],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(examples)},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_every_process_has_the_arguments_of_the_script(tmp_path: Path) -> None:
    """As with multiprocessing's spawn; the script is not run as a program there."""
    write(tmp_path, "told")

    done = run(tmp_path, "robot.py", "--gain", "5")

    assert done.stdout == '[[5.0, ["--gain", "5"], "__main__"]]\n'


@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_the_children_of_a_pool_find_the_functions_of_the_script(
    how: str, tmp_path: Path
) -> None:
    """Also where the component runs in the process of a node."""
    write(tmp_path, how)

    assert run(tmp_path, "robot.py").stdout == "[[9, 16, 3]]\n"


def test_the_script_reads_what_was_pickled_in_a_run(tmp_path: Path) -> None:
    """Its classes and functions have the same names there."""
    write(tmp_path, "keeps")

    assert run(tmp_path, "robot.py").stdout == "[3]\nTrue True 16\n"


def test_lk_hands_on_what_follows_two_dashes(tmp_path: Path) -> None:
    """The script's arguments are its path and those."""
    path = write(tmp_path)
    words = ["-m", "like_keras_core", "launch", "robot.py:told", "--iterations", "1"]

    done = run(tmp_path, *words, "--record", "all", "--", "--gain", "7")
    outcome = run(tmp_path, *words, "--gain", "7", code=2).stderr
    extra = run(tmp_path, *words, "7", code=2).stderr
    wrong = run(tmp_path, *words, "--", "--speed", "7", code=2).stderr

    assert "[7.0, ['--gain', '7'], '__main__']" in done.stdout
    assert "No such option" in outcome
    assert "Arguments of a script follow `--`" in extra
    assert f"The script {str(path)!r} exited with 2" in wrong
    assert "['--speed', '7']" in wrong


@pytest.mark.parametrize("how", ["spawn", "forkserver"])
def test_a_pool_works_under_lk(how: str, tmp_path: Path) -> None:
    """There the script is loaded, but a component runs in that process."""
    write(tmp_path)
    words = ["launch", f"robot.py:{how}", "--iterations", "1", "--record", "all"]

    done = run(tmp_path, "-m", "like_keras_core", *words)

    assert "[9, 16, 3]" in done.stdout


def test_a_module_has_what_follows_the_dashes_too(tmp_path: Path) -> None:
    """As with `python -m`, the arguments are known when it is imported."""
    write(tmp_path)
    words = ["launch", "robot:told", "--iterations", "1", "--record", "all"]

    done = run(tmp_path, "-m", "like_keras_core", *words, "--", "--gain", "2")

    assert "[2.0, ['--gain', '2'], 'robot']" in done.stdout


def test_input_at_the_top_of_a_script_is_explained(tmp_path: Path) -> None:
    """The process of a node cannot ask anybody."""
    path = write(tmp_path, "told")
    text = path.read_text()
    path.write_text(text.replace("told, keeps", "speed = input()\ntold, keeps"))

    done = run(tmp_path, "robot.py", code=1, given="5\n5\n5\n")

    assert "It calls input() while it is loaded" in done.stderr
    assert "pass the answer to the components" in done.stderr


def test_a_pools_child_launches_nothing(tmp_path: Path) -> None:
    """A script without a main block would run the whole robot again in each of them."""
    path = tmp_path / "robot.py"
    path.write_text(
        "import multiprocessing\n"
        "import like_keras_core as lk\n"
        "class Motor(lk.Component):\n"
        "    def on_configure(self):\n"
        "        print('on', flush=True)\n"
        "    def forward(self) -> int:\n"
        "        child = multiprocessing.get_context('spawn').Process(target=print)\n"
        "        child.start()\n"
        "        child.join()\n"
        "        return child.exitcode\n"
        "system = lk.System([Motor()])\n"
        "print(system.run(1, record='all').records)\n"
    )

    done = run(tmp_path, "robot.py")

    assert done.stdout.splitlines() == ["on", "{'motor.output': [(0, 1)]}"]
    assert "came to a launch, compile, plot or save at its top level" in done.stderr
