"""The table that `lk launch` shows on a terminal."""

import os
import pty
import re
import signal
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from like_keras_core.cli.live_view import Latest, LiveTable
from like_keras_core.report import ComponentReport, ConnectionReport, RunReport
from like_keras_core.testing.subprocess_env import default_signals

STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

ROBOT = """
import time
from like_keras_core import Component, System

class Camera(Component):
    def forward(self) -> int:
        time.sleep(0.005)
        return 1

class Sink(Component):
    def forward(self, value: int) -> None:
        pass

robot = System([Camera(), Sink()], name="robot")
"""


def report(ticks: int, seconds: float, components: int = 2) -> RunReport:
    """Return what a run may say of itself on the way."""
    return RunReport(
        engine="native",
        system="robot",
        iterations=ticks,
        duration_s=seconds,
        ended_by="running",
        components={
            f"c{n}": ComponentReport(
                fired=ticks, busy_s=seconds * n / components, latency_p50_s=1e-3
            )
            for n in range(components)
        },
        connections={
            "c0.output -> c1.x": ConnectionReport(
                messages=ticks, bytes=1000 * ticks, in_flight=3
            ),
            "c1.output -> c0.y": ConnectionReport(messages=ticks),
        },
    )


def drawn(table: LiveTable, shown: RunReport, height: int = 30) -> str:
    """Return what stands on a terminal."""
    console = Console(width=100, height=height)
    with console.capture() as capture:
        console.print(table.drawn(shown, height))
    return capture.get()


def test_rates_are_those_of_the_last_moments() -> None:
    """Not of the whole run, whose first half may have been another one."""
    table = LiveTable(1000)
    drawn(table, report(100, 1.0))

    text = drawn(table, report(150, 2.0))

    assert "tick 150 of 1,000, 15 %   50.0 Hz" in text
    assert re.search(r"c1 +150 +50\.0 Hz +50 % +█{5}·{5}", text)


def test_only_what_crosses_processes_is_in_flight() -> None:
    """Inside a process nothing waits."""
    text = drawn(LiveTable(None), report(100, 1.0))

    assert re.search(r"c0\.output -> c1\.x +100 +3 +100 kB", text)
    assert "c1.output -> c0.y" not in text


def test_the_busiest_stay_where_there_is_little_room() -> None:
    """The table is never higher than the terminal."""
    text = drawn(LiveTable(None), report(100, 1.0, components=200), height=24)

    assert "c199" in text
    assert "c0 " not in text
    assert "that are less busy" in text
    assert len(text.splitlines()) <= 24


@pytest.mark.slow
def test_ctrl_c_leaves_the_report_standing(tmp_path: Path) -> None:
    """On a terminal the table is shown, is taken away, and the report is what stays."""
    (tmp_path / "robot.py").write_text(ROBOT)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.environ["TERM"] = "xterm-256color"
        command = [sys.executable, "-m", "like_keras_core", "launch", "robot.py"]
        with default_signals():
            os.execv(command[0], command)

    said = ""
    is_asked = False
    try:
        while True:
            try:
                said += os.read(terminal, 65536).decode(errors="replace")
            except OSError:
                break
            if not is_asked and "camera" in said and "busy" in said:
                os.kill(child, signal.SIGINT)
                is_asked = True
    finally:
        os.close(terminal)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    left = STEERING.sub("", said).replace("\r", "")
    assert code == 0
    assert "robot on native   tick" in left
    assert "ended by interrupt" in left[left.rindex("robot on native:") :]
    assert "camera.output -> sink.value" in left[left.rindex("robot on native:") :]


def test_a_halted_terminal_halts_nothing() -> None:
    """What is newer is left out until what was begun is shown."""
    begun, halted = threading.Event(), threading.Event()
    seen: list[int] = []

    def show(item: int) -> None:
        begun.set()
        halted.wait()
        seen.append(item)

    drawing = Latest(show)
    drawing.show(1)
    begun.wait()
    for item in range(2, 100):
        drawing.show(item)
    halted.set()
    drawing.close()

    assert seen == [1, 2]


@pytest.mark.timeout(20)
def test_the_end_does_not_wait_for_a_halted_terminal() -> None:
    """Not for longer than a moment."""
    halted = threading.Event()
    drawing: Latest[int] = Latest(lambda item: halted.wait())
    for item in range(3):
        drawing.show(item)

    drawing.close()

    halted.set()
