"""Every way to end a run: whatever happens, everybody is deactivated in time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.node import Node
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing.failing_components import Slow
from like_keras_core.testing.subprocess_env import (
    default_signals,
    environment_of,
    origin_of,
)
from like_keras_core.testing.suite import Suite

GRACE_S = 1.0
"""The `stop_grace_s` of these launches [s]."""

_SOON_S = 15.0
"""How long a launch may take to end after that, on a machine with much to do [s]."""

posix_only = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


class FailuresSuite(Suite):
    """Components that do not return, and stops at any moment.

    The launches that hang are in processes of their own: an engine in one process may
    have to end it.
    """

    @posix_only
    @pytest.mark.parametrize(
        ("phase", "how"),
        [
            ("forward", "lock"),
            ("forward", "loop"),
            ("forward", "native"),
            ("on_deactivate", "sleep"),
            ("on_deactivate", "native"),
            ("on_shutdown", "lock"),
        ],
    )
    def test_what_does_not_return_is_named_and_the_others_are_deactivated(
        self, phase: str, how: str, tmp_path: Path
    ) -> None:
        """In the time that a stop may take, whatever it is in."""
        run = self._start(tmp_path, {phase: how}, until="forward 3")
        run.ends_by("SIGTERM")

        assert run.names("on_deactivate") >= {"near", "motor"}
        assert run.names("on_shutdown") >= {"near", "motor"}
        assert "camera" in run.error
        assert phase in run.error
        assert "stop_grace_s" in run.error

    @posix_only
    def test_an_error_that_came_first_is_not_lost(self, tmp_path: Path) -> None:
        """Behind a hook that hangs after it."""
        run = self._start(tmp_path, {"forward": "error", "on_deactivate": "lock"})
        run.ends()

        assert run.names("on_deactivate") >= {"near", "motor"}
        assert "the first" in run.error
        assert "on_deactivate" in run.error

    @posix_only
    def test_a_signal_ends_a_launch_that_starts(self, tmp_path: Path) -> None:
        """While a component is configured; what was, is shut down."""
        run = self._start(tmp_path, {"on_configure": "sleep"}, until="on_configure")
        took_s = run.ends_by("SIGINT")

        assert took_s < GRACE_S + 5
        assert run.said["ended_by"] == "interrupt"
        assert run.said["iterations"] == 0
        assert "Traceback" not in run.text
        configured = run.names("on_configure") - {"camera"}
        assert "early" in configured
        assert run.names("on_shutdown") == configured
        assert run.names("forward") == set()

    def test_a_stop_takes_no_queue_along(self, tmp_path: Path) -> None:
        """What a slow component was doing is its last, whatever waits for it."""
        path = tmp_path / "diary"
        source = parts.Endless(name="source", node=Node("a"))
        slow = Slow(str(tmp_path / "slow"), name="slow", node=Node("b"))
        motor = parts.Diary(str(path), name="motor", node=Node("c"))
        motor(slow(source()))
        system = System([source, slow, motor])
        moved = 0

        def moves() -> int:
            return path.read_text("utf-8").count("forward") if path.exists() else 0

        def has_moved() -> bool:
            nonlocal moved
            moved = moves()
            return moved >= 2

        report = self.launch_until(system, has_moved)

        assert report.ended_by == "stop"
        assert moves() <= moved + 1
        assert report.components["motor"].fired == moves()

    def _start(
        self, folder: Path, what: Mapping[str, str], until: str = "forward"
    ) -> _Run:
        """Launch in another process; return once something is in the diary."""
        origin = origin_of(type(get_engine(self.name)))
        options = {**self.options, "stop_grace_s": GRACE_S}
        words = [origin, self.name, str(folder / "diary")]
        words += [json.dumps(dict(what)), json.dumps(options)]
        run = _Run(folder, words, GRACE_S + min(_SOON_S, self.timeout_s))
        run.await_line(f"camera {until}", self.timeout_s)
        return run


class _Run:
    """A launch in a process of its own, and its diary."""

    def __init__(self, folder: Path, words: list[str], limit_s: float) -> None:
        self.diary = folder / "diary"
        self.limit_s = limit_s
        self.said: dict[str, Any] = {}
        self.text = ""
        module = "like_keras_core.testing.failure_probe"
        with default_signals():
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                env=environment_of(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )

    @property
    def error(self) -> str:
        """The error that was raised; all that was printed if the process had to exit.

        What a launch says while it waits is not the error.
        """
        return str(self.said.get("text", "")) if self.said else self.text

    def lines(self) -> list[str]:
        """Return what is in the diary."""
        return self.diary.read_text("utf-8").splitlines() if self.diary.exists() else []

    def names(self, phase: str) -> set[str]:
        """Return whose diary has a phase."""
        words = [line.split() for line in self.lines()]
        return {name for name, what, _ in words if what == phase}

    def await_line(self, start: str, timeout_s: float) -> None:
        """Wait until a line begins so; end the process where none does."""
        until = time.monotonic() + timeout_s
        while not any(line.startswith(start) for line in self.lines()):
            if self._process.poll() is not None or time.monotonic() > until:
                self._end()
                pytest.fail(f"It did not begin: {self.text}")
            time.sleep(0.02)

    def ends_by(self, name: str) -> float:
        """Send a signal, and wait for the end; return how long it took [s]."""
        self._process.send_signal(getattr(signal, name))
        return self.ends()

    def ends(self) -> float:
        """Wait for the end, and keep what was said; return how long it took [s]."""
        began = time.monotonic()
        try:
            out, err = self._process.communicate(timeout=self.limit_s)
        except subprocess.TimeoutExpired:
            self._end()
            pytest.fail(f"It did not end: {self.text}")
        self._keep(out, err)
        return time.monotonic() - began

    def _end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._keep(*self._process.communicate())

    def _keep(self, out: str, err: str) -> None:
        self.text = out + err
        answers = [line for line in out.splitlines() if line.startswith("{")]
        self.said = json.loads(answers[-1]) if answers else {}
