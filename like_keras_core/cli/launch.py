"""`lk launch TARGET`: run a system, show how far it is, and report."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from like_keras_core.cli.engine_table import complete_engine
from like_keras_core.cli.launch_flags import launch_flags
from like_keras_core.cli.output import write, write_json
from like_keras_core.cli.target import load_target
from like_keras_core.errors import LkError, NotSerializableError, PluginError
from like_keras_core.launch_options import OPTIONS
from like_keras_core.report import RunReport
from like_keras_core.values.config_json import encode


@click.command("launch")
@click.argument("target")
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

    The first Ctrl-C ends the run after the current tick, with its report.
    """
    iterations: int | None = launch["iterations"]
    extra = dict(_option(text) for text in options)
    stdout = sys.stdout
    with contextlib.redirect_stdout(sys.stderr if as_json else stdout):
        system = load_target(target, allow)
        try:
            with _progress(iterations) as progress:
                report = system.launch(
                    engine=engine, progress=progress, **launch, **extra
                )
        except LkError as error:
            failed: RunReport | None = getattr(error, "report", None)
            known = {} if failed is None else _as_data(failed)
            found = {"schema": 1, "error": str(error), **known}
            if as_json:
                with contextlib.redirect_stdout(stdout):
                    write_json(found)
            elif isinstance(error, PluginError) and failed is not None:
                write(str(failed))
            raise
    if as_json:
        write_json(_as_data(report))
    else:
        write(str(report))
        for address, values in report.records.items():
            last = f", the last at tick {values[-1][0]}: {values[-1][1]!r:.200}"
            write(f"{address}: {len(values)} values{last if values else ''}")
    return 130 if report.ended_by == "interrupt" and iterations is not None else 0


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
        with click.progressbar(length=iterations, file=sys.stderr) as bar:
            yield lambda done: bar.update(done - bar.pos)
            bar.update(iterations - bar.pos)
        return
    from like_keras_core.cli.live_view import shown

    with shown(Console(stderr=True), iterations) as progress:
        yield progress
