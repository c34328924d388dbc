"""The options of a launch: for each its unit, its check, its help and its flag.

Whatever handles options reads them here: `System.launch`, the flags of `lk launch`, the
engines, what each process of a run is told, recordings and the reference page. A new
option is a field of one of the two classes, a keyword of `System.launch` that a test
compares with it, and the place where it takes effect.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from like_keras_core.errors import EngineOptionError
from like_keras_core.graph.choices import Choices, as_choices
from like_keras_core.spec import LATE

if TYPE_CHECKING:
    import os

    from like_keras_core.port import OutputPort
    from like_keras_core.tap import Tap

_Options = TypeVar("_Options", bound="LaunchOptions")

_LONGEST_S, _LONGEST_SILENCE_S = 1e9, 1e6
"""The longest times that options take [s]: more than a thread, or a socket, can wait
for in one go is an error there."""


def whole_number(name: str, value: Any, least: int = 0) -> int:
    """Return a whole number of `least` or more, as an int.

    Args:
        name: What the number is, for the error.
        value: What was given.
        least: The smallest number that is allowed.

    Raises:
        ValueError: It is not such a number; the message names it.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ValueError(
            f"{name} must be a whole number, {least} or more; got {value!r}."
        )
    return number


def quantity(
    name: str, value: Any, *, zero: bool = False, most: float = math.inf
) -> float:
    """Return a finite number greater than zero, as a float.

    Args:
        name: What the number is, for the error.
        value: What was given.
        zero: Whether zero is allowed, too.
        most: The greatest that is allowed.

    Raises:
        ValueError: It is not such a number; the message names it.
    """
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (OverflowError, TypeError, ValueError):
        number = math.nan
    if not (0 < number < math.inf or (zero and number == 0)):
        least = ", 0 or greater" if zero else " greater than 0"
        raise ValueError(f"{name} must be a number{least}; got {value!r}.")
    if number > most:
        raise ValueError(f"{name} must be {most:,.0f} at most; got {value!r}.")
    return number


def one_of(allowed: Sequence[str], name: str, value: Any) -> str:
    """Return a value that is one of some names.

    Args:
        allowed: The names.
        name: What the value is, for the error.
        value: What was given.

    Raises:
        ValueError: It is another one; the message names it.
    """
    if not isinstance(value, str) or value not in allowed:
        names = " or ".join(map(repr, allowed))
        raise ValueError(f"{name} must be {names}; got {value!r:.80}.")
    return value


def _as_given(name: str, value: Any) -> Any:
    return value


def _as_bool(name: str, value: Any) -> bool:
    return bool(value)


def _as_path(name: str, value: Any) -> Path:
    return Path(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """How an option is given on the command line.

    Args:
        name: The flag, such as `--rate-hz`.
        type: What its value is read as; bool is a flag without a value.
        metavar: What stands for the value in the help.
        is_multiple: Whether the flag may be repeated.
        is_folder: Whether its value is the path of a folder, not of a file.
    """

    name: str
    type: type[int | float | str | bool | Path]
    metavar: str | None = None
    is_multiple: bool = False
    is_folder: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is known of one option.

    Args:
        name: The keyword.
        default: What it is when it is not given.
        help: What it does, in one sentence without Markdown.
        unit: The symbol of its unit; empty where `help` says what is counted.
        convert: Returns a value as it is used, given the option's name and the value;
            raises a ValueError that says what was expected.
        flag: How `lk launch` takes it; None where a string cannot say it.
        is_between_processes: Whether it only concerns runs of several processes.
        is_for_engines: Whether engines see it; the core handles the others itself.
    """

    name: str
    default: Any
    help: str
    unit: str = ""
    convert: Callable[[str, Any], Any] = _as_given
    flag: Flag | None = None
    is_between_processes: bool = False
    is_for_engines: bool = True

    @property
    def sentence(self) -> str:
        """The help with the unit, as in a docstring."""
        unit = f" [{self.unit}]" if self.unit else ""
        return re.sub(r"(?=[.;])", unit, self.help, count=1)

    def read(self, value: Any) -> Any:
        """Return a value as it is used; None stays None where that is the default.

        Raises:
            ValueError: It cannot be the value of this option.
        """
        if value is None and self.default is None:
            return None
        return self.convert(self.name, value)

    def is_default(self, value: Any) -> bool:
        """Say whether a value means the same as leaving the option out."""
        if isinstance(self.default, tuple):
            return not isinstance(value, str) and not value
        return bool(value is self.default or value == self.default)


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
            convert=_as_bool,
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
            convert=_as_path,
            flag=Flag(name="--build-dir", type=Path, metavar="DIR", is_folder=True),
            is_for_engines=False,
        ),
    )
    trace_to: str | os.PathLike[str] | None = field(
        default=None,
        metadata=_about(
            "A JSON file for Perfetto: every firing, and every value that crosses "
            "processes. It is kept in memory until the run has ended.",
            convert=_as_path,
            flag=Flag(name="--trace", type=Path, metavar="FILE"),
            is_for_engines=False,
        ),
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
