"""`lk record`, `lk replay` and `lk recover`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from like_keras_core.cli.public import (
    code_of,
    launch_flags,
    load_target,
    target_argument,
)
from like_keras_core.engine_kit import before_forced_exit
from like_keras_core.errors import LkError
from like_keras_core.report import RunReport


@click.command("record")
@target_argument()
@click.option(
    "-o", "--output", required=True, metavar="FILE", help="The recording to write."
)
@click.option("--engine", help="One of `lk engines list`; the nodes' own when omitted.")
@launch_flags("record")
@click.option(
    "--port", "ports", multiple=True, metavar="PORT", help="Only these; else all."
)
@click.option(
    "--compression",
    type=click.Choice(["none", "lz4", "zstd"]),
    default="none",
    show_default=True,
)
@click.option("--allow", multiple=True, metavar="PREFIX", help="Import only these.")
def record_command(
    target: str,
    output: str,
    engine: str | None,
    ports: tuple[str, ...],
    compression: str,
    allow: tuple[str, ...],
    **launch: Any,
) -> int:
    """Run TARGET and write what its ports send to an MCAP file.

    The first Ctrl-C, SIGTERM or SIGHUP ends the run after the current tick, with its
    recording.
    """
    is_endless = launch["iterations"] is None and launch["seconds"] is None
    system = load_target(target, allow)
    tell = partial(_tell_of_failure, output)
    try:
        with before_forced_exit(tell):
            report = system.launch(
                engine=engine,
                **launch,
                record_to=output,
                record_ports=list(ports) or "all",
                record_compression=compression,
            )
    except LkError as error:
        tell(error)
        raise
    _tell(output, report)
    return code_of(report, is_endless=is_endless)


def _tell(output: str, report: RunReport) -> None:
    """Print how far a run came, and where its recording is."""
    click.echo(str(report))
    if Path(output).exists():
        click.echo(f"\nrecorded to {output}")


def _tell_of_failure(output: str, error: LkError) -> None:
    report: RunReport | None = getattr(error, "report", None)
    if report is not None:
        _tell(output, report)


@click.command("replay")
@click.argument("recording")
@target_argument()
@click.option("--engine", default="native", show_default=True, help="What runs it.")
@click.option(
    "--from", "start", type=click.IntRange(0), default=0, help="First tick to compare."
)
@click.option("--to", "stop", type=click.IntRange(0), help="First tick not to run.")
@click.option(
    "--only",
    multiple=True,
    metavar="COMPONENT",
    help="These; else all but sources.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(0),
    default=0,
    metavar="TICKS",
    help="Run so many before --from.",
)
@launch_flags("iterations", "seconds", "rate_hz", "speed", "late", "seed", "record")
@click.option("--paced", is_flag=True, help="No faster than it was recorded.")
@click.option(
    "-o", "--output", metavar="FILE", help="Keep what the replay sent, as a recording."
)
@click.option("--allow", multiple=True, metavar="PREFIX", help="Import only these.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def replay_command(
    recording: str,
    target: str,
    engine: str,
    start: int,
    stop: int | None,
    only: tuple[str, ...],
    warm_up: int,
    paced: bool,
    output: str | None,
    allow: tuple[str, ...],
    as_json: bool,
    **launch: Any,
) -> int:
    """Run components of TARGET on what RECORDING holds, and compare what they send.

    Exits with 1 and the first difference where they do not send the same.
    """
    from lk_record_mcap.recording import Recording
    from lk_record_mcap.replaying import replay

    found = replay(
        Recording(recording, allow=allow or None),
        load_target(target, allow),
        engine=engine,
        start=start,
        stop=stop,
        only=only,
        warm_up=warm_up,
        is_paced=paced,
        record_to=output,
        **launch,
    )
    click.echo(json.dumps(_as_data(found), indent=2) if as_json else str(found))
    return code_of(found.report, is_endless=False) if found.is_equal else 1


@click.command("recover")
@click.argument("recording")
def recover_command(recording: str) -> None:
    """Finish RECORDING, whose run was killed, of what its processes left."""
    from lk_record_mcap.merge import recover
    from lk_record_mcap.recording import Recording

    path = recover(recording)
    click.echo(f"{path}: {Recording(path).iterations} ticks")


def _as_data(found: Any) -> dict[str, Any]:
    first = found.difference
    return {
        "schema": 1,
        "equal": found.is_equal,
        "engine": found.engine,
        "components": list(found.components),
        "ticks": [found.ticks.start, found.ticks.stop],
        "messages": found.messages,
        "compared": found.compared,
        "differing": found.differing,
        "changed": list(found.changed),
        "difference": None
        if first is None
        else {
            "tick": first.tick,
            "port": first.port,
            "recorded": repr(first.recorded),
            "replayed": repr(first.replayed),
            "where": first.where,
        },
    }
