"""`lk launch TARGET`: run a system, show how far it is, and report."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TextIO

import click

from like_keras_core.cli.engine_table import complete_engine
from like_keras_core.cli.exit_codes import code_of
from like_keras_core.cli.launch_flags import launch_flags
from like_keras_core.cli.output import drop_stdout, write, write_json
from like_keras_core.cli.target import load_target, target_argument
from like_keras_core.errors import LkError, NotSerializableError
from like_keras_core.launch_options import OPTIONS, LaunchOptions
from like_keras_core.report import RunReport
from like_keras_core.runtime.forced_exit import before_forced_exit
from like_keras_core.values.config_json import encode


@click.command("launch")
@target_argument()
@click.option(
    "--engine",
    shell_complete=complete_engine,
    help="One of `lk engines list`; the nodes' own when omitted.",
)
@launch_flags()
@click.option("--allow", multiple=True, metavar="PREFIX", help="Import only these.")
@click.option(
    "--opt",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the engine or a plug-in; VALUE is JSON where it can be. Repeat "
    "it for more.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def launch_command(
    target: str,
    engine: str | None,
    allow: tuple[str, ...],
    options: tuple[str, ...],
    as_json: bool,
    **launch: Any,
) -> int:
    """Run TARGET and print what it did.

    The first Ctrl-C, SIGTERM or SIGHUP ends the run after the current tick, with its
    report; a second one ends it at once.
    """
    is_endless = launch["iterations"] is None and launch["seconds"] is None
    extra = dict(_option(text) for text in options)
    stdout = sys.stdout
    with contextlib.redirect_stdout(sys.stderr if as_json else stdout):
        system = load_target(target, allow)
        tell = partial(_tell, stdout, as_json)
        try:
            ticks = _ticks(launch, system.rate_hz)
            with _progress(ticks) as progress, before_forced_exit(tell):
                report = system.launch(
                    engine=engine, progress=progress, **launch, **extra
                )
        except LkError as error:
            try:
                tell(error)
                stdout.flush()
            except OSError:  # Nobody reads it; the error goes to stderr.
                drop_stdout()
            raise
    if as_json:
        write_json(_as_data(report))
    else:
        write(str(report))
        for address, values in report.records.items():
            last = f", the last at tick {values[-1][0]}: {values[-1][1]!r:.200}"
            write(f"{address}: {len(values)} values{last if values else ''}")
    return code_of(report, is_endless=is_endless)


def _ticks(launch: dict[str, Any], rate_hz: float | None) -> int | None:
    """Return how many ticks a launch is to have, if that is said."""
    try:
        options = LaunchOptions(**launch)
        return options.in_ticks(rate_hz or options.rate_hz).iterations
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _tell(stdout: TextIO, as_json: bool, error: LkError) -> None:
    """Print how far a run came that has failed."""
    report: RunReport | None = getattr(error, "report", None)
    if as_json:
        known = {} if report is None else _as_data(report)
        with contextlib.redirect_stdout(stdout):
            write_json({"schema": 1, "error": str(error), **known})
    elif report is not None:
        write(str(report))


def _option(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE; VALUE is JSON where it can be, else text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise click.UsageError(f"--opt takes KEY=VALUE, got {text!r}.")
    if key in (*OPTIONS, "engine"):
        raise click.UsageError(f"--opt is for the engine's own options; {_cure(key)}")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _cure(key: str) -> str:
    """Say how an option that is not the engine's own is given."""
    flag = "--engine" if key == "engine" else None
    if key in OPTIONS and (found := OPTIONS[key].flag) is not None:
        flag = found.name
    if flag is None:
        return f"{key!r} can only be given in Python, to System.launch."
    return f"{key!r} is every engine's: use the flag {flag}. See lk launch --help."


def _as_data(report: RunReport) -> dict[str, Any]:
    return {**report.to_dict(), "records": _records(report)}


def _records(report: RunReport) -> dict[str, list[list[Any]]]:
    return {
        address: [[tick, _as_json(value)] for tick, value in values]
        for address, values in report.records.items()
    }


def _as_json(value: Any) -> Any:
    try:
        return encode(value)
    except NotSerializableError:
        return {"$repr": repr(value)}


@contextmanager
def _progress(iterations: int | None) -> Iterator[Callable[[int], object] | None]:
    """Show the run while it goes on, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
    except ImportError:
        if not iterations:
            yield None
            return
        from like_keras_core.cli.live_view import Latest

        with click.progressbar(length=iterations, file=sys.stderr) as bar:
            drawing: Latest[int] = Latest(lambda done: bar.update(done - bar.pos))
            try:
                yield drawing.show
            finally:
                drawing.close()
            bar.update(iterations - bar.pos)
        return
    from like_keras_core.cli.live_view import shown

    with shown(Console(stderr=True), iterations) as progress:
        yield progress
