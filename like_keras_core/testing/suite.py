"""What every suite of the conformance kit stands on: the engine, and launches on it."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from like_keras_core.engine import Engine
from like_keras_core.errors import LkWarning
from like_keras_core.plugins.engine_registry import get_engine, register_engine
from like_keras_core.plugins.session import Session
from like_keras_core.report import RunReport
from like_keras_core.system import System
from like_keras_core.testing.level import LEVEL
from like_keras_core.testing.outcome import Outcome
from like_keras_core.testing.reference import run_on_reference


class Suite:
    """Tests of one engine.

    Attributes:
        engine: Its name, or its class, which is then registered under its own name.
        suite_level: The level of the kit that the engine is held to. A capability
            that came in later is reported in a line of its own, and not required.
        options: Options that every launch gets.
        timeout_s: How long one launch may take [s].
        examples: How many random systems are run; None: 60 in this process, and 8
            where each launch starts processes.
    """

    engine: ClassVar[str | type[Engine]] = ""
    suite_level: ClassVar[int] = LEVEL
    options: ClassVar[Mapping[str, Any]] = {}
    timeout_s: ClassVar[float] = 60.0
    examples: ClassVar[int | None] = None
    _limits = True

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.engine if isinstance(self.engine, str) else self.engine.name

    @property
    def declared(self) -> frozenset[str]:
        """What the engine says that it can do."""
        return frozenset(get_engine(self.name).capabilities)

    @property
    def is_one_process(self) -> bool:
        """Whether all nodes share this process."""
        return "multi-process" not in self.declared

    @pytest.fixture(autouse=True)
    def _lk_engine(
        self,
        request: pytest.FixtureRequest,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Have the engine, and an empty folder to work in."""
        if not self.engine:
            pytest.fail(f'{type(self).__name__} names no engine: engine = "mine"')
        if not isinstance(self.engine, str):
            register_engine(self.engine.name, self.engine)
        monkeypatch.chdir(tmp_path)
        self._limits = not request.config.pluginmanager.hasplugin("timeout")

    def launch(
        self, system: System, iterations: int | None = None, **options: Any
    ) -> RunReport:
        """Launch on the engine.

        Args:
            system: What to launch.
            iterations: How many ticks; until its end when omitted.
            **options: Keywords of `System.launch`; they win over the suite's own.
        """
        with _without_warnings(), self._limit():
            return system.launch(
                iterations,
                engine=self.name,
                **{"timeout_s": self.timeout_s, **self.options, **options},
            )

    def launch_until(self, system: System, is_time: Callable[[], bool]) -> RunReport:
        """Launch on the engine, and stop the run from another thread.

        Args:
            system: What to launch.
            is_time: Says when to; it is stopped after `timeout_s` at the latest.
        """

        def stop() -> None:
            until = time.monotonic() + self.timeout_s
            while not is_time() and time.monotonic() < until:
                time.sleep(0.01)
            system.stop()

        thread = threading.Thread(target=stop)
        thread.start()
        try:
            return self.launch(system)
        finally:
            thread.join()

    def outcome(
        self, system: System, iterations: int | None = None, **options: Any
    ) -> Outcome:
        """Launch on the engine with everything recorded, and keep what came of it.

        Args:
            system: What to launch.
            iterations: How many ticks; until its end when omitted.
            **options: Keywords of `System.launch`; they win over the suite's own.
        """
        if "record" in self.declared:
            options = {"record": "all", **options}
        return Outcome.of(lambda: self.launch(system, iterations, **options))

    def agree(
        self,
        make: Callable[[], System],
        iterations: int | None = None,
        **options: Any,
    ) -> Outcome:
        """Fail unless the engine gives what the reference host gives.

        Args:
            make: Makes the system again at each call.
            iterations: How many ticks.
            **options: Of both launches.

        Returns:
            What both gave.
        """
        __tracebackhide__ = True
        with _without_warnings():
            system = make()
            expected = Outcome.of(
                lambda: run_on_reference(system, iterations, **options)
            )
        found = self.outcome(make(), iterations, **options)
        if "record" not in self.declared:
            expected = replace(expected, records={})
        different = expected.differences(found)
        if different:
            listed = "\n".join(f"  - {line}" for line in different[:12])
            pytest.fail(
                f"On {self.name!r} this system gives something else than on the "
                f"reference host:\n{listed}\n\n{make().summary()}"
            )
        return found

    def launch_spec(
        self, spec: Any, iterations: int | None = None, **options: Any
    ) -> RunReport:
        """Launch a spec as `System.launch` does, without a live system.

        Args:
            spec: What to launch.
            iterations: How many ticks; until its end when omitted.
            **options: Keywords of `System.launch`; they win over the suite's own.
        """
        session = Session(get_engine(self.name))
        artefact = session.compile(spec, None)
        options = {"record": "all", "timeout_s": self.timeout_s, **options}
        if "record" not in self.declared:
            del options["record"]
        options = {"iterations": iterations, **self.options, **options}
        with self._limit():
            return session.launch(spec, artefact, options)

    def _limit(self) -> AbstractContextManager[None]:
        """Interrupt a launch that ignores its time limit, unless pytest does that."""
        return _limit(self.timeout_s + 30) if self._limits else nullcontext()


def mark_of(kind: object, test: object) -> dict[str, Any] | None:
    """Return what outcomes of a test are told by: its engine, and what it uses.

    Args:
        kind: The class that the test is in.
        test: Its function.

    Returns:
        None where the class tests no engine.
    """
    if not (isinstance(kind, type) and issubclass(kind, Suite) and kind.engine):
        return None
    name = kind.engine if isinstance(kind.engine, str) else kind.engine.name
    try:
        if not isinstance(kind.engine, str):
            register_engine(name, kind.engine)
        declared = frozenset(get_engine(name).capabilities)
    except Exception:  # noqa: BLE001 - the test itself is going to say so
        declared = frozenset()
    used = getattr(test, "lk_capabilities", ())
    return {
        "engine": name,
        "suite_level": kind.suite_level,
        "declared": sorted(declared),
        "capabilities": list(used),
        "refused": sorted(set(used) - declared),
    }


@contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        yield


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Interrupt what does not end, where signals can do that."""
    alarm = getattr(signal, "SIGALRM", None)
    if alarm is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: object) -> None:
        raise TimeoutError(f"The launch did not end within {seconds:g} s.")

    before = signal.signal(alarm, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(alarm, before)
