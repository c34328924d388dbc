"""The plug-ins of docs/how-to/write-a-plug-in.md, used as the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib")

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "how-to" / "write-a-plug-in.md"


def fences(kind: str) -> list[str]:
    return re.findall(
        rf"^```{kind}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder to work in, beside one on the path with the page's distribution."""
    (toml,) = fences("toml")
    project = tomllib.loads(toml)["project"]
    names, robot, diary, weigh = fences("python")
    package, work = tmp_path / "site" / "lk_house", tmp_path / "work"
    package.mkdir(parents=True)
    work.mkdir()
    for name, text in (("names", names), ("diary", diary), ("weigh", weigh)):
        (package / f"{name}.py").write_text(text)
    (package / "__init__.py").touch()
    (work / "robot.py").write_text(robot)
    info = tmp_path / "site" / f"lk_house-{project['version']}.dist-info"
    info.mkdir()
    headers = f"Name: {project['name']}\nVersion: {project['version']}\n"
    headers += "".join(f"Requires-Dist: {item}\n" for item in project["dependencies"])
    (info / "METADATA").write_text(headers)
    groups = (
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items())
        for group, entries in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups))
    return work


def run(house: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the page, with the switches that may stand before it."""
    *switches, _ = command.partition("lk ")[0].split(" ")
    words = command.partition("lk ")[2].split()
    path = [str(house.parent / "site"), os.environ.get("PYTHONPATH", "")]
    return subprocess.run(
        [sys.executable, "-m", "like_keras_core", *words],
        cwd=house,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            **dict(switch.split("=", 1) for switch in switches),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_rule_refuses_a_system(house: Path) -> None:
    """As the page says, word by word."""
    validate, text = fences("bash")[0], fences("text")[0]

    done = run(house, validate)

    assert (done.returncode, done.stdout + done.stderr) == (1, text)


def test_the_wrapper_writes_what_was_launched(house: Path) -> None:
    """With the rule switched off, since the page's robot breaks it."""
    launch, text = fences("bash")[1], fences("text")[1]

    done = run(house, f"LK_PLUGINS_DISABLE=house-names {launch}")

    assert done.returncode == 0, done.stderr
    assert (house / "runs.txt").read_text() == text


def test_the_command_prints_a_table(house: Path) -> None:
    """As the page says, word by word."""
    weigh, text = fences("bash")[2], fences("text")[2]

    done = run(house, weigh)

    assert (done.returncode, done.stdout) == (0, text)


def test_the_switch_leaves_both_out(house: Path) -> None:
    """A system that breaks the rule runs, and the option is not known."""
    off = fences("bash")[3].strip()

    done = run(house, f"{off} --iterations 1")
    refused = run(house, f"{off} --iterations 1 --opt diary=runs.txt")

    assert done.returncode == 0, done.stderr
    assert "does not know the option 'diary'" in refused.stderr
