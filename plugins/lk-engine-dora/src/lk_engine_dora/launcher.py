"""`dora run` as a child of the launching process, and what it takes to end it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from like_keras_core.errors import EngineError
from lk_engine_dora.leftovers import kill, remove_free, segments, session
from lk_engine_dora.output import UNSTARTED, Output, exit_text
from lk_engine_dora.transport import OVERLAY, OVERLAY_FILE

_LOOK_S = 0.02
_LAST_WORDS_S = 2.0
"""How long dora may take to say why a node did not start [s]."""

_DEATH_S = 0.3
"""How long a process may take to be gone when its connections are [s]."""

_LEAVE_S = 5.0
"""How long components may take to shut down when the run is over [s]."""


def dora_command() -> list[str]:
    """Return the command of the dora that is installed beside this interpreter.

    Raises:
        EngineError: There is none.
    """
    folders = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))]
    for folder in folders:
        path = shutil.which("dora", path=str(folder))
        if path is not None:
            return [path]
    if importlib.util.find_spec("dora_cli") is not None:
        call = "import sys, dora_cli; sys.exit(dora_cli.py_main())"
        return [sys.executable, "-c", call]
    raise EngineError(
        "dora's command is not installed beside this Python: pip install dora-rs-cli"
    )


class DoraRun:
    """Runs a dataflow on this machine, in a session of its own.

    Args:
        path: The dataflow.
        output: Takes in what is printed.
        environment: What the nodes' processes have beside this one's environment.
        paths: What each node runs.
    """

    def __init__(
        self,
        path: Path,
        output: Output,
        environment: Mapping[str, str],
        paths: Mapping[str, str],
    ) -> None:
        self.path = path
        self.output = output
        self._paths = paths
        self._segments = segments()
        env = {**os.environ, OVERLAY: str(OVERLAY_FILE), "RUST_LIB_BACKTRACE": "0"}
        env |= {OVERLAY: os.environ[OVERLAY]} if OVERLAY in os.environ else {}
        for name in ("DORA_LOG_FILTER", "DORA_LOG_LEVEL", "DORA_LOG_FORMAT"):
            env.pop(name, None)
        # Ctrl-C in the terminal would reach dora, which then stops delivering.
        self._process = subprocess.Popen(
            [*dora_command(), "run", path.name, "--log-format", "json"],
            cwd=path.parent,
            env={**env, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="dora run", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.take(line.decode(errors="replace").rstrip("\n"))

    def lost(self) -> dict[str, str]:
        """Return how processes of nodes have ended, the first one first.

        Raises:
            EngineError: dora itself has ended.
        """
        is_over = self._exit_code() is not None
        if is_over or UNSTARTED in self.output.ended.values():
            self._reader.join(_LAST_WORDS_S)
        ended = {
            node: self._reason(node) if how == UNSTARTED else how
            for node, how in self.output.ended.items()
        }
        if is_over and not ended:
            for node, path in self._paths.items():
                if path == self.output.missing:
                    return {node: f"{UNSTARTED}: there is no {path!r}"}
            raise self._error()
        return ended

    def _reason(self, node: str) -> str:
        said = self.output.failed.get(node)
        return f"{UNSTARTED}: {said}" if said else UNSTARTED

    def check(self) -> None:
        """See whether what a node has met is the end of dora itself.

        Raises:
            EngineError: It is.
        """
        until = time.monotonic() + _DEATH_S
        while not self.lost() and time.monotonic() < until:
            time.sleep(_LOOK_S)

    def _error(self) -> EngineError:
        code = self._exit_code() or 0
        said = "\n".join(f"  {line}" for line in self.output.own)
        return EngineError(
            f"`dora run` ended before the run was over: {exit_text(code)}. The end of "
            f"what it said:\n{said}"
        )

    def _exit_code(self) -> int | None:
        """Return the exit code; the process stays, so that its number is not reused."""
        mode = os.WEXITED | os.WNOHANG | os.WNOWAIT
        found = os.waitid(os.P_PID, self._process.pid, mode)
        if found is None:
            return None
        is_exit = found.si_code == os.CLD_EXITED
        return found.si_status if is_exit else -found.si_status

    def end(self) -> None:
        """Let everybody shut down, and see to it that nothing is left.

        Returns when no process is left, and no memory.
        """
        try:
            until = time.monotonic() + _LEAVE_S
            while time.monotonic() < until:
                states = session(self._process.pid)
                if not states and self._exit_code() is not None:
                    break
                for pid, state in states.items():
                    if state in "Tt":
                        kill(pid)  # It is halted, and would never end.
                time.sleep(_LOOK_S)
        finally:
            while states := session(self._process.pid):
                for pid in states:
                    kill(pid)
                time.sleep(_LOOK_S)
            kill(self._process.pid)
            self._reader.join(_LAST_WORDS_S)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self.output.close()
            remove_free(segments() - self._segments)
            self._remove_files()

    def _remove_files(self) -> None:
        """Remove dora's own folder of this run: our logs have what is in it."""
        if self.output.dataflow_id:
            folder = self.path.parent / "out" / self.output.dataflow_id
            shutil.rmtree(folder, ignore_errors=True)
