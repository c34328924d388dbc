"""The end of a launch: nothing is left behind, also after an error or a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from like_keras_core.errors import ComponentError
from like_keras_core.node import Node
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.runtime.stop_signals import SIGNALS
from like_keras_core.system import System
from like_keras_core.testing import kit_components as parts
from like_keras_core.testing.leak_check import Watch
from like_keras_core.testing.subprocess_env import (
    default_signals,
    environment_of,
    origin_of,
)
from like_keras_core.testing.suite import Suite
from like_keras_core.testing.suites.basic import chain
from like_keras_core.testing.suites.errors import failing

not_windows = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
linux_only = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="what is left is read from /proc"
)


class LeavingSuite(Suite):
    """Processes, shared memory, files and threads."""

    @linux_only
    def test_no_process_is_left(self, tmp_path: Path) -> None:
        """After a launch that ends well, and after one that fails."""
        watch = Watch(tmp_path)

        with watch.watching():
            self.launch(chain(), 5)
            with pytest.raises(ComponentError):
                self.launch(failing("forward", 3), 9)

        found = watch.processes()
        watch.end_processes()
        assert found == {}

    @linux_only
    def test_no_shared_memory_is_left(self, tmp_path: Path) -> None:
        """Large values may have gone through it."""
        watch = Watch(tmp_path)
        block = parts.Block(1_000_000, name="block", node=Node("a"))
        system = System([block, parts.Digest(name="digest", node=Node("b"))])

        with watch.watching():
            self.launch(system, 3)

        found = watch.shared_memory()
        watch.end_processes()
        assert found == []

    def test_no_file_is_left_outside_the_build_folder(self, tmp_path: Path) -> None:
        """Neither in the working folder nor where temporary files go."""
        watch = Watch(tmp_path)

        with watch.watching():
            self.launch(chain(), 5)

        assert watch.files() == []

    def test_no_thread_is_left(self) -> None:
        """But for such as end within a second."""
        before = set(threading.enumerate())

        self.launch(chain(), 5)

        until = time.monotonic() + 1
        while (new := set(threading.enumerate()) - before) and time.monotonic() < until:
            time.sleep(0.02)
        assert new == set()

    def test_the_handler_of_ctrl_c_is_restored(self) -> None:
        """Afterwards it, SIGTERM and SIGHUP do what they did before."""
        before = [signal.getsignal(number) for number in SIGNALS]

        self.launch(chain(), 5)

        assert [signal.getsignal(number) for number in SIGNALS] == before

    @not_windows
    @pytest.mark.parametrize("to", ["process", "terminal"])
    def test_ctrl_c_ends_the_run_with_its_report(self, to: str, tmp_path: Path) -> None:
        """Sent to the launching process alone, or, as a terminal does, to all of them.

        `launch` returns the report, the components are shut down, and the process
        ends as any other.
        """
        self._is_ended_by("SIGINT", to, tmp_path)

    @not_windows
    @pytest.mark.parametrize(
        ("name", "to"), [("SIGTERM", "process"), ("SIGHUP", "terminal")]
    )
    def test_other_signals_end_the_run_as_ctrl_c_does(
        self, name: str, to: str, tmp_path: Path
    ) -> None:
        """What a service manager sends to stop it, and a terminal that is gone."""
        self._is_ended_by(name, to, tmp_path)

    def _is_ended_by(self, name: str, to: str, tmp_path: Path) -> None:
        number = getattr(signal, name)
        path = tmp_path / "diary"
        origin = origin_of(type(get_engine(self.name)))
        module = "like_keras_core.testing.interrupt_probe"
        words = [origin, self.name, str(path), json.dumps(dict(self.options))]
        with default_signals():
            process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                env=environment_of(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        try:
            until = time.monotonic() + self.timeout_s
            while not (path.exists() and "forward" in path.read_text("utf-8")):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < until, "it did not begin"
                time.sleep(0.02)
            if to == "process":
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)
            out, err = process.communicate(timeout=30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()

        assert process.returncode == 0, err
        report = json.loads(out.splitlines()[-1])
        assert report["ended_by"] == "interrupt"
        assert report["iterations"] > 0
        assert set(report["fired"]) == {report["iterations"]}
        lines = path.read_text("utf-8").splitlines()
        assert sum("on_shutdown" in line for line in lines) == 1
        assert "Traceback" not in err
