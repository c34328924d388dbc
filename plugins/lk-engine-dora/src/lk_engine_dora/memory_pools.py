"""Shared memory for nodes that send arrays, where no size was given."""

from __future__ import annotations

import re
import warnings
from typing import Any

from like_keras_core.errors import EngineError, LkWarning
from like_keras_core.spec import SystemSpec
from lk_engine_dora.dataflow import SMALLEST_POOL
from lk_engine_dora.edges import edges_of

WISHED = 64 << 20
"""A window of values of 4 MB, with some room [byte]."""

_SMALL = re.compile(r"(int|float|bool|None|NoneType|complex|\||\s)+")
_POOL = "shared_memory_pool_size"
_SESSION = 12 << 10
"""What each process that uses dora has in shared memory, whatever it sends [byte]."""

_CURE = "Make it larger (mount -o remount,size=2G /dev/shm; docker run --shm-size=2g)"
_SIZED = re.compile(r"([\d.]+) ?([A-Za-z]+)")


def raise_pools(spec: SystemSpec, nodes: list[dict[str, Any]], free: int) -> None:
    """Give nodes that may send arrays more than dora does, as far as there is.

    A node that says itself what it needs, or whose ports do, keeps that.

    Args:
        spec: The system.
        nodes: The nodes of its dataflow; changed.
        free: How much shared memory this machine has left [byte].
    """
    _warn_of_pools(nodes, free)
    large = _senders(spec)
    unsaid = [item for item in nodes if item["id"] in large and _POOL not in item]
    if not unsaid:
        return
    taken = sum(item[_POOL] for item in nodes if isinstance(item.get(_POOL), int))
    taken += SMALLEST_POOL * sum(_POOL not in item for item in nodes)
    share = max(0, free - taken) // 2 // len(unsaid) + SMALLEST_POOL
    size = min(WISHED, share)
    if size < WISHED:
        warnings.warn(
            f"Little shared memory is left in /dev/shm: each of {len(unsaid)} nodes "
            f"that may send arrays gets {size / 1e6:.0f} MB of the "
            f"{WISHED / 1e6:.0f} MB it should have. Values that do not fit are sent "
            f"complete, and many times slower. {_CURE}, or say "
            "OutputPort(max_bytes=...) or Node(shared_memory_pool_size=...).",
            LkWarning,
            stacklevel=2,
        )
    for item in unsaid:
        item[_POOL] = size


def _warn_of_pools(nodes: list[dict[str, Any]], free: int) -> None:
    """Warn where what nodes ask for is more than there is."""
    asked = sum(_bytes_of(item[_POOL]) for item in nodes if _POOL in item)
    if asked > free:
        warnings.warn(
            f"The nodes of this system ask for {asked / 1e6:.0f} MB of shared memory, "
            f"and {free / 1e6:.0f} MB are left in /dev/shm. Values that do not fit are "
            f"sent complete, and many times slower. {_CURE}.",
            LkWarning,
            stacklevel=3,
        )


def refuse_no_memory(count: int, free: int, *, is_writable: bool) -> None:
    """Refuse to start where dora's processes could not.

    Args:
        count: How many processes use shared memory.
        free: How much of it is left [byte].
        is_writable: Whether files can be made there.

    Raises:
        EngineError: There is too little, or none can be had.
    """
    needed = count * _SESSION
    if is_writable and free >= needed:
        return
    state = f"{free / 1e3:.0f} kB are left there" if is_writable else "it is read-only"
    raise EngineError(
        f"dora's processes need {needed / 1e3:.0f} kB of shared memory in /dev/shm to "
        f"start, and {state}. {_CURE}, or remove what is there and is not used."
    )


def warn_of_locks(
    spec: SystemSpec, nodes: list[dict[str, Any]], limit: int | None
) -> None:
    """Warn where a process may not lock the shared memory that it needs.

    dora locks it, and does without in silence where it may not.

    Args:
        spec: The system.
        nodes: The nodes of its dataflow on this machine, with their pools.
        limit: How much memory a process may lock [byte]; None is without limit.
    """
    if limit is None:
        return
    pools = {item["id"]: _bytes_of(item.get(_POOL, SMALLEST_POOL)) for item in nodes}
    large = {item["id"] for item in nodes if _POOL in item} & pools.keys()
    needed = {node: pools[node] for node in large}
    for sender, reader in {(x.start, x.end) for x in edges_of(spec) if x.source}:
        if sender in large and reader in pools:
            needed[reader] = needed.get(reader, pools[reader]) + pools[sender]
    most = max(needed.values(), default=0)
    if most > limit:
        warnings.warn(
            f"A process of this system may lock {limit / 1e6:.0f} MB of memory, and "
            f"needs {most / 1e6:.0f} MB for large values: dora then sends them without "
            "shared memory, and many times slower. Let it lock more: ulimit -l "
            "unlimited, docker run --ulimit memlock=-1, or LimitMEMLOCK=infinity in a "
            "systemd unit.",
            LkWarning,
            stacklevel=2,
        )


def _bytes_of(size: int | str) -> int:
    """Return a size that may have a unit, as dora takes it [byte]."""
    if isinstance(size, int):
        return size
    number, unit = _SIZED.findall(size)[0]
    return int(float(number) * 1024 ** "BKMG".index(unit[0].upper()))


def _senders(spec: SystemSpec) -> set[str]:
    """Return the dora nodes with a port whose values may be large, read elsewhere."""
    small = {
        address
        for address, port in spec.outputs().items()
        if _SMALL.fullmatch(port.type)
    }
    return {
        edge.start
        for edge in edges_of(spec)
        if edge.source and edge.source not in small
    }
