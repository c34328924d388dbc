"""`lk engines new NAME`: a distribution with an engine that works, to begin with."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import click

from like_keras_core.cli.engine_scaffold.names import Names, ScaffoldError
from like_keras_core.cli.engine_scaffold.templates import (
    LICENCES,
    distribution_files,
    write_distribution,
)
from like_keras_core.cli.output import write, write_json


@click.command("new")
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to make; lk-engine-NAME when omitted.",
)
@click.option(
    "--license",
    "licence",
    type=click.Choice(LICENCES, case_sensitive=False),
    default=LICENCES[0],
    show_default=True,
)
@click.option("--author", help="Who holds the rights; git's user.name when omitted.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def new_command(
    name: str, folder: Path | None, licence: str, author: str | None, as_json: bool
) -> None:
    """Write a new distribution with the engine NAME, tests and all.

    What is written works as it is: its engine runs systems in one process, and passes
    the conformance kit.
    """
    try:
        names = Names(name)
        folder = folder or Path(names.distribution)
        texts = distribution_files(
            names, licence=licence, author=_git_user() if author is None else author
        )
        write_distribution(folder, texts)
    except ScaffoldError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        data = {"engine": name, "distribution": names.distribution}
        write_json({"schema": 1, **data, "folder": str(folder), "files": list(texts)})
        return
    write(f"The engine {name!r} is in {folder}:")
    for path in texts:
        write(f"  {path}")
    write(
        f"\nNext:\n  cd {shlex.quote(str(folder))}\n  pip install -e '.[test]'\n"
        "  pytest\n  lk engines list\n"
        f"Then make src/{names.package}/engine.py your own."
    )


def _git_user() -> str:
    """Return the name that git signs commits with here; empty where it has none."""
    try:
        done = subprocess.run(
            ["git", "config", "user.name"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
