"""`lk compile TARGET`: the files that an engine runs."""

from __future__ import annotations

import click

from like_keras_core.cli.engine_table import complete_engine
from like_keras_core.cli.output import write, write_json
from like_keras_core.cli.target import load_target, target_argument


@click.command("compile")
@target_argument()
@click.option(
    "--engine",
    shell_complete=complete_engine,
    help="One of `lk engines list`; the nodes' own when omitted.",
)
@click.option("--build-dir", type=click.Path(file_okay=False), help="Where to.")
@click.option("--allow", multiple=True, metavar="PREFIX", help="Import only these.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compile_command(
    target: str,
    engine: str | None,
    build_dir: str | None,
    allow: tuple[str, ...],
    as_json: bool,
) -> None:
    """Compile TARGET and print the path of what was made."""
    path = load_target(target, allow).compile(engine=engine, build_dir=build_dir)
    if as_json:
        write_json({"schema": 1, "path": None if path is None else str(path)})
    elif path is None:
        write("nothing to compile")
    else:
        write(str(path))
