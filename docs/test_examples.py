"""Every file in docs/examples/ is a program that ends well."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))

# LK_EXAMPLE_SHORT asks an example that would run for long to run a few ticks only.
SHORT = {"LK_EXAMPLE_SHORT": "1", "MPLBACKEND": "Agg", "SDL_VIDEODRIVER": "dummy"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(example: Path, tmp_path: Path) -> None:
    """It exits with 0, started in an empty folder."""
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=tmp_path,
        env={**os.environ, **SHORT},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout
