"""The options of a launch: for each its unit, its check, its help and its flag.

Whatever handles options reads them here: `System.launch`, the flags of `lk launch`, the
engines, what each process of a run is told, recordings and the reference page. A new
option is a field of one of the two classes, a keyword of `System.launch` that a test
compares with it, and the place where it takes effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from like_keras_core.errors import EngineOptionError
from like_keras_core.graph.choices import Choices, as_choices
from like_keras_core.spec import LATE
from like_keras_core.values.option import (
    Flag,
    Option,
    as_bool,
    as_params,
    as_path,
    as_speed,
)
from like_keras_core.values.quantities import exact, one_of, quantity, whole_number

if TYPE_CHECKING:
    import os

    from like_keras_core.port import OutputPort
    from like_keras_core.tap import Tap

__all__ = [
    "OPTIONS",
    "Flag",
    "LaunchOptions",
    "Option",
    "ProcessOptions",
    "quantity",
    "whole_number",
]

_Options = TypeVar("_Options", bound="LaunchOptions")

_LONGEST_S, _LONGEST_SILENCE_S = 1e9, 1e6
"""The longest times that options take [s]: more than a thread, or a socket, can wait
for in one go is an error there."""


def _about(help: str, **known: Any) -> dict[str, Any]:
    return {"help": help, **known}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """The options of a launch that every process of the run is told."""

    rate_hz: float | None = field(
        default=None,
        metadata=_about(
            "Ticks per second; the system's own when omitted.",
            unit="Hz",
            convert=quantity,
            flag=Flag(name="--rate-hz", type=float),
        ),
    )
    record: Sequence[OutputPort | str] | OutputPort | str = field(
        default=(),
        metadata=_about(
            "Output ports or addresses whose values the report keeps, or all.",
            flag=Flag(name="--record", type=str, metavar="PORT", is_multiple=True),
        ),
    )
    taps: Iterable[Tap] = field(
        default=(),
        metadata=_about(
            "Objects that each process makes and calls with (tick, value)."
        ),
    )
    late: str | None = field(
        default=None,
        metadata=_about(
            "What is not ready in time: wait for it, or skip it and go on; the "
            "system's own when omitted.",
            convert=partial(one_of, LATE),
            flag=Flag(name="--late", type=str, metavar="[wait|skip]"),
        ),
    )
    choices: Choices | Mapping[str, Any] | None = field(
        default=None,
        metadata=_about(
            "Repeat what clocks decided in another run: its report.choices.",
            convert=as_choices,
        ),
    )
    check_values: bool = field(
        default=False,
        metadata=_about(
            "Find components that change values they received or sent; slow.",
            convert=as_bool,
            flag=Flag(name="--check-values", type=bool),
        ),
    )
    seed: int = field(
        default=0,
        metadata=_about(
            "Seeds every component's rng.",
            convert=whole_number,
            flag=Flag(name="--seed", type=int),
        ),
    )
    window: int | None = field(
        default=None,
        metadata=_about(
            "Values in flight on a connection between processes.",
            convert=partial(whole_number, least=1),
            flag=Flag(name="--window", type=int),
            is_between_processes=True,
        ),
    )
    run_ahead: int = field(
        default=256,
        metadata=_about(
            "Ticks that any process may be ahead of the slowest.",
            convert=partial(whole_number, least=1),
            flag=Flag(name="--run-ahead", type=int),
            is_between_processes=True,
        ),
    )
    stop_grace_s: float = field(
        default=5.0,
        metadata=_about(
            "How long a tick or a hook may last once the run is to end.",
            unit="s",
            convert=partial(quantity, most=_LONGEST_S),
            flag=Flag(name="--stop-grace-s", type=float),
        ),
    )

    realtime: bool = field(
        default=False,
        metadata=_about(
            "Ask Linux for real-time rights; the report says which were given.",
            convert=as_bool,
            flag=Flag(name="--realtime", type=bool),
        ),
    )

    def __post_init__(self) -> None:
        """Check every value, and convert it to what is used."""
        for item in fields(self):
            option = OPTIONS.get(item.name)
            if option is not None:
                value = option.read(getattr(self, item.name))
                object.__setattr__(self, item.name, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions(ProcessOptions):
    """The options that every launch takes, checked; `OPTIONS` describes them.

    Raises:
        ValueError: A value cannot be what it is; the message names the option.
    """

    iterations: int | None = field(
        default=None,
        metadata=_about(
            "How many ticks; when omitted, until it is stopped or ends itself.",
            convert=whole_number,
            flag=Flag(name="--iterations", type=int),
        ),
    )
    seconds: float | None = field(
        default=None,
        metadata=_about(
            "How many ticks, as time by the system's clock, rounded up; needs a rate.",
            unit="s",
            convert=quantity,
            flag=Flag(name="--seconds", type=float),
            is_for_engines=False,
        ),
    )
    speed: float | None = field(
        default=1.0,
        metadata=_about(
            "How fast the system's clock runs: 0.5 is half as fast as the clock on the "
            "wall, None as fast as possible.",
            convert=as_speed,
            flag=Flag(name="--speed", type=float, word_for_none="max"),
        ),
    )
    timeout_s: float | None = field(
        default=None,
        metadata=_about(
            "Stop after this time.",
            unit="s",
            convert=partial(quantity, most=_LONGEST_S),
            flag=Flag(name="--timeout-s", type=float),
        ),
    )
    heartbeat_s: float = field(
        default=3.0,
        metadata=_about(
            "Silence after which a process counts as lost; 0 is never.",
            unit="s",
            convert=partial(quantity, zero=True, most=_LONGEST_SILENCE_S),
            flag=Flag(name="--heartbeat-s", type=float),
            is_between_processes=True,
        ),
    )
    progress: Callable[[int], object] | None = field(
        default=None,
        metadata=_about(
            "Called with a Progress, the number of ticks done, now and then."
        ),
    )
    build_dir: str | os.PathLike[str] | None = field(
        default=None,
        metadata=_about(
            "Where the engine's files and the logs go; when omitted, a folder of the "
            "engine's in .lk_build.",
            convert=as_path,
            flag=Flag(name="--build-dir", type=Path, metavar="DIR", is_folder=True),
            is_for_engines=False,
        ),
    )
    trace_to: str | os.PathLike[str] | None = field(
        default=None,
        metadata=_about(
            "A JSON file for Perfetto: every firing, and every value that crosses "
            "processes. It is kept in memory until the run has ended.",
            convert=as_path,
            flag=Flag(name="--trace", type=Path, metavar="FILE"),
            is_for_engines=False,
        ),
    )
    params: Mapping[str, Any] | None = field(
        default=None,
        metadata=_about(
            "What to set of components first, by address; see with_params.",
            convert=as_params,
            is_for_engines=False,
        ),
    )

    def __post_init__(self) -> None:
        """Check every value, and that no two say different things."""
        # Not super(): with slots the class is made twice.
        ProcessOptions.__post_init__(self)
        if self.iterations is not None and self.seconds is not None:
            raise ValueError(
                f"iterations={self.iterations} and seconds={self.seconds:g} both say "
                "how long the run is. Leave one out."
            )
        if self.rate_hz is not None and self.speed != 1.0:
            raise ValueError(
                f"rate_hz={self.rate_hz:g} and speed={self.speed} both say how fast "
                "the run is. Leave one out."
            )

    def in_ticks(self: _Options, rate_hz: float | None) -> _Options:
        """Return the options with a number of ticks, and the rate to keep.

        What `seconds` and `speed` say is in `iterations` and `rate_hz` then; `speed` is
        None where a system with a rate is to run as fast as possible, else 1.

        Args:
            rate_hz: Ticks per second by the system's clock, if it has one.

        Raises:
            ValueError: It has none, and an option needs it.
        """
        iterations, pace, speed = self.iterations, self.rate_hz, self.speed
        if rate_hz is None:
            for name, value in (("seconds", self.seconds), ("speed", speed)):
                if value is not None and not OPTIONS[name].is_default(value):
                    raise ValueError(
                        f"{name}={value:g} goes by the system's clock, and the system "
                        "has no rate. Write System(..., rate_hz=200), or "
                        "launch(rate_hz=200)."
                    )
        elif pace is None and speed is not None:
            pace = rate_hz * speed
        if rate_hz is not None and self.seconds is not None:
            iterations = ceil(exact(self.seconds) * exact(rate_hz))
        is_free = rate_hz is not None and pace is None
        return replace(
            self,
            iterations=iterations,
            seconds=None,
            rate_hz=pace,
            speed=None if is_free else 1.0,
        )

    @classmethod
    def of(
        cls: type[_Options],
        engine: str = "",
        own: Iterable[str] = (),
        /,
        **keywords: Any,
    ) -> _Options:
        """Return the options that keywords give.

        Args:
            engine: The engine that takes them, for the error.
            own: The options that this engine has beside those of every launch.
            **keywords: The options of every launch; those left out are defaults.

        Raises:
            EngineOptionError: There is no such option.
            ValueError: A value cannot be what it is.
        """
        options, unknown = cls.split(keywords)
        if unknown:
            raise EngineOptionError(engine, unknown, (*OPTIONS, *own))
        return options

    @classmethod
    def split(
        cls: type[_Options], keywords: Mapping[str, Any]
    ) -> tuple[_Options, dict[str, Any]]:
        """Return the options of every launch among keywords, and what is left.

        Raises:
            ValueError: A value cannot be what it is.
        """
        known = {name: value for name, value in keywords.items() if name in OPTIONS}
        rest = {name: value for name, value in keywords.items() if name not in OPTIONS}
        return cls(**known), rest

    def changed(self) -> dict[str, Any]:
        """Return what differs from the defaults, by name."""
        values = {name: getattr(self, name) for name in OPTIONS}
        return {
            name: value
            for name, value in values.items()
            if not OPTIONS[name].is_default(value)
        }

    def facts(self) -> dict[str, Any]:
        """Return what a record of the run should keep: JSON data, without defaults."""
        return {
            name: value
            for name, value in self.changed().items()
            if OPTIONS[name].flag is not None and OPTIONS[name].is_for_engines
        }

    def for_engine(self) -> dict[str, Any]:
        """Return every option that an engine's `launch` is called with, by name."""
        return {
            name: getattr(self, name)
            for name, option in OPTIONS.items()
            if option.is_for_engines
        }


def _described() -> dict[str, Option]:
    """Return what the fields say; first what the launch handles, as `iterations`."""
    told = {item.name for item in fields(ProcessOptions)}
    items = sorted(fields(LaunchOptions), key=lambda item: item.name in told)
    return {
        item.name: Option(name=item.name, default=item.default, **item.metadata)
        for item in items
    }


OPTIONS: Mapping[str, Option] = _described()
"""Every option of a launch, by name."""
