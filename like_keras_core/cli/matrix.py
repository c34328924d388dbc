"""`lk engines matrix FILES`: what each engine can do, as the kit found it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from like_keras_core.cli.output import write, write_json
from like_keras_core.errors import LkError
from like_keras_core.testing.matrix import merged
from like_keras_core.testing.matrix_markdown import BEGIN, END, put_into, to_markdown


@click.command("matrix")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--into",
    "page",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Write the table into this page, between the lines {BEGIN} and {END}.",
)
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="With --into: write nothing, exit with 1 if the page would change.",
)
@click.option("--json", "as_json", is_flag=True, help="Print FILES as one, in JSON.")
@click.pass_context
def matrix_command(
    context: click.Context,
    files: tuple[Path, ...],
    page: Path | None,
    is_check: bool,
    as_json: bool,
) -> None:
    """Print the outcomes in FILES as a Markdown table, a column an engine.

    A file is what `pytest --lk-matrix FILE` wrote. Where an engine is in several of
    them, the worst outcome counts.
    """
    if is_check and page is None:
        raise click.UsageError("--check needs a page: --into README.md --check")
    matrix = merged(_read(path) for path in files)
    table = to_markdown(matrix)
    if as_json:
        write_json(matrix)
    elif page is None:
        write(table)
    if page is None:
        return
    text = put_into(page, table)
    if text == page.read_text("utf-8"):
        return
    if is_check:
        words = " ".join(map(str, files))
        click.echo(
            f"error: The table in {page} is not what the tests found. "
            f"Rewrite it: lk engines matrix {words} --into {page}",
            err=True,
        )
        context.exit(1)
    page.write_text(text, "utf-8")


def _read(path: Path) -> dict[str, Any]:
    """Return the matrix in a file.

    Raises:
        LkError: It holds none.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise LkError(f"Cannot read {str(path)!r} as JSON: {error}") from error
    if not isinstance(data, dict) or "engines" not in data or data.get("schema") != 1:
        raise LkError(
            f"{str(path)!r} is not a matrix of this version; expected what "
            "`pytest --lk-matrix FILE` writes."
        )
    return data
