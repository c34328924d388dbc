"""Dora programs written by hand: what the dora engine is measured beside.

A source sends arrays with the time and a number in them, relays pass them on, a sink
reads them. The source has a pace; or a window, kept by a loop of credits and no other
protection; or neither. Nodes end by themselves when they hear nothing for a while.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
POOL = 128_000_000
QUIET_S = 3.0
"""A node that has heard nothing for so long has heard all."""
START_S = 60.0
LINGER_S = 0.5
"""What was sent last may be lost if its sender ends at once."""

Arrivals = np.ndarray
"""A row for each array that arrived: its age [s], when it came [s], its number."""


def make(template: np.ndarray, number: int) -> np.ndarray:
    """Return an array that has not been sent, with the time and a number in it."""
    made: np.ndarray = template.copy()
    if made.size >= 16:
        made[8:16].view(np.int64)[0] = number
    # Last, for what is done to the array is no part of its way.
    stamp = made[:8].view(np.float64)
    stamp[0] = time.monotonic()
    return made


def template_of(size: int) -> np.ndarray:
    """Return what arrays of a size are copies of."""
    return np.ones(max(8, size), np.uint8)


def seen(array: np.ndarray) -> tuple[float, float, int]:
    """Return an array's age, the time, and its number if it has room for one."""
    now = time.monotonic()
    number = int(array[8:16].view(np.int64)[0]) if array.size >= 16 else -1
    return now - float(array[:8].view(np.float64)[0]), now, number


def run(
    size: int,
    count: int,
    *,
    rate_hz: float = 0.0,
    window: int = 0,
    relays: int = 0,
    sleep_s: float = 0.0,
    pool: int | None = POOL,
    blocks: bool = True,
) -> tuple[Arrivals, float]:
    """Run a chain with `dora run`; return what arrived, and when it was started [s].

    Args:
        size: Of an array [byte].
        count: How many the source sends.
        rate_hz: Its pace; 0 is none.
        window: How many may be under way; 0 is any number.
        relays: How many nodes are between source and sink.
        sleep_s: How long the sink takes for each [s].
        pool: Each sending node's shared memory [byte]; None is dora's default.
        blocks: Whether messages wait where a link is congested, as the engine has it;
            by itself dora drops them.
    """
    with tempfile.TemporaryDirectory() as folder:
        names = ["source", *(f"relay{n}" for n in range(relays)), "sink"]
        words = {"size": size, "count": count, "rate": rate_hz, "window": window}
        words |= {"sleep": sleep_s}
        options = " ".join(f"--{key} {value}" for key, value in words.items())
        nodes: list[dict[str, Any]] = []
        for n, name in enumerate(names):
            role = name.rstrip("0123456789")
            node: dict[str, Any] = {"id": name, "path": sys.executable}
            node["args"] = f"-u {HERE} {role} {options}"
            if n:
                node["inputs"] = {"data": _input(f"{names[n - 1]}/data")}
            elif window:
                node["inputs"] = {"credit": _input("sink/credit")}
            node["outputs"] = ["data"] if name != "sink" else ["credit"]
            if pool and name != "sink":
                node["shared_memory_pool_size"] = pool
            nodes.append(node)
        Path(folder, "by_hand.yaml").write_text(json.dumps({"nodes": nodes}))
        began = time.monotonic()
        subprocess.run(
            [Path(sys.executable).with_name("dora"), "run", "by_hand.yaml"],
            cwd=folder,
            env=_environment(blocks=blocks),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=200,
            check=False,
        )
        return np.load(Path(folder, "arrived.npy")), began


def _input(source: str) -> dict[str, Any]:
    return {"source": source, "queue_size": 1000}


def _environment(*, blocks: bool) -> dict[str, str]:
    from lk_engine_dora.transport import OVERLAY, OVERLAY_FILE

    return {**os.environ, **({OVERLAY: str(OVERLAY_FILE)} if blocks else {})}


def be_source(node: Any, given: argparse.Namespace) -> None:
    """Send with a window, at a rate, or as fast as it goes."""
    template, credits = template_of(given.size), given.window
    start = time.monotonic()
    for number in range(given.count):
        if given.rate:
            time.sleep(max(0.0, start + number / given.rate - time.monotonic()))
        while given.window and credits == 0:
            event = node.next(2.0)
            if event is None or event["type"] == "ERROR":
                credits = given.window  # Something was lost.
            elif event["type"] == "INPUT":
                credits += 1
        array = make(template, number)
        with node.send_output_raw("data", array.nbytes) as buffer:
            view = memoryview(buffer)
            view[:] = array.data
            view.release()
        credits -= 1
    time.sleep(LINGER_S)
    while given.window and credits < given.window:
        event = node.next(QUIET_S)
        if event is None or event["type"] != "INPUT":
            break
        credits += 1


def be_relay(node: Any, given: argparse.Namespace) -> None:
    """Pass everything on."""
    passed = 0
    while passed < given.count:
        event = node.next(QUIET_S if passed else START_S)
        if event is None or event["type"] == "ERROR":
            break
        if event["type"] == "INPUT":
            node.send_output("data", event["value"])
            passed += 1
    time.sleep(LINGER_S)


def be_sink(node: Any, given: argparse.Namespace) -> None:
    """Receive, and say so."""
    found: list[tuple[float, float, int]] = []
    while len(found) < given.count:
        event = node.next(QUIET_S if found else START_S)
        if event is None or event["type"] == "ERROR":
            break
        if event["type"] == "INPUT":
            array = event["value"].to_numpy(zero_copy_only=True)
            found.append(seen(array))
            del array, event
            if given.sleep:
                time.sleep(given.sleep)
            if given.window:
                node.send_output("credit", b"")
    np.save("arrived.npy", np.array(found).reshape(-1, 3))


def main() -> None:
    """Be one of the nodes."""
    from dora import Node

    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["source", "relay", "sink"])
    for name, kind in (("size", int), ("count", int), ("window", int)):
        parser.add_argument(f"--{name}", type=kind, default=0)
    for name in ("rate", "sleep"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    given = parser.parse_args()
    roles = {"source": be_source, "relay": be_relay, "sink": be_sink}
    roles[given.role](Node(), given)


if __name__ == "__main__":
    main()
