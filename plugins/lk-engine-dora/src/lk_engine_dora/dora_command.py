"""dora's command: where it is installed, and a run of it as a child process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from like_keras_core.engine_kit import ChildProcess, without_secrets
from like_keras_core.errors import EngineError
from lk_engine_dora.transport import OVERLAY, OVERLAY_FILE

LOOK_S = 0.02


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
    environ = without_secrets(os.environ)
    env = {OVERLAY: str(OVERLAY_FILE), **environ, "RUST_LIB_BACKTRACE": "0"}
    for name in ("DORA_LOG_FILTER", "DORA_LOG_LEVEL", "DORA_LOG_FORMAT"):
        env.pop(name, None)
    return env


def dora_child(
    words: Sequence[str],
    folder: Path,
    take: Callable[[str], object],
    environment: Mapping[str, str],
) -> ChildProcess:
    """Run a command of dora, in a session of its own.

    A Ctrl-C in the terminal would otherwise reach dora, which then stops delivering.

    Args:
        words: The command's words, behind `dora`.
        folder: Where it runs.
        take: Called with each line that it prints.
        environment: What it has beside this process's environment.
    """
    env = {**dora_environment(), **environment}
    command = [*dora_command(), *words]
    return ChildProcess(command, take, environment=env, folder=folder)
