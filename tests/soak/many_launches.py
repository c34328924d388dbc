"""`python -m tests.soak.many_launches ENGINE COUNT`: launches, and what they leave.

Run in an empty folder. Prints as JSON what this process had once it was warm, and what
it has at the end.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from like_keras_core import ComponentError, LkWarning, Node, System
from like_keras_core.errors import LaunchTimeoutError
from like_keras_core.testing.components import Count, Fail
from like_keras_core.testing.kit_components import Block, Digest
from like_keras_core.testing.leak_check import Watch

WARM = 10
"""After so many launches everything that is kept for good is there."""


def launch(engine: str, number: int) -> str:
    """Launch a small system, and return how it ended: in one of four ways."""
    a, b = Node("a"), Node("b")
    block, digest = Block(100_000, name="block", node=a), Digest(name="digest", node=b)
    digest(block())
    count, fail = Count(node=a), Fail(tick=3 if number % 4 == 1 else -1, node=b)
    fail(count())
    system = System([block, digest, count, fail])
    bounds: dict[str, Any] = {"iterations": 10} if number % 4 < 2 else {}
    if number % 4 == 2:
        bounds["timeout_s"] = 0.05
    if number % 4 == 3:
        bounds["progress"] = lambda done: system.stop()
    try:
        return system.launch(engine=engine, record="all", **bounds).ended_by
    except (ComponentError, LaunchTimeoutError) as error:
        return type(error).__name__


def state(watch: Watch) -> dict[str, object]:
    """Return what this process holds, without what its allocator keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files = [os.readlink(f"/proc/self/fd/{fd}") for fd in _open_files()]
    return {
        "files": sorted(name.partition(":")[0] for name in files),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "tasks": len(os.listdir("/proc/self/task")),
        "memory_mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "shared": watch.shared_memory(),
        "processes": sorted(watch.processes().values()),
        "outside": watch.files(),
    }


def _open_files() -> list[int]:
    """Return this process's descriptors, without that of the listing itself."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            os.fstat(int(name))
        except OSError:
            continue
        found.append(int(name))
    return found


def main(engine: str, count: int) -> None:
    """Launch, and say what was there before and after."""
    warnings.simplefilter("ignore", LkWarning)
    watch = Watch(Path.cwd())
    ended: dict[str, int] = {}
    with watch.watching():
        for number in range(WARM):
            launch(engine, number)
        before = state(watch)
        for number in range(count):
            how = launch(engine, number)
            ended[how] = ended.get(how, 0) + 1
            if number % max(1, count // 10) == 0:
                told = state(watch)
                print(number, told["memory_mb"], told["tasks"], file=sys.stderr)
        after = state(watch)
    print(json.dumps({"ended": ended, "before": before, "after": after}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
