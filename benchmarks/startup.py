"""How long `lk` takes to begin, next to a bare interpreter.

Two hundred distributions are made in a temporary folder, five of them engines and five
plug-ins. Each command then runs in turn with `python -c pass`, so that all of them see
the same machine; what is printed is the ratio of the medians, best of the rounds.
Old versions of pip write a script that imports `re`, which alone costs half a bare
start; its ratios are shown, and its goals are relative to `python -c "import re"`.

Run it with `python benchmarks/startup.py [--runs N] [--rounds N] [--json]`; it exits
with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GOALS = {"engines list": 3.0, "--version": 1.5}
OLD = "old script"
WRAPPER = """\
import sys
from like_keras_core.cli.main import main
if __name__ == "__main__":
    sys.argv[0] = sys.argv[0].removesuffix(".exe")
    sys.exit(main())
"""
OLD_WRAPPER = """\
# -*- coding: utf-8 -*-
import re
import sys
from like_keras_core.cli.main import main
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(main())
"""


def make_distribution(folder: Path, number: int) -> None:
    """Write one distribution's metadata, and its module where it is an engine."""
    name = f"bench-dist-{number:03}"
    package = name.replace("-", "_")
    info = folder / f"{package}-1.{number}.dist-info"
    info.mkdir()
    lines = [f"Name: {name}", f"Version: 1.{number}", f"Summary: Number {number}"]
    groups = ""
    if number < 10:
        kind = "engines" if number < 5 else "plugins"
        groups = f"[like_keras_core.{kind}]\nbench{number} = {package}:Thing\n"
        lines.append("Requires-Dist: like-keras-core<99,>=0.0")
        (folder / f"{package}.py").write_text("raise ImportError('never imported')\n")
    elif number < 60:
        groups = f"[console_scripts]\n{name} = {package}:main\n"
    if groups:
        (info / "entry_points.txt").write_text(groups)
    about = "\n".join(lines) + "\n\n" + "A description of some length.\n" * 200
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{about}")
    (info / "RECORD").write_text("")


def install_core(site: Path) -> None:
    """Put this checkout's core beside the distributions, compiled as by pip."""
    package = site / "like_keras_core"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "like_keras_core", package, ignore=ignored)
    compileall.compile_dir(package, quiet=1)
    info = site / "like_keras_core-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: like-keras-core\nVersion: 0.1.0\n")


def commands(folder: Path) -> dict[str, list[str]]:
    """Return what is timed, by name."""
    ways = {"python -m": [sys.executable, "-m", "like_keras_core"]}
    for name, text in (("script", WRAPPER), (OLD, OLD_WRAPPER)):
        path = folder / name.replace(" ", "_")
        path.write_text(text)
        ways[name] = [sys.executable, str(path)]
    installed = Path(sys.executable).with_name("lk")
    if installed.is_file():
        is_old = "import re" in installed.read_text()
        ways[f"{OLD}, installed" if is_old else "script, installed"] = [str(installed)]
    listed = {
        f"{way}: {task}": [*words, *task.split()]
        for way, words in ways.items()
        for task in GOALS
    }
    bare = {name: [sys.executable, "-c", name] for name in ("pass", "import re")}
    return {**bare, **listed}


def measure(runs: int, rounds: int) -> dict[str, float]:
    """Return each command's median [s] in its best round."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = folder / "site"
        site.mkdir()
        install_core(site)
        for number in range(200):
            make_distribution(site, number)
        timed = commands(folder)
        environment = {**os.environ, "PYTHONPATH": str(site)}
        for command in timed.values():
            subprocess.run(
                command, env=environment, check=True, capture_output=True, timeout=60
            )
        best = dict.fromkeys(timed, float("inf"))
        for _ in range(rounds):
            times: dict[str, list[float]] = {name: [] for name in timed}
            for _ in range(runs):
                for key, command in timed.items():
                    times[key].append(run_time(command, environment))
            for key, values in times.items():
                best[key] = min(best[key], statistics.median(values))
        return best


def run_time(command: list[str], environment: dict[str, str]) -> float:
    """Return the processor time that a command takes, user and system [s].

    Nothing here waits, so on an idle machine this is the time on the clock; on a busy
    one it is far steadier.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        cwd=Path(environment["PYTHONPATH"]).parent,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def main() -> int:
    """Measure, print, and compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    best = measure(options.runs, options.rounds)
    bare = best["pass"]
    ratios = {name: seconds / bare for name, seconds in best.items()}
    if options.json:
        data = {"python": platform.python_version(), "bare_s": bare, "ratios": ratios}
        print(json.dumps(data, indent=2))
    else:
        print(f"Python {platform.python_version()}, bare start {bare * 1e3:.1f} ms")
        for name, ratio in ratios.items():
            print(f"{ratio:5.2f} x  {name}")
    missed = [
        name
        for name, seconds in best.items()
        for task, goal in GOALS.items()
        if name.endswith(f": {task}")
        and seconds > goal * best["import re" if name.startswith(OLD) else "pass"]
    ]
    for name in missed:
        print(f"missed the goal: {name}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
