"""Runs components on what was recorded, and compares what they send."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from like_keras_core.engine_kit import execution_order, stop_loading_script
from like_keras_core.errors import ComponentError, GraphError, LkWarning
from like_keras_core.issue import errors_in
from like_keras_core.params import with_earlier_params
from like_keras_core.report import Choices, RunReport
from like_keras_core.spec import SystemSpec, component_of
from like_keras_core.system import System
from lk_record_mcap.changes import changes
from lk_record_mcap.comparison import Comparison, Difference
from lk_record_mcap.errors import RecordingError
from lk_record_mcap.recorder import Recorder
from lk_record_mcap.recording import Recording
from lk_record_mcap.replay_system import (
    Excerpt,
    chosen,
    replay_choices,
    replay_spec,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a replay found. `str(replay)` says it in a sentence or two.

    Args:
        recording: The recording's path.
        engine: The engine that ran the replay.
        components: The addresses of those that ran.
        ticks: The ticks that were compared.
        messages: How many recorded messages were compared.
        compared: How many there are of all that were sent, then or now; what a port
            sent at a tick is one.
        differing: How many of those differ.
        difference: The first difference; None where there is none.
        report: What the launch gave back.
        changed: What has changed in the system since it was recorded: rates, `takes`,
            classes and arguments of the components that ran.
    """

    recording: Path
    engine: str
    components: tuple[str, ...]
    ticks: range
    messages: int
    compared: int
    differing: int
    difference: Difference | None
    report: RunReport
    changed: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether all that was sent equals what was recorded."""
        return self.difference is None

    def __str__(self) -> str:
        what = (
            f"{self.compared} messages of {', '.join(self.components)} at ticks "
            f"{self.ticks.start} to {self.ticks.stop - 1}"
        )
        where = f"{self.recording.name} on {self.engine}"
        if self.difference is None:
            return f"{where}: equal, {what}."
        count = f"{self.differing} of" if self.differing > 1 else "one of"
        text = f"{where}: not equal. {self.difference}\nIn all, {count} {what} differ."
        if self.changed:
            text += f"\nSince it was recorded, {'; '.join(self.changed)}."
        if self.report.ended_by == "error":
            text += "\nAfter that a component failed, which may come of it."
        return text


def replay(
    recording: Recording | str | os.PathLike[str],
    system: System,
    *,
    engine: str = "native",
    start: int = 0,
    stop: int | None = None,
    only: Iterable[str] = (),
    warm_up: int = 0,
    is_paced: bool = False,
    record_to: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Replay:
    """Run components on recorded inputs, and compare what they send.

    Sources are not run but played back, and so is all that is not named. The components
    begin without the state that they had at `start`; give them ticks to regain it with
    `warm_up`, or start at 0.

    Args:
        recording: What was recorded.
        system: The system, as it is now. What was set of the recorded one is set here,
            but for what was set of this one.
        engine: What it runs on.
        start: The first tick to compare.
        stop: The first tick not to run; all that was recorded when omitted.
        only: The components to run, or subsystems; all that others feed when empty.
        warm_up: How many ticks before `start` are run and not compared.
        is_paced: Run no faster than the recorded run did.
        record_to: Keep what the replay sent, in this file.
        **options: What else the launch takes.

    Raises:
        RecordingError: It is not a recording, or does not have what is needed, or none
            of the ticks.
        GraphError: The system has errors.
        ComponentError: A component raised; all that was sent before was equal.
    """
    stop_loading_script(system)
    if not isinstance(recording, Recording):
        recording = Recording(recording)
    system = _as_set(system, recording)
    lowered = system.lower(recording.spec.rate_hz)
    if errors := errors_in(lowered.issues):
        raise GraphError(errors, system.name)
    names = chosen(lowered.spec, only)
    begin = max(0, start - warm_up)
    excerpt = Excerpt(recording, begin)
    if is_paced:
        _pace(options, recording)
    elif options.get("rate_hz") is None:
        options.setdefault("speed", None)
    spec = replay_spec(lowered.spec, names, excerpt, lowered.periods())
    _check_takes(lowered.spec, names, begin, warm_up)
    if recording.has_choices:
        options.setdefault("choices", _choices(lowered.spec, names, excerpt))
    ticks = range(start, _end(recording, spec, stop))
    if not ticks:
        raise RecordingError(
            f"There is no tick to replay from {start} to {ticks.stop}: "
            f"{str(recording.path)!r} has {recording.iterations} ticks."
        )
    ports = _ports(spec, names, recording)
    with tempfile.TemporaryDirectory(prefix="lk-replay-") as folder:
        path = Path(folder, "replay.mcap") if record_to is None else Path(record_to)
        report, failure = _run(
            spec, path, ports, max(0, ticks.stop - begin), engine, recording, options
        )
        if failure is not None and not path.exists():
            raise failure
        if report.ended_by in ("stop", "interrupt"):
            ticks = range(start, min(ticks.stop, begin + report.iterations))
        found = Comparison(
            recording,
            Recording(path, allow=recording.allow),
            ports,
            ticks,
            begin,
            has_failed=failure is not None,
        )
    if failure is not None and found.first is None:
        if begin and failure.tick is not None and hasattr(failure, "add_note"):
            failure.add_note(f"That is tick {begin + failure.tick} of the recording.")
        raise failure
    return Replay(
        recording=recording.path,
        engine=engine,
        components=tuple(names),
        ticks=ticks,
        messages=found.messages,
        compared=found.compared,
        differing=found.differing,
        difference=found.first,
        report=report,
        changed=tuple(changes(recording.spec, lowered.spec, names)),
    )


def _as_set(system: System, recording: Recording) -> System:
    """Set what was set in the recorded run; say what does not fit any more."""
    found, problems = with_earlier_params(system, recording.params)
    for problem in problems:
        text = f"Not set again, so that the replay may differ: {problem}"
        warnings.warn(text, LkWarning, stacklevel=3)
    return found


def _check_takes(
    spec: SystemSpec, names: Iterable[str], begin: int, warm_up: int
) -> None:
    """Refuse to begin amid the firings of components that take ticks.

    Args:
        spec: The system.
        names: The components that run.
        begin: The first tick that runs.
        warm_up: How many of the first ticks are not compared.
    """
    slow = [spec.component(name) for name in names if spec.component(name).takes]
    if begin and slow and not warm_up:
        most = max(slow, key=lambda item: item.takes)
        raise RecordingError(
            f"{most.name!r} takes {most.takes} ticks, and what it was at work on at "
            f"tick {begin} is not in the recording. Begin at 0, or let it find its "
            f"rhythm again: with a warm-up of {10 * most.takes} ticks it mostly has."
        )


def _choices(
    spec: SystemSpec, names: Iterable[str], excerpt: Excerpt
) -> Choices | None:
    """Return what the run decided by its clocks; say so where it is not known."""
    found = replay_choices(spec, list(names), excerpt)
    if found is None:
        text = (
            f"The run that {str(excerpt.recording.path)!r} is of was killed before it "
            "could say what its clocks decided. Where an input took what was there, or "
            "a tick was over, the replay may differ."
        )
        warnings.warn(text, LkWarning, stacklevel=3)
    return found


def _pace(options: dict[str, Any], recording: Recording) -> None:
    """Let ticks come no sooner than they came in the recorded run."""
    rates = [options.get("rate_hz"), recording.ticks_per_s]
    options["rate_hz"] = min((rate for rate in rates if rate), default=None)
    if options["rate_hz"] is None:
        options.setdefault("speed", None)


def _ports(spec: SystemSpec, names: Iterable[str], recording: Recording) -> list[str]:
    """Return what is compared, in the order in which a tick's values are sent."""
    wanted = set(names)
    return [
        component.address_of(port)
        for component in (spec.components[n] for n in execution_order(spec))
        if component.name in wanted
        for port in component.outputs
        if component.address_of(port) in recording.absent
    ]


def _run(
    spec: SystemSpec,
    path: Path,
    ports: list[str],
    iterations: int,
    engine: str,
    recording: Recording,
    options: dict[str, Any],
) -> tuple[RunReport, ComponentError | None]:
    """Run the replay and record it."""
    options = {"seed": recording.seed, **options}
    recorder = Recorder(
        path,
        spec,
        ports,
        engine=engine,
        seed=options["seed"],
        rate_hz=options.get("rate_hz"),
    )
    options["taps"] = [*options.get("taps", ()), *recorder.taps()]
    try:
        report = System.from_spec(spec).launch(iterations, engine=engine, **options)
    except BaseException as error:
        recorder.give_up(error)
        if not isinstance(error, ComponentError) or error.report is None:
            raise
        return error.report, error
    recorder.finish(report)
    return report, None


def _end(recording: Recording, spec: SystemSpec, stop: int | None) -> int:
    """Return the first tick not to run.

    Where a component failed, those before it count one tick more, and the replay runs
    that one too, to fail again. Where it is not known how the run ended, it is as far
    as all that feeds the replay is known.
    """
    counted = recording.counted
    ends = list(counted.values())
    if recording.ended_by == "lost":
        configs = [item.config or {} for item in spec.components]
        played = [item["port"] for item in configs if "is_held" in item]
        ends = [counted.get(component_of(port), 0) for port in played] or ends
        return min([*ends, *([] if stop is None else [stop])])
    end = max(ends, default=0)
    return end if stop is None else min(stop, end)
