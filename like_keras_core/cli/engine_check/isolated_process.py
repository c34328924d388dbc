"""Other people's code in a process of its own, which ends with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Ended(NamedTuple):
    """How a process ended, and what it printed.

    Args:
        code: Its exit code; None where its time was up.
        out: What it wrote to stdout.
        err: What it wrote to stderr.
    """

    code: int | None
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line that it printed, errors first; empty if there is none."""
        for text in (self.err, self.out):
            lines = text.strip().splitlines()
            if lines:
                return lines[-1].strip()
        return ""


def environment(first: Sequence[Path]) -> dict[str, str]:
    """Return this process's environment, with folders before all others on sys.path."""
    paths = [str(path) for path in first]
    if os.environ.get("PYTHONPATH"):
        paths.append(os.environ["PYTHONPATH"])
    found = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("PYTEST_") and key != "PYTHONPATH"
    }
    if paths:
        found["PYTHONPATH"] = os.pathsep.join(paths)
    return {**found, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


def run_module(
    module: str,
    *words: str,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
) -> Ended:
    """Run `python -m module` and wait for it; in time or not, nothing of it is left.

    Args:
        module: What to run.
        *words: Its arguments.
        cwd: Where it works.
        env: Its environment.
        timeout_s: How long it may take [s].
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        out, err = process.communicate()
        return Ended(None, out, err)
    except BaseException:
        _end(process)
        process.communicate()
        raise
    return Ended(process.returncode, out, err)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a process and, where there are sessions, all that it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
