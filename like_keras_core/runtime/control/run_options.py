"""What a launch says to every process of a run; JSON both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from like_keras_core.engine import LAUNCH_OPTIONS
from like_keras_core.errors import EngineOptionError
from like_keras_core.graph.port_selection import check_ports, ports_to_record
from like_keras_core.runtime.control import log_forwarding
from like_keras_core.spec import SystemSpec
from like_keras_core.tap import Tap

WINDOW = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a launch says to every process.

    Args:
        window: Values in flight on a channel.
        run_ahead: Ticks that a process may be ahead.
        rate_hz: Ticks per second; None is as fast as possible.
        seed: Seeds every `rng`.
        record: Addresses of ports to record.
        taps: What to call after emissions; ports are addresses.
        check_values: Find components that change what they received.
        log_level: Log records below it stay where they are.
        trace: Whether each process keeps when what fired.
    """

    window: int = WINDOW
    run_ahead: int = 256
    rate_hz: float | None = None
    seed: int = 0
    record: Sequence[str] = ()
    taps: Sequence[Tap] = ()
    check_values: bool = False
    log_level: int = 30
    trace: bool = False

    @classmethod
    def of_launch(
        cls,
        spec: SystemSpec,
        *,
        rate_hz: float | None = None,
        record: Sequence[str] | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        seed: int = 0,
        window: int | None = None,
        run_ahead: int = 256,
        engine: str = "",
        own: Iterable[str] = (),
        **unknown: Any,
    ) -> RunOptions:
        """Return what keywords of `Engine.launch` mean for a system.

        Args:
            spec: The system.
            rate_hz: Ticks per second; the system's own when omitted.
            record: Addresses of output ports, or `"all"`.
            taps: What to call after emissions.
            check_values: Find components that change what they receive.
            seed: Seeds every component's `rng`.
            window: Values in flight on a connection between two nodes.
            run_ahead: Ticks that a process may be ahead.
            engine: The engine's name, for the error.
            own: The options that the engine has beside those of every launch.
            **unknown: Refused.

        Raises:
            EngineOptionError: There is no such option.
            GraphError: A port to record or tap does not exist.
        """
        if unknown:
            raise EngineOptionError(engine, unknown, (*LAUNCH_OPTIONS, *own))
        taps = list(taps)
        check_ports(spec, [str(tap.port) for tap in taps], "tap")
        return cls(
            window=window or WINDOW,
            run_ahead=run_ahead,
            rate_hz=rate_hz or spec.rate_hz,
            seed=seed,
            record=ports_to_record(spec, record),
            taps=taps,
            check_values=check_values,
            log_level=log_forwarding.level(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        taps = [[str(tap.port), tap.entry_point, dict(tap.config)] for tap in self.taps]
        return {**asdict(self), "record": list(self.record), "taps": taps}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunOptions:
        """Return what `to_dict` was called on."""
        taps = [Tap(*tap) for tap in data["taps"]]
        return cls(**{**data, "taps": taps})
