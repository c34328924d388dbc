"""The contract over several processes: the reference engine of these tests keeps it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

from like_keras_core import RunReport, SystemSpec
from like_keras_core.spec import HasSpec
from like_keras_core.testing import EngineConformance


class Processes(ReferenceEngine):  # type: ignore[misc]
    """Its processes are deaf to the Ctrl-C that a terminal sends to all of them."""

    name = "processes"

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        **options: Any,
    ) -> RunReport:
        if threading.current_thread() is not threading.main_thread():
            report: RunReport = super().launch(system, config_path, **options)
            return report
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)

        def started(pids: Mapping[str, int]) -> None:
            signal.signal(signal.SIGINT, before)

        try:
            report = super().launch(system, config_path, started=started, **options)
        finally:
            signal.signal(signal.SIGINT, before)
        return report


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes find the engine where this one found it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


@pytest.mark.slow
class TestProcesses(EngineConformance):
    """Each node in a process of its own."""

    engine = Processes
