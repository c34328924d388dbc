"""Many launches in one process leave it as it was.

    pytest -m soak --timeout=0 tests/soak/test_many_launches.py

takes 3 minutes on native, and 15 on dora.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from like_keras_core.testing.subprocess_env import environment_of

ROOT = Path(__file__).parents[2]

GROWTH_MB = 15.0
"""How much more memory the process may have at the end [MB].

As it comes, glibc's allocator keeps what values that were recorded have left between
others, in the arenas of threads: 61 MB after 200 launches on dora, while the number of
Python's objects stays the same. So these runs have large values mapped by themselves.
"""

ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "2"}

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]


@pytest.mark.parametrize(("engine", "count"), [("native", 1000), ("dora", 200)])
def test_launches_leave_a_process_as_it_was(
    engine: str, count: int, tmp_path: Path
) -> None:
    """Descriptors, threads, processes, shared memory; and about as much memory."""
    if find_spec(f"lk_engine_{engine}") is None:
        pytest.skip(f"needs lk-engine-{engine}")
    environment = {**environment_of(), **ALLOCATOR}
    environment["PYTHONPATH"] += f":{ROOT}"
    module = "tests.soak.many_launches"

    done = subprocess.run(
        [sys.executable, "-m", module, engine, str(count)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    said = json.loads(done.stdout.splitlines()[-1])
    before, after = said["before"], said["after"]
    print(said)
    assert sum(said["ended"].values()) == count
    assert after.pop("memory_mb") < before.pop("memory_mb") + GROWTH_MB
    assert after == before
    assert after["processes"] == after["shared"] == after["outside"] == []
