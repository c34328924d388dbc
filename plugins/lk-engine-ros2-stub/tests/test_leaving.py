"""How a node's process ends, and how it learns that its launch has ended."""

import subprocess
import sys
import threading
import time
from types import SimpleNamespace

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
