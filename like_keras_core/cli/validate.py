"""`lk validate TARGET`: every issue of a system, before anything runs."""

from __future__ import annotations

import click

from like_keras_core.cli.engine_table import complete_engine
from like_keras_core.cli.output import write, write_json
from like_keras_core.cli.target import load_target, target_argument
from like_keras_core.issue import errors_in


@click.command("validate")
@target_argument()
@click.option(
    "--engine",
    shell_complete=complete_engine,
    help="Ask this engine too; the nodes' own when omitted.",
)
@click.option("--allow", multiple=True, metavar="PREFIX", help="Import only these.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def validate_command(
    target: str, engine: str | None, allow: tuple[str, ...], as_json: bool
) -> int:
    """List what is wrong with TARGET; exit 1 if there are errors."""
    system = load_target(target, allow)
    issues = system.validate(engine)
    errors = errors_in(issues)
    if as_json:
        found = [issue.to_dict() for issue in issues]
        write_json({"schema": 1, "system": system.name, "issues": found})
    else:
        for issue in issues:
            write(f"{issue.severity}: {issue} [{issue.plugin}: {issue.code}]")
        if not issues:
            count = len(system.components)
            what = "component" if count == 1 else "components"
            write(f"{system.name}: nothing is wrong ({count} {what})")
    return 1 if errors else 0
