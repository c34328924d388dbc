"""A launch with few file descriptors: an error that says so, and nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, resource, sys
from pipes_engine import PipesEngine
from like_keras_core import LkError, Node, System
from like_keras_core.testing.components import Count, Scale
if __name__ == "__main__":
    scales = [Scale(name=f"s{n}", node=Node(f"n{n}")) for n in range(7)]
    count = Count(node=Node("a"))
    numbers = count()
    for scale in scales:
        scale(numbers)
    system = System([count, *scales])
    limit = len(os.listdir("/proc/self/fd")) - 1 + int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    try:
        PipesEngine().launch(system, iterations=3)
    except LkError as error:
        print(error)
    print(open(f"/proc/self/task/{os.getpid()}/children").read() or "nothing left")
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("spare", [4, 12, 18, 24])
def test_a_launch_that_lacks_file_descriptors_says_so(
    spare: int, tmp_path: Path
) -> None:
    """Wherever they come to an end: in a process, a log or a connection."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, str(script), str(spare)],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert "file descriptors here: raise the limit" in done.stdout, done.stderr
    assert "nothing left" in done.stdout
