"""Runs Python in a process of its own, with nothing of this one on its path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def run_python(folder: Path, *words: str) -> tuple[int, str]:
    """Run Python in a folder; return the exit code and all that it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr
