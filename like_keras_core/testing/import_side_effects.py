"""`python -m`: imports an engine, and prints what that changed, as JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
import threading
from typing import Any

import like_keras_core.plugins.engine_registry  # noqa: F401 - what the core itself imports is not counted
from like_keras_core.values.class_refs import resolve


def state() -> dict[str, Any]:
    """Return what an import must leave as it is."""
    return {
        "the working folder": os.getcwd(),
        "threads": sorted(x.name for x in threading.enumerate()),
        "signal handlers": {
            number.name: repr(signal.getsignal(number))
            for number in (signal.SIGINT, signal.SIGTERM)
        },
        "environment variables": dict(os.environ),
        "sys.path": list(sys.path),
        "child processes": children(),
    }


def children() -> list[int]:
    """Return the processes that this one started, where the system shows them."""
    task = f"/proc/self/task/{threading.get_native_id()}/children"
    try:
        with open(task, encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def changes_since(before: dict[str, Any], printed: str) -> list[str]:
    """List what an import changed, a line each; no value of a variable is in them.

    Args:
        before: The state before it.
        printed: What it wrote to stdout.
    """
    after = state()
    changed = [
        f"{what}: {_difference(before[what], after[what])}"
        for what in before
        if before[what] != after[what]
    ]
    if printed:
        changed.append(f"what is printed: {printed!r:.200}")
    return changed


def _difference(before: Any, after: Any) -> str:
    """Say what changed; of a mapping the keys only, for a value may be a secret."""
    if isinstance(before, dict):
        old, new = list(before), list(after)
        changed = [key for key in old if key in after and before[key] != after[key]]
    elif isinstance(before, list):
        old, new, changed = before, after, []
    else:
        return f"{before!r:.200} became {after!r:.200}"
    kinds = {
        "added": [item for item in new if item not in old],
        "changed": changed,
        "removed": [item for item in old if item not in new],
    }
    lines = [f"{', '.join(map(str, x))} {kind}" for kind, x in kinds.items() if x]
    return "; ".join(lines) or "their order or number changed"


def main(origin: str) -> None:
    """Import, compare, and print."""
    before, printed = state(), io.StringIO()
    with contextlib.redirect_stdout(printed):
        resolve(origin)
    json.dump(changes_since(before, printed.getvalue()), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
