"""dora with few file descriptors: an error in seconds, and nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from launching import processes  # type: ignore[import-not-found]

pytestmark = pytest.mark.timeout(90)

SCRIPT = """
import resource, sys
import like_keras_core as lk
from like_keras_core.testing.components import Count, Scale
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]),) * 2)
nodes = [Scale(name=f"s{n}", node=lk.Node(f"n{n}")) for n in range(3)]
count = Count(node=lk.Node("a"))
numbers = count()
for node in nodes:
    node(numbers)
if __name__ == "__main__":
    try:
        lk.System([count, *nodes]).launch(3, engine="dora")
    except lk.LkError as error:
        print(error)
"""


@pytest.mark.parametrize("limit", [24, 56])
def test_a_launch_with_few_files_says_so(
    limit: int, tmp_path: Path, launches: str
) -> None:
    """dora itself would say it for ever, as fast as it can."""
    script = tmp_path / "robot.py"
    script.write_text(SCRIPT)

    done = subprocess.run(
        [sys.executable, str(script), str(limit)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        check=False,
    )

    assert f"A process may have {limit} file descriptors" in done.stdout, done.stderr
    logs = tmp_path / ".lk_build" / "dora" / "logs"
    assert sum(path.stat().st_size for path in logs.iterdir()) < 1_000_000
    assert not processes(launches)


WAITS = """
import ctypes, os, subprocess, sys
code = '''
import ctypes
from lk_engine_dora.launcher_watch import ending_with_launcher
with ending_with_launcher():
    print("waits", flush=True)
    ctypes.PyDLL(None).sleep(60)
'''
os.environ["LK_LAUNCHER_PID"] = str(os.getpid())
dora = f"import subprocess, sys; subprocess.call([sys.executable, '-c', {code!r}])"
subprocess.call([sys.executable, "-c", dora])
"""


def test_a_node_that_dora_lets_wait_ends_with_the_launching_process(
    launches: str,
) -> None:
    """It has no connection to it yet, and dora keeps Python's lock meanwhile."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waits\n"

    process.kill()
    process.wait()
    process.stdout.close()

    until = time.monotonic() + 10
    while processes(launches):
        assert time.monotonic() < until
        time.sleep(0.1)
