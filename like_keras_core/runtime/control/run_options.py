"""What a launch says to every process of a run; JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from like_keras_core.graph.choices import Choices
from like_keras_core.graph.port_selection import check_ports, ports_to_record
from like_keras_core.launch_options import LaunchOptions, ProcessOptions
from like_keras_core.runtime.control import log_forwarding
from like_keras_core.spec import SystemSpec
from like_keras_core.tap import Tap

WINDOW = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(ProcessOptions):
    """What a launch says to every process; ports are addresses, nothing is left open.

    Args:
        rate_hz: Ticks per second; None is as fast as possible.
        record: Addresses of ports to record.
        taps: What to call after emissions; ports are addresses.
        late: `"wait"` or `"skip"`.
        choices: What another run decided, to be repeated.
        check_values: Find components that change what they received.
        seed: Seeds every `rng`.
        window: Values in flight on a channel.
        run_ahead: Ticks that a process may be ahead.
        stop_grace_s: How long a tick or a hook may last at the end.
        log_level: Log records below it stay where they are.
        trace: Whether each process keeps when what fired.
        argv: The `sys.argv` of the program that launched; empty where none has.
    """

    window: int = WINDOW
    record: Sequence[str] = ()
    taps: Sequence[Tap] = ()
    log_level: int = 30
    trace: bool = False
    argv: Sequence[str] = ()

    @classmethod
    def of(
        cls, spec: SystemSpec, options: LaunchOptions, argv: Sequence[str] = ()
    ) -> RunOptions:
        """Return what options of a launch mean for a system.

        Args:
            spec: The system.
            options: The options; ports are addresses.
            argv: The `sys.argv` of the program that launches it.

        Raises:
            GraphError: A port to record or tap does not exist.
        """
        told: dict[str, Any] = {
            item.name: getattr(options, item.name) for item in fields(ProcessOptions)
        }
        taps = list(options.taps)
        check_ports(spec, [str(tap.port) for tap in taps], "tap")
        told["taps"] = taps
        told["record"] = ports_to_record(spec, told["record"])
        told["window"] = options.window or WINDOW
        told["rate_hz"] = options.in_ticks(spec.rate_hz).rate_hz
        told["late"] = options.late or spec.late
        return cls(**told, log_level=log_forwarding.level(), argv=tuple(argv))

    @property
    def skips(self) -> bool:
        """Whether what is late is left out: nothing is late without a clock."""
        is_timed = self.rate_hz is not None and self.choices is None
        return self.late == "skip" and is_timed

    @property
    def repeats(self) -> Choices | None:
        """What another run decided, to be repeated."""
        return self.choices if isinstance(self.choices, Choices) else None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON data."""
        taps = [[str(tap.port), tap.entry_point, dict(tap.config)] for tap in self.taps]
        choices = None if self.repeats is None else self.repeats.to_dict()
        known = {item.name: getattr(self, item.name) for item in fields(self)}
        lists = {"record": list(self.record), "taps": taps}
        return {**known, **lists, "choices": choices}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunOptions:
        """Return what `to_dict` was called on."""
        taps = [Tap(*tap) for tap in data["taps"]]
        return cls(**{**data, "taps": taps})
