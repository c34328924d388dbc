"""Processes of a launch: who lives, how they ended, and that none is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from like_keras_core.runtime.supervision.os_sessions import (
    end_sessions,
    exit_code,
    exit_text,
    sessions,
)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs /proc"
)


def start(code: str) -> "subprocess.Popen[str]":
    """Start a program as the leader of a session, and wait until it says so."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def finish(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    process.stdout.close()
    process.wait(20)


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


PARENT = (
    "import subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    "print('ready', flush=True)\n"
    "time.sleep(60)\n"
)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "it ended with exit code 0"),
        (7, "it ended with exit code 7"),
        (-signal.SIGKILL, "it was killed by SIGKILL"),
        (-99, "it was killed by signal 99"),
    ],
)
def test_an_exit_code_is_told_in_words(code: int, text: str) -> None:
    """A negative one is a signal."""
    assert exit_text(code) == text


def test_what_a_process_has_started_ends_with_it() -> None:
    """Who takes too long is told, and killed; nobody is left."""
    process = start(PARENT)
    told = []
    assert len(sessions([process.pid])) == 2

    end_sessions([process.pid], 0.2, late=lambda: told.append(True))

    assert sessions([process.pid]) == {}
    assert told == [True]
    assert exit_code(process.pid) == -signal.SIGKILL
    finish(process)


def test_who_leaves_in_time_is_not_killed() -> None:
    """Its exit code is its own, and can be read more than once."""
    process = start("import time; print('ready', flush=True); time.sleep(60)")
    assert exit_code(process.pid) is None
    os.kill(process.pid, signal.SIGTERM)

    end_sessions([process.pid], 20.0)

    wait_for(lambda: exit_code(process.pid) is not None)
    assert exit_code(process.pid) == exit_code(process.pid) == -signal.SIGTERM
    finish(process)


def test_a_halted_process_is_not_waited_for() -> None:
    """It would never end by itself."""
    process = start("import time; print('ready', flush=True); time.sleep(60)")
    os.kill(process.pid, signal.SIGSTOP)
    wait_for(lambda: sessions([process.pid]).get(process.pid) == "T")
    began = time.monotonic()

    end_sessions([process.pid], 60.0)

    assert time.monotonic() - began < 30
    finish(process)
