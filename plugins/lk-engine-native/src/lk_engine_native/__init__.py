"""The native engine: a system in this process, for development and tests."""

from __future__ import annotations

from lk_engine_native.engine import NativeEngine

__all__ = ["NativeEngine"]
