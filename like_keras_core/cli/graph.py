"""`lk graph TARGET`: a system as a diagram, a table, or data."""

from __future__ import annotations

from pathlib import Path

import click

from like_keras_core.cli.output import write, write_json
from like_keras_core.cli.target import load_target, target_argument
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.view.diagram import draw, to_mermaid, to_summary


@click.command("graph")
@target_argument()
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    help="Write it here; as a page if it ends in .html.",
)
@click.option("--summary", is_flag=True, help="Print tables instead of a diagram.")
@click.option("--engine", help="Refuse TARGET if this engine is not installed.")
@click.option("--allow", multiple=True, metavar="PREFIX", help="Import only these.")
@click.option("--json", "as_json", is_flag=True, help="Print the spec as JSON.")
def graph_command(
    target: str,
    output: str | None,
    summary: bool,
    engine: str | None,
    allow: tuple[str, ...],
    as_json: bool,
) -> None:
    """Draw TARGET: as a page to explore with -o FILE.html, else as Mermaid text."""
    if engine is not None:
        get_engine(engine)
    spec = load_target(target, allow).to_spec()
    if as_json and output is None:
        write_json(spec.to_dict())
        return
    if output is not None and output.endswith(".html") and not (summary or as_json):
        write(str(draw(spec, output)))
        return
    text = to_summary(spec) if summary else to_mermaid(spec)
    if as_json:
        text = spec.to_json()
    if output is None:
        write(text.rstrip("\n"))
    else:
        Path(output).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        write(output)
