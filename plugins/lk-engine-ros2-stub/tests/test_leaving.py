"""How a node's process ends, and how it learns that its launch has ended."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lk_engine_ros2_stub import launch_watch, leaving

HANGS = """\
import ctypes, sys
from lk_engine_ros2_stub.leaving import leave
print("the report")
# As Fast DDS: with Python's lock, so that no thread of Python runs.
leave(lambda: ctypes.PyDLL(None).sleep(60), int(sys.argv[1]), 0.5)
"""


@pytest.mark.parametrize("code", [0, 7])
def test_what_hangs_while_it_keeps_pythons_lock_is_left(code: int) -> None:
    """With the exit code of the run, and all that was printed."""
    done = subprocess.run(
        [sys.executable, "-c", HANGS, str(code)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert done.stdout == "the report\n"


def test_what_closes_in_time_ends_nothing() -> None:
    """The timer is taken back."""
    code = (
        "import time; from lk_engine_ros2_stub.leaving import leave\n"
        "leave(lambda: None, 7, 0.2); time.sleep(0.5); print('alive')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


FULL = """\
import fcntl, os, sys
from lk_engine_ros2_stub.leaving import leave
number = int(sys.argv[1])
os.write(number, b"x" * fcntl.fcntl(number, fcntl.F_GETPIPE_SZ))
print("the report", end="")
leave(lambda: None, 7, 0.5, last_words="the reason")
"""


@pytest.mark.parametrize("number", [1, 2], ids=["stdout", "stderr"])
def test_a_pipe_that_nobody_reads_holds_up_no_end(number: int) -> None:
    """As behind a pager that was halted."""
    reader, writer = os.pipe()
    streams: dict[str, Any] = {("", "stdout", "stderr")[number]: writer}
    # Unbuffered, it would be `print` that waits.
    env = {**os.environ, "PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-c", FULL, str(number)]
    process = subprocess.Popen(command, env=env, **streams)
    try:
        assert process.wait(30) == 7
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)


def test_closed_streams_do_not_keep_ros_from_being_left(tmp_path: Path) -> None:
    """As with `>&- 2>&-` in a shell: Python has None in their place."""
    file = tmp_path / "closed"
    code = (
        "import sys; from pathlib import Path\n"
        "from lk_engine_ros2_stub.leaving import leave\n"
        "leave(Path(sys.argv[1]).touch, 7, last_words='the reason')"
    )
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(
        ["sh", "-c", '"$@" >&- 2>&-', "sh", *command], timeout=50, check=False
    )

    assert (done.returncode, file.exists()) == (0, True)


def test_without_the_timer_a_thread_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the C library has none."""
    left: list[int] = []
    monkeypatch.setattr("ctypes.CDLL", lambda name: SimpleNamespace())
    monkeypatch.setattr("os._exit", left.append)

    leaving.exit_after(0.05, 3)
    stop = leaving.exit_after(60.0, 4)
    stop()
    until = time.monotonic() + 10
    while not left and time.monotonic() < until:
        time.sleep(0.01)

    assert left == [3]


def test_the_end_of_a_launch_is_seen() -> None:
    """However it ends; also one that had ended before."""
    launch = subprocess.Popen(["sleep", "60"])
    gone = [threading.Event(), threading.Event()]
    launch_watch.watch(launch.pid, gone[0].set)

    assert not gone[0].wait(0.2)
    launch.kill()
    assert gone[0].wait(10)
    launch.wait()
    launch_watch.watch(launch.pid, gone[1].set)
    assert gone[1].wait(10)


def test_a_node_knows_its_launch_by_what_the_file_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By hand it has none."""
    monkeypatch.delenv(launch_watch.LAUNCH_PID, raising=False)
    assert launch_watch.launch_process() is None

    monkeypatch.setenv(launch_watch.LAUNCH_PID, "4711")
    assert launch_watch.launch_process() == 4711
