"""What `lk` does at Ctrl-C, SIGTERM and SIGHUP, from its first moment to its last."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from like_keras_core.testing.subprocess_env import default_signals

pytestmark = pytest.mark.usefixtures("ctrl_c")

ROBOT = """
import time
import like_keras_core as lk
from like_keras_core.testing.components import Count

class Motor(lk.Component):
    def forward(self, value: int) -> None:
        if value == 3:
            print("running", flush=True)

    def on_deactivate(self) -> None:
        print("motor off", flush=True)
        open("motor", "w").write("off")

{top}
robot = lk.System([Count(), Motor()], name="robot", rate_hz=100)
"""


def lk(
    folder: Path,
    number: signal.Signals,
    *words: str,
    top: str = "",
    when: str = "running",
) -> tuple[int, str]:
    """Run `lk launch`, send it a signal, and return its exit code and output."""
    (folder / "robot.py").write_text(ROBOT.format(top=top))
    command = [sys.executable, "-m", "like_keras_core", "launch", "robot.py", *words]
    with default_signals():
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = ""
        while when not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(number)
        rest, _ = process.communicate(timeout=30)
        return process.returncode, said + rest
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("number", "words", "code"),
    [
        (signal.SIGINT, (), 0),
        (signal.SIGINT, ("--iterations", "100000"), 130),
        (signal.SIGTERM, (), 143),
        (signal.SIGTERM, ("--iterations", "100000"), 143),
        (signal.SIGHUP, (), 129),
    ],
)
def test_a_signal_ends_a_launch_with_its_report(
    number: signal.Signals, words: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    """And says by its exit code which; an endless run is meant to end at Ctrl-C."""
    done, said = lk(tmp_path, number, *words)

    assert done == code
    assert "motor off" in said
    assert "ended by interrupt" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")],
)
def test_a_signal_while_a_script_is_imported_ends_it_at_once(
    number: signal.Signals, code: int, word: str, tmp_path: Path
) -> None:
    """Nothing is configured; process 1 of a container hears SIGTERM, too."""
    top = "print('importing', flush=True); time.sleep(60)"

    done, said = lk(tmp_path, number, top=top, when="importing")

    assert done == code
    assert said.split("importing")[1].strip() == word


def test_a_terminal_that_is_gone_takes_nothing_along(tmp_path: Path) -> None:
    """Its SIGHUP ends the run; that there is nowhere to print is no error."""
    silent = ROBOT.format(top="").replace("print", "str")
    (tmp_path / "robot.py").write_text(silent.replace(", flush=True", ""))
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        command = [sys.executable, "-m", "like_keras_core", "launch", "robot.py"]
        with default_signals():
            os.execv(command[0], [*command, "--trace", "trace.json"])
    code = None
    try:
        time.sleep(3)
        os.close(terminal)
        until = time.monotonic() + 20
        while code is None and time.monotonic() < until:
            pid, status = os.waitpid(child, os.WNOHANG)
            code = os.waitstatus_to_exitcode(status) if pid else None
            time.sleep(0.05)
    finally:
        if code is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    assert code == 129
    assert (tmp_path / "trace.json").exists()


def test_a_component_whose_output_nobody_reads_is_named(tmp_path: Path) -> None:
    """As after `lk launch robot.py | head -1`: on stderr, with the code of failures."""
    (tmp_path / "robot.py").write_text(ROBOT.format(top=""))
    reads, writes = os.pipe()
    os.close(reads)

    words = ["launch", "robot.py", "--engine", "native", "--iterations", "9"]
    done = subprocess.run(
        [sys.executable, "-m", "like_keras_core", *words],
        cwd=tmp_path,
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writes)

    assert done.returncode == 4
    assert "Component 'motor'" in done.stderr
    assert "BrokenPipeError" in done.stderr
    assert "Traceback" not in done.stderr
