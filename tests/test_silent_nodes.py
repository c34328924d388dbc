"""Processes that say nothing: halted, busy, or left alone by the launching one."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_systems import diamond  # type: ignore[import-not-found]
from test_reference_engine import (  # type: ignore[import-not-found]
    engine,  # noqa: F401
    once_running,
)

import like_keras_core as lk
from like_keras_core import Node, System
from like_keras_core.testing.components import Count

pytestmark = pytest.mark.timeout(60)


def keep_lock(seconds: float) -> None:
    """Keep Python's lock, as what loads a large library does."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))


class Busy(lk.Component):
    """Keeps Python's lock once, in a phase."""

    def __init__(self, phase: str, seconds: float, node: Any = None) -> None:
        super().__init__(node=node)
        self.phase, self.seconds = phase, seconds

    def _enter(self, phase: str) -> None:
        if phase == self.phase:
            self.phase = ""
            keep_lock(self.seconds)

    def on_configure(self) -> None:
        """Keep it, if this is the phase."""
        self._enter("on_configure")

    def forward(self, value: int) -> int:
        """Likewise."""
        self._enter("forward")
        return value

    def on_shutdown(self) -> None:
        """Likewise."""
        self._enter("on_shutdown")


@pytest.mark.parametrize("phase", ["on_configure", "forward", "on_shutdown"])
def test_a_process_that_keeps_its_lock_is_waited_for(
    phase: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As natively; it is warned of, once."""
    system = System([Count(node=Node("a")), Busy(phase, 2.5, node=Node("b"))])

    report = system.launch(3, engine="reference", heartbeat_s=1.0)

    assert report.ended_by == "iterations"
    [said] = caplog.messages
    assert said.startswith("Nothing was heard of the process of node 'b' for 1 s")


def test_the_process_that_was_silent_first_is_named() -> None:
    """With what is known of it, and what makes the launch wait longer."""
    pids: dict[str, int] = {}

    def halt() -> None:
        os.kill(pids["c"], signal.SIGSTOP)
        time.sleep(0.6)
        os.kill(pids["b"], signal.SIGSTOP)

    with pytest.raises(lk.HostLostError) as caught:
        diamond().launch(
            engine="reference",
            started=pids.update,
            progress=once_running(halt),
            heartbeat_s=2.0,
        )

    assert caught.value.node == "c"
    text = (
        r"nothing was heard of it for 2 s: its process \d+ is halted \(SIGSTOP, Ctrl-Z "
        r"or a debugger\).* \(heartbeat_s says how long it may be silent, and 0 is"
    )
    assert re.match(text, caught.value.how)


def test_a_process_that_left_since_nobody_spoke_to_it_says_so() -> None:
    """It did not fail, nor end by itself."""
    system = System([Count(node=Node("a")), Count(name="other", node=Node("b"))])

    with pytest.raises(lk.HostLostError) as caught:
        system.launch(
            engine="reference",
            progress=once_running(lambda: keep_lock(3.0)),
            heartbeat_s=1.0,
        )

    assert "heard nothing of the launching process" in caught.value.how
    assert "heartbeat_s" in caught.value.how


SCRIPT = """
import os, signal, subprocess, sys
from reference_engine import ReferenceEngine
from test_reference_engine import once_running
from like_keras_core import Node, System
from like_keras_core.testing.components import Count
if __name__ == "__main__":
    pids = {}
    def halt():
        nodes = " ".join(map(str, pids.values()))
        code = f"kill -STOP {nodes} {os.getpid()}; sleep 2.5; kill -CONT {os.getpid()};"
        code += f"sleep 0.5; kill -CONT {nodes}"
        subprocess.Popen(["sh", "-c", code], start_new_session=True)
    system = System([Count(node=Node("a")), Count(name="other", node=Node("b"))])
    report = ReferenceEngine().launch(
        system, iterations=2000, rate_hz=400, heartbeat_s=1.0,
        started=pids.update, progress=once_running(halt),
    )
    print(report.ended_by, report.duration_s > 2.5)
"""


def test_a_machine_that_stood_still_has_silenced_nobody(tmp_path: Path) -> None:
    """All of a run halted and continued, as by a freezer or in a suspended machine."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, str(script)],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.stdout == "iterations True\n", done.stderr
