"""`lk params TARGET`: everything of a system that can be set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click

from like_keras_core.authoring.parameters import MISSING, Parameter, parameters_of
from like_keras_core.cli.output import write, write_json, write_table
from like_keras_core.cli.target import load_target, target_argument
from like_keras_core.values.annotations import to_text
from like_keras_core.values.conversion import maker
from like_keras_core.values.mismatch import MismatchError, shown
from like_keras_core.values.plain_data import NotPlainError, as_plain, to_plain, to_yaml
from like_keras_core.values.semantics import same

_WIDTH = 88


@click.command("params")
@target_argument()
@click.option("--allow", multiple=True, metavar="PREFIX", help="Import only these.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--yaml", "as_yaml", is_flag=True, help="Print a file for --params.")
def params_command(
    target: str, allow: tuple[str, ...], as_json: bool, as_yaml: bool
) -> None:
    """List what can be set of TARGET: type, default, value, unit and meaning."""
    if as_json and as_yaml:
        raise click.UsageError("--json and --yaml exclude each other.")
    system = load_target(target, allow)
    flat = system.lower().components
    found = list(parameters_of(flat))
    if as_json:
        listed = [_as_dict(item) for item in found]
        write_json({"schema": 1, "system": system.name, "parameters": listed})
    elif as_yaml:
        write("\n".join(yaml_lines(found)) or "{}")
    elif found:
        header = ("parameter", "type", "default", "value", "unit", "meaning")
        write_table(header, [_row(item) for item in found])
    else:
        write(f"{system.name}: no component takes an argument")


def _row(item: Parameter) -> tuple[str, ...]:
    default = "" if item.default is MISSING else _short(item.default)
    default = "(needed)" if item.is_needed else default
    value = "" if item.value is MISSING else _short(item.value)
    return item.address, to_text(item.type), default, value, item.unit, item.doc


def _short(value: Any) -> str:
    try:
        return to_yaml(to_plain(value))[:60]
    except (NotPlainError, RecursionError):
        return shown(value)[:60]


def _as_dict(item: Parameter) -> dict[str, Any]:
    return {
        "address": item.address,
        "type": to_text(item.type),
        "default": None if item.default is MISSING else as_plain(item.default),
        "needed": item.is_needed,
        "value": None if item.value is MISSING else as_plain(item.value),
        "unit": item.unit,
        "doc": item.doc,
    }


def yaml_lines(parameters: Iterable[Parameter]) -> Iterator[str]:
    """Give the lines of a file that sets every parameter to the value that it has."""
    before: tuple[str, ...] = ()
    for item in parameters:
        path = (item.component, *item.path)
        text = _as_yaml(item)
        if text is None:
            yield f"# {item.address}: {shown(item.value)} cannot be written here"
            continue
        kept = 0
        while kept < len(path) - 1 and path[kept : kept + 1] == before[kept : kept + 1]:
            kept += 1
        for n in range(kept, len(path) - 1):
            yield f"{'  ' * n}{_key(path[n])}:"
        before = path[:-1]
        line = f"{'  ' * (len(path) - 1)}{_key(path[-1])}: {text}"
        note = " ".join((to_text(item.type), item.doc)).strip()
        yield f"{line}  # {' '.join(note.split())}"


def _key(name: str) -> str:
    is_plain = all(part.isidentifier() for part in name.split(".")) and name.isascii()
    words = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return name if is_plain and name.lower() not in words else to_yaml(name)


def _as_yaml(item: Parameter) -> str | None:
    """Return a value in YAML; None where it would not come back as it is."""
    if item.value is MISSING:
        return None
    try:
        data = to_plain(item.value)
        back = maker(data, item.type, item.value)()
        return to_yaml(data) if same(back, item.value) else None
    except (NotPlainError, MismatchError, RecursionError):
        return None
