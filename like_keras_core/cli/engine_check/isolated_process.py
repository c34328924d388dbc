"""Other people's code in a process of its own, which ends with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def environment(first: Sequence[Path]) -> dict[str, str]:
    """Return this process's environment, with folders before all others on sys.path."""
    found = {key: x for key, x in os.environ.items() if not key.startswith("PYTEST_")}
    path = os.pathsep.join(filter(None, [*map(str, first), found.get("PYTHONPATH")]))
    return {
        **found,
        **({"PYTHONPATH": path} if path else {}),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def run_module(
    module: str,
    *words: str,
    cwd: str | Path,
    first: Sequence[Path] = (),
    timeout_s: float,
) -> tuple[int | None, list[str]]:
    """Run `python -m module`; when its time is up, nothing of it is left.

    Args:
        module: What to run.
        *words: Its arguments.
        cwd: Where it works.
        first: Folders that come first on its path.
        timeout_s: How long it may take [s].

    Returns:
        Its exit code, None where its time was up, and the lines that it printed.
    """
    with subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=cwd,
        env=environment(first),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, _ = process.communicate(timeout=timeout_s)
        except BaseException as error:
            with suppress(OSError, AttributeError):  # Windows has no groups
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            return None, []
    return process.returncode, out.strip().splitlines()
