"""Every ending in every phase on every engine, at moments drawn from a seed.

    pytest -m soak --timeout=0 tests/soak/test_endings.py

takes hours; `-k native`, `-k "dora and -0"` and the like take a part of it. A failing
case is repeated by its name: its moments are drawn from that.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.testing.leak_check import Watch
from like_keras_core.testing.subprocess_env import default_signals, environment_of

GRACE_S = 1.0
"""The `stop_grace_s` of the launches [s]."""

SOON_S = 12.0
"""How much longer an end may take on a loaded machine [s]."""

ROOT = Path(__file__).parents[2]
ENGINES = {
    "native": ("native", "lk_engine_native"),
    "dora": ("dora", "lk_engine_dora"),
    "ros2": ("ros2", "rclpy"),
    "reference": ("reference_engine:ReferenceEngine", "reference_engine"),
}
PHASES: dict[str, dict[str, Any]] = {
    "starting": {"phase": "__init__"},
    "on_configure": {"phase": "on_configure"},
    "on_activate": {"phase": "on_activate"},
    "idle": {"pause_s": 0.3},
    "paced": {},
    "computing": {"work_s": 0.02},
    "lock": {"phase": "forward", "how": "lock"},
    "native": {"phase": "forward", "how": "native"},
    "on_deactivate": {"phase": "on_deactivate"},
    "on_shutdown": {"phase": "on_shutdown"},
}
HOOKS = ("on_configure", "on_activate", "on_deactivate", "on_shutdown")
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
ENDINGS = (*SIGNALS, "second", "timeout", "stop", "error", "SIGKILL")
CASES = [
    (engine, phase, ending, number)
    for engine in ENGINES
    for phase in PHASES
    for ending in ENDINGS
    for number in range(20 if engine == "native" else 3)
    if not (engine == "native" and ending == "SIGKILL")
    and not (phase == "starting" and ending in ("SIGKILL", "error"))
    and not (engine == "native" and phase in ("lock", "native") and ending == "error")
]

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.name == "nt", reason="signals of POSIX"),
]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """See that nothing is left of a launch in its folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    watch = Watch(folder)
    with watch.watching():
        yield watch
        watch.end_processes()


@pytest.mark.parametrize(
    ("engine", "phase", "ending", "number"),
    CASES,
    ids=["-".join(map(str, case)) + "-" for case in CASES],
)
def test_a_run_ends_in_time_and_cleanly(
    engine: str, phase: str, ending: str, number: int, watch: Watch, tmp_path: Path
) -> None:
    """All hooks are called that can be, the right one is named, nothing is left."""
    origin, module = ENGINES[engine]
    if find_spec(module) is None:
        pytest.skip(f"needs {module}")
    run = Run(origin, phase, ending, number, tmp_path)
    took_s = run.end()

    print(json.dumps({**run.camera, **run.options, "took_s": took_s}))
    print(*run.lines()[-20:], run.text, sep="\n")
    assert run.process.returncode is not None, "it did not end"
    assert took_s < GRACE_S + SOON_S
    run.check_hooks()
    run.check_text()
    assert watch.processes() == {}
    assert watch.shared_memory(patience_s=15) == []
    assert watch.files() == []


class Run:
    """A launch in a process of its own, and what is drawn for it."""

    def __init__(
        self, engine: str, phase: str, ending: str, number: int, folder: Path
    ) -> None:
        self.phase, self.ending = phase, ending
        self.diary = folder / "diary"
        self.random = random.Random(f"{engine} {phase} {ending} {number}")
        self.text = ""
        self.said: dict[str, Any] = {}
        self.killed = ""
        self.is_alone = engine == "native"
        self.camera = dict(PHASES[phase])
        if phase in HOOKS:
            hows = ["doze", "doze", "sleep", "lock", "loop", "native"]
            self.camera["how"] = self.random.choice(hows)
        self.hangs = self.camera.get("how", "doze") != "doze"
        self.options: dict[str, Any] = {"stop_grace_s": GRACE_S, "rate_hz": 50}
        if phase in ("idle", "computing"):
            del self.options["rate_hz"]
        self.is_bounded = phase in ("on_deactivate", "on_shutdown")
        if self.is_bounded:
            self.options["iterations"] = 20
        if ending == "timeout":
            most_s = 1.5 if self.is_alone else 6.0
            self.options["timeout_s"] = self.random.uniform(0.05, most_s)
        if (
            ending == "error"
            and self.is_alone
            and phase in ("on_configure", "on_activate")
        ):
            # Nothing has asked for an end when the camera hangs, before the motor.
            self.camera["how"], self.hangs = "doze", False
        if ending == "error" and (phase in HOOKS or self.hangs):
            told = phase if phase in HOOKS else "forward"
            (folder / "fail").write_text(told)
        words = [engine, str(self.diary), json.dumps(self.camera)]
        environment = {
            **environment_of(),
            "ROS_DOMAIN_ID": str(1 + os.getpid() % 100),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        environment["PYTHONPATH"] += f":{ROOT}"
        module = "tests.soak.ending_probe"
        with default_signals():
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *words, json.dumps(self.options)],
                cwd=folder / "work",
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )

    def lines(self) -> list[str]:
        """Return what is in the diary."""
        return self.diary.read_text("utf-8").splitlines() if self.diary.exists() else []

    def having(self, phase: str) -> dict[str, int]:
        """Return by component its last number of a phase."""
        words = [line.split() for line in self.lines()]
        return {name: int(number) for name, what, number in words if what == phase}

    def end(self) -> float:
        """Bring the ending about, and wait for it; return how long it took [s]."""
        self._await(self._is_there)
        if self.ending != "timeout":
            time.sleep(self.random.uniform(0, 0.3))
        began = time.monotonic()
        self._act()
        limit_s = GRACE_S + SOON_S + self.options.get("timeout_s", 0.0)
        try:
            out, err = self.process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            out, err = self.process.communicate()
            self.process.returncode = None
        self.text = out + err
        answers = [line for line in out.splitlines() if line.startswith("{")]
        self.said = json.loads(answers[-1]) if answers else {}
        took_s = time.monotonic() - began
        return took_s - float(self.options.get("timeout_s", 0.0))

    def _is_there(self) -> bool:
        """Say whether the run is in its phase."""
        if self.ending == "timeout" or self.phase == "starting":
            return self.diary.with_name("launched").exists()
        if self.phase in HOOKS:
            return "camera" in self.having(self.phase)
        who = "camera" if self.hangs else "motor"
        return self.having("forward").get(who, 0) >= 3

    def _await(self, is_there: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        while not is_there() and time.monotonic() < until:
            if self.process.poll() is not None:
                return
            time.sleep(0.005)

    def _act(self) -> None:
        if self.ending in SIGNALS:
            self._send(self.ending)
        elif self.ending == "second":
            self._send(self.random.choice(["SIGINT", "SIGTERM"]))
            time.sleep(self.random.uniform(0.05, 0.9))
            self._send("SIGINT")
        elif self.ending == "stop" and self.process.stdin is not None:
            self.process.stdin.write("stop\n")
            self.process.stdin.flush()
        elif self.ending == "error" and self.phase not in HOOKS and not self.hangs:
            self.diary.with_name("fail").write_text("forward")
        elif self.ending == "SIGKILL":
            self.killed = self.random.choice(["camera", "motor"])
            pid = self.having("on_configure").get(self.killed)
            if pid is None:
                self.killed = ""
            elif Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)

    def _send(self, name: str) -> None:
        if self.process.poll() is None:
            self.process.send_signal(getattr(signal, name))

    def check_hooks(self) -> None:
        """Fail unless all were deactivated and shut down that could be."""
        exempt = {"camera"} if self.hangs or self.ending == "second" else set()
        if self.ending == "second" and self.hangs and not self.is_alone:
            # Its process may have been killed before another thread took over.
            exempt |= {"early", "near"}
        if self.killed:
            exempt |= {"motor"} if self.killed == "motor" else {"early", "near"}
            exempt.add(self.killed)
        failed = {"motor"} if self.ending == "error" else set()
        activated = self.having("on_activate").keys() - exempt
        configured = self.having("on_configure").keys() - exempt
        if self.phase == "on_activate":
            activated -= failed
        if self.phase == "on_configure":
            configured -= failed
        assert self.having("on_deactivate").keys() >= activated
        assert self.having("on_shutdown").keys() >= configured

    def check_text(self) -> None:
        """Fail unless what is said is why it ended."""
        text = str(self.said.get("text", "")) if self.said else self.text
        how = self.said.get("ended_by")
        if self.ending == "second":
            assert self.process.returncode or how
            return
        if self.phase == "starting" and not self.lines() and not self.said:
            # The signal came before the launch had begun to listen.
            assert self.process.returncode
            return
        assert "Traceback" not in self.text.replace("\\nTraceback", "")
        if self.ending == "error":
            # A failing hook on the way up may come before the camera's.
            assert "'motor'" in text
            assert "as told" in text
        elif self.ending == "SIGKILL" and self.killed and not self.is_bounded:
            assert "SIGKILL" in text
            node = "a" if self.killed == "camera" else "b"
            assert f"{node!r}" in text
        elif self.hangs and (not self.said or self.phase not in HOOKS[:2]):
            if not self.is_early:
                assert "'camera'" in text
                # It may be killed before its time is over.
                assert "stop_grace_s" in text or (self.killed and "SIGKILL" in text)
        elif self.ending == "timeout":
            assert self.said.get("error") == "LaunchTimeoutError" or self.is_bounded
        elif self.ending in SIGNALS:
            assert how in ("interrupt", *(["iterations"] if self.is_bounded else []))
        elif self.ending == "stop":
            assert how in ("stop", *(["iterations"] if self.is_bounded else []))

    @property
    def is_early(self) -> bool:
        """Whether a limit ended the run before it was in its phase."""
        if self.ending != "timeout":
            return False
        phase = self.camera.get("phase", "")
        return "camera" not in self.having(phase) or (
            phase == "forward" and self.having("forward").get("camera", 0) < 3
        )
