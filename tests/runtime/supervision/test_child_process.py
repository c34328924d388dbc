"""A child of the launch: what it prints, and its end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from like_keras_core.runtime.supervision.child_process import ChildProcess

LEAVES_ONE_BEHIND = """
import os, subprocess, sys
kept = subprocess.Popen(["sleep", "60"], start_new_session=True)
print(kept.pid, flush=True)
"""


def test_all_that_a_child_prints_is_taken() -> None:
    """On both streams, the last line without its end too."""
    lines: list[str] = []
    code = "import sys; print('a'); print('b', file=sys.stderr); sys.stdout.write('c')"
    child = ChildProcess([sys.executable, "-c", code], lines.append)

    child.end(5)

    assert sorted(lines) == ["a", "b", "c"]


def test_who_holds_the_output_open_does_not_hold_up_the_end() -> None:
    """A daemon that a node started in a session of its own may live on."""
    lines: list[str] = []
    threads = threading.active_count()
    files = len(os.listdir("/proc/self/fd"))
    child = ChildProcess([sys.executable, "-c", LEAVES_ONE_BEHIND], lines.append)
    began = time.monotonic()
    try:
        child.end(5)

        assert time.monotonic() - began < 10
        until = time.monotonic() + 5
        # Threads of earlier tests may end meanwhile.
        while threading.active_count() > threads and time.monotonic() < until:
            time.sleep(0.02)
        assert threading.active_count() <= threads
        assert len(os.listdir("/proc/self/fd")) <= files
    finally:
        os.kill(int(lines[0]), signal.SIGKILL)


def test_a_line_without_an_end_is_taken_in_parts() -> None:
    """It does not grow without bound."""
    lines: list[str] = []
    code = "import sys; sys.stdout.write('x' * 5_000_000)"
    child = ChildProcess([sys.executable, "-c", code], lines.append)

    child.end(20)

    assert sum(map(len, lines)) == 5_000_000
    assert max(map(len, lines)) < 2_000_000
