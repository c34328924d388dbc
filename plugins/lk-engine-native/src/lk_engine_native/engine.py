"""Runs every component of a system in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from like_keras_core.engine import LAUNCH_OPTIONS, Engine
from like_keras_core.errors import EngineOptionError
from like_keras_core.report import RunReport
from like_keras_core.runtime.host.host import Host
from like_keras_core.runtime.host.single_process import run_alone
from like_keras_core.runtime.loader import instantiate
from like_keras_core.runtime.stop import (
    StopSignal,
    in_time,
    stop_on_interrupt,
    time_limit,
)
from like_keras_core.spec import HasSpec, SystemSpec, as_spec
from like_keras_core.tap import Tap


class NativeEngine(Engine):
    """Runs a system in this process: sequential and deterministic.

    Nodes mean nothing here: all their components share the process. There is nothing
    to compile.
    """

    name = "native"
    capabilities = frozenset({"delay", "hold", "latest", "every", "rate", "record"})

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        """Accept every sound system: Python is all that is needed."""
        as_spec(system)
        return True, []

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> None:
        """Write nothing: the schedule is generated at launch."""
        as_spec(system)

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        *,
        iterations: int | None = None,
        rate_hz: float | None = None,
        record: Sequence[str] | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        timeout_s: float | None = None,
        seed: int = 0,
        window: int | None = None,
        run_ahead: int = 256,
        heartbeat_s: float = 3.0,
        stop: StopSignal | None = None,
        progress: Callable[[int], object] | None = None,
        **options: Any,
    ) -> RunReport:
        """Run a system here until its end.

        `window`, `run_ahead` and `heartbeat_s` are about several processes; they are
        accepted so that one call fits every engine.

        Args:
            system: What to run.
            config_path: Unused.
            iterations: How many ticks; None until stopped.
            rate_hz: Ticks per second; the system's own when omitted.
            record: Addresses of output ports, or `"all"`.
            taps: What to call after emissions.
            check_values: Find components that change what they receive.
            timeout_s: Stop after this time [s].
            seed: Seeds every component's `rng`.
            window: Not used.
            run_ahead: Not used.
            heartbeat_s: Not used.
            stop: Asks the run to end.
            progress: Called with the number of ticks done, now and then.
            **options: Refused.

        Raises:
            EngineOptionError: There is no such option.
            ComponentError: A component raised.
            LaunchTimeoutError: `timeout_s` passed.
        """
        if options:
            raise EngineOptionError("native", options, LAUNCH_OPTIONS)
        spec = as_spec(system)
        stop = stop or StopSignal()
        with stop_on_interrupt(stop), time_limit(stop, timeout_s):
            host = Host(
                spec,
                instantiate(system, spec),
                seed=seed,
                record=record,
                taps=taps,
                check_values=check_values,
            )
            report = run_alone(
                host,
                self.name,
                iterations,
                rate_hz=rate_hz or spec.rate_hz,
                stop=stop,
                progress=progress,
            )
        return in_time(report, timeout_s)
