"""`lk engines`: what is installed, what it can do, and engines of one's own."""

from __future__ import annotations

from typing import Any

import click

from like_keras_core.cli.app import LazyGroup
from like_keras_core.cli.engine_table import complete_engine, print_engines
from like_keras_core.cli.output import to_text, write, write_json
from like_keras_core.errors import EngineNotFoundError
from like_keras_core.plugins.discovery import find_engines

COMMANDS = {
    "list": ("engines:list_command", "List every installed engine, usable or not."),
    "info": ("engines:info_command", "Say what is known about one."),
    "check": ("check:check_command", "Test whether one keeps its promises."),
    "new": ("new:new_command", "Write a distribution with a new one."),
    "matrix": ("matrix:matrix_command", "Draw what each can do as a table."),
}


@click.group("engines", cls=LazyGroup, lazy=COMMANDS)
def engines_group() -> None:
    """Work with the installed engines, and make new ones.

    Nothing of an engine is imported unasked.
    """


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List every installed engine with its status, usable or not."""
    print_engines(as_json=as_json)


@click.command("info")
@click.argument("name", shell_complete=complete_engine)
@click.option("--load", is_flag=True, help="Import the engine and ask what it can do.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info_command(name: str, load: bool, as_json: bool) -> None:
    """Say what is known about the engine NAME."""
    from like_keras_core.cli.diagnosis.requirements import unmet

    records = find_engines()
    claims = [record for record in records if record.name == name]
    if not claims:
        raise EngineNotFoundError(name, {record.name for record in records})
    data: dict[str, Any] = {**claims[0].to_dict()}
    lacking = [problem.text for problem in unmet(claims[0].distribution)]
    if lacking:
        data["lacking"] = lacking
    if load:
        data["capabilities"] = _capabilities(name)
    others = [record.to_dict() for record in claims[1:]]
    if as_json:
        write_json({"schema": 1, "engine": data, "shadowed": others})
        return
    capabilities: dict[str, str] = data.pop("capabilities", {})
    data.pop("lacking", None)
    rows = [(key.replace("_", " "), value) for key, value in data.items() if value]
    rows += [("lacks", text) for text in lacking]
    rows += [
        ("also claimed by", f"{other['distribution']} {other['version']}")
        for other in others
    ]
    write(to_text(rows))
    if load:
        write("\ncapabilities" if capabilities else "\nno capabilities")
        write(to_text([(f"  {key}", text) for key, text in capabilities.items()]))
    elif data["status"] == "ok":
        write(f"\nWhat it can do: lk engines info {name} --load")


def _capabilities(name: str) -> dict[str, str]:
    """Import an engine and return what it declares, with the meaning of each."""
    from like_keras_core.engine import CAPABILITIES
    from like_keras_core.plugins.engine_registry import open_session

    declared = open_session(name).engine.capabilities
    unknown = "not known to this version of the core"
    return {item: CAPABILITIES.get(item, unknown) for item in sorted(declared)}
