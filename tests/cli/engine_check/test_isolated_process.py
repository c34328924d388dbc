"""Strangers' code runs in a process of its own, and ends with all that it started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from like_keras_core.cli.engine_check.isolated_process import environment, run_module

FORKS = """\
import os, time
child = os.fork()
if child:
    with open("pid", "w") as file:
        file.write(str(child))
time.sleep(600)
"""


def lives(pid: int) -> bool:
    """Say whether a process runs, and is not only waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_it_says_how_a_process_ended(tmp_path: Path) -> None:
    """Its exit code, and what it printed."""
    text = (
        "import sys; print('out', flush=True); print('why', file=sys.stderr); "
        "sys.exit(3)"
    )
    (tmp_path / "ends.py").write_text(text)

    code, lines = run_module("ends", cwd=tmp_path, timeout_s=60)

    assert (code, lines) == (3, ["out", "why"])


@pytest.mark.slow
def test_when_its_time_is_up_nothing_of_it_is_left(tmp_path: Path) -> None:
    """Neither it, nor what it started."""
    (tmp_path / "stays.py").write_text(FORKS)

    code, _ = run_module("stays", cwd=tmp_path, timeout_s=5)

    pid = int((tmp_path / "pid").read_text())
    assert code is None
    assert not lives(pid)


def test_folders_come_before_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what this process was told of pytest is not handed on."""
    monkeypatch.setenv("PYTHONPATH", "before")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--surely-no-option")

    env = environment([tmp_path])

    assert env["PYTHONPATH"] == f"{tmp_path}{os.pathsep}before"
    assert "PYTEST_ADDOPTS" not in env
