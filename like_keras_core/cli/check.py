"""`lk engines check NAME`: whether an engine keeps its promises."""

from __future__ import annotations

from pathlib import Path

import click

from like_keras_core.cli.engine_check.examination import SUITES, check_engine
from like_keras_core.cli.engine_table import complete_engine
from like_keras_core.cli.output import printable, write, write_json


@click.command("check")
@click.argument("name", shell_complete=complete_engine)
@click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Check the engine in this wheel; it is not installed.",
)
@click.option("--all", "is_whole", is_flag=True, help="Run every suite of the kit.")
@click.option(
    "--timeout-s",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    show_default=True,
    help="How long the kit may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check_command(
    context: click.Context,
    name: str,
    wheel: Path | None,
    is_whole: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Check the engine NAME. Exit with 1 if something is wrong.

    It is imported in a process of its own, what it declares is compared with what is
    there, and the suites of the conformance kit that every engine must pass are run.
    """
    suites = () if is_whole else SUITES
    checks = []
    for check in check_engine(name, wheel=wheel, suites=suites, timeout_s=timeout_s):
        checks.append(check)
        if not as_json:
            # As it comes: the kit takes a while.
            text = "\n      ".join(map(printable, check.text.splitlines()))
            write(f"{check.outcome}  {check.subject}: {text}")
    failed = sum(check.outcome == "FAIL" for check in checks)
    if as_json:
        rows = [check._asdict() for check in checks]
        write_json({"schema": 1, "engine": name, "ok": not failed, "checks": rows})
    elif failed:
        write(f"\n{name}: {failed} of {len(checks)} checks failed.")
    else:
        write(f"\n{name}: nothing is wrong.")
    context.exit(1 if failed else 0)
