"""The engines of this repository keep the contract."""

from __future__ import annotations

from like_keras_core.testing import EngineConformance


class TestNative(EngineConformance):
    """The native engine, all of it."""

    engine = "native"
