"""Shared memory for nodes that send arrays, where no size was given."""

from __future__ import annotations

import re
import warnings
from typing import Any

from like_keras_core.errors import LkWarning
from like_keras_core.spec import SystemSpec
from lk_engine_dora.dataflow import SMALLEST_POOL
from lk_engine_dora.edges import edges_of

WISHED = 64 << 20
"""A window of values of 4 MB, with some room [byte]."""

_SMALL = re.compile(r"(int|float|bool|None|NoneType|complex|\||\s)+")
_POOL = "shared_memory_pool_size"


def raise_pools(spec: SystemSpec, nodes: list[dict[str, Any]], free: int) -> None:
    """Give nodes that may send arrays more than dora does, as far as there is.

    A node that says itself what it needs, or whose ports do, keeps that.

    Args:
        spec: The system.
        nodes: The nodes of its dataflow; changed.
        free: How much shared memory this machine has left [byte].
    """
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
            "complete, and many times slower. Make it larger (mount -o "
            "remount,size=2G /dev/shm; docker run --shm-size=2g), or say "
            "OutputPort(max_bytes=...) or Node(shared_memory_pool_size=...).",
            LkWarning,
            stacklevel=2,
        )
    for item in unsaid:
        item[_POOL] = size


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
