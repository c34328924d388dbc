"""The dora engine: a process per node, on one machine or several."""

from __future__ import annotations

from lk_engine_dora.engine import DoraEngine
from lk_engine_dora.foreign import DoraNode

__all__ = ["DoraEngine", "DoraNode"]
