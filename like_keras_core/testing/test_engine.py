"""`pytest --pyargs like_keras_core.testing --lk-engine NAME` needs no test file."""

from __future__ import annotations

import pytest

from like_keras_core.errors import EngineError
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.testing.conformance import EngineConformance


class TestEngine(EngineConformance):
    """The engine that the command line names."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take the engine's name from the command line.

    Raises:
        UsageError: There is none, or no such engine.
    """
    name = metafunc.config.getoption("--lk-engine", None)
    if not name:
        raise pytest.UsageError(
            "Which engine? pytest --pyargs like_keras_core.testing --lk-engine NAME"
        )
    try:
        get_engine(name)
    except EngineError as error:
        raise pytest.UsageError(str(error)) from None
    TestEngine.engine = name
