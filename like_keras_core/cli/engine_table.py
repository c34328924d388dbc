"""What `lk engines list` prints, from metadata alone and without click."""

from __future__ import annotations

from like_keras_core.cli.output import write, write_json, write_table
from like_keras_core.plugins.discovery import find_engines
from like_keras_core.suggestions import KNOWN_ENGINES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FIELDS = (
    "name",
    "distribution",
    "version",
    "requires_core",
    "status",
    "reason",
    "summary",
)


def print_engines(*, as_json: bool) -> None:
    """Print every installed engine with its state."""
    records = find_engines()
    if as_json:
        engines = [
            {field: getattr(record, field) for field in FIELDS} for record in records
        ]
        write_json({"schema": 1, "engines": engines})
    elif not records:
        write(
            f"No engine is installed. Begin with: pip install {KNOWN_ENGINES['native']}"
        )
    else:
        rows = [
            (
                record.name,
                record.status,
                record.distribution,
                record.version,
                record.requires_core or "any",
                record.reason or record.summary,
            )
            for record in records
        ]
        header = ("engine", "status", "distribution", "version", "core", "about")
        write_table(header, rows)


def complete_engine(context: Any, parameter: Any, incomplete: str) -> list[str]:
    """Complete an engine's name in a shell; click's `shell_complete=`.

    Args:
        context: Click's; not used.
        parameter: Click's; not used.
        incomplete: What was typed so far.
    """
    names = {record.name for record in find_engines()}
    return sorted(name for name in names if name.startswith(incomplete))
