"""The contract of engines: native keeps all of it."""

from __future__ import annotations

from like_keras_core.testing import EngineConformance


class TestNative(EngineConformance):
    """Everything in the process that launched it."""

    engine = "native"
