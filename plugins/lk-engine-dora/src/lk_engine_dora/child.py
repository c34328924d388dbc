"""A command of dora as a child of this process, and the thread that reads it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from like_keras_core.errors import EngineError
from like_keras_core.runtime.supervision.os_sessions import (
    end_sessions,
    exit_code,
    kill,
)
from lk_engine_dora.transport import OVERLAY, OVERLAY_FILE

LOOK_S = 0.02
_LAST_WORDS_S = 2.0
"""How long dora may take to say why it ended [s]."""


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


def dora_environment() -> dict[str, str]:
    """Return this process's environment, without what changes what dora prints."""
    env = {OVERLAY: str(OVERLAY_FILE), **os.environ, "RUST_LIB_BACKTRACE": "0"}
    for name in ("DORA_LOG_FILTER", "DORA_LOG_LEVEL", "DORA_LOG_FORMAT"):
        env.pop(name, None)
    return env


class Child:
    """Runs a command of dora, in a session of its own.

    Args:
        words: The command's words, behind `dora`.
        folder: Where it runs.
        take: Called with each line that it prints.
        environment: What it has beside this process's environment.
    """

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        take: Callable[[str], object],
        environment: Mapping[str, str],
    ) -> None:
        self._take = take
        # Ctrl-C in the terminal would reach dora, which then stops delivering.
        self._process = subprocess.Popen(
            [*dora_command(), *words],
            cwd=folder,
            env={**dora_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="dora", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._take(line.decode(errors="replace").rstrip("\n"))

    def exit_code(self) -> int | None:
        """Return the exit code; the process stays, so that its number is not reused."""
        return exit_code(self._process.pid)

    def read_out(self) -> None:
        """Wait until all that it has printed was taken, though not for long."""
        self._reader.join(_LAST_WORDS_S)

    def end(
        self, leave_s: float = 0.0, is_hurried: Callable[[], bool] = lambda: False
    ) -> None:
        """Let its session end, and kill what still lives of it.

        Nothing is left when this returns.

        Args:
            leave_s: How long it may take [s].
            is_hurried: Whether it has had time enough.
        """
        try:
            end_sessions([self._process.pid], leave_s, is_hurried=is_hurried)
        finally:
            kill(self._process.pid)
            self.read_out()
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
