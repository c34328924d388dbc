"""A capability matrix as a Markdown table, from outcomes of the kit's tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from like_keras_core.engine import CAPABILITIES
from like_keras_core.errors import LkError
from like_keras_core.testing.matrix import BASIC

BEGIN, END = "<!-- lk engines matrix -->", "<!-- /lk engines matrix -->"
"""The lines of a page between which its matrix stands."""

_WORDS = {
    "failed": "**fails**",
    "skipped": "skipped",
    "new": "new",
    "untested": "untested",
    "refused": "no",
    "passed": "yes",
    "not run": "not run",
}
"""The word for each outcome."""


def to_markdown(matrix: Mapping[str, Any]) -> str:
    """Return a matrix as a Markdown table: a row a capability, a column an engine."""
    engines = matrix["engines"]
    meanings = {BASIC: "what every engine must do", **CAPABILITIES}
    for engine in engines.values():
        for row in engine["rows"]:
            meanings.setdefault(row, "not known to this version of the core")
    header = ["capability", "what it means", *(f"`{name}`" for name in engines)]
    lines = [header]
    for row, meaning in meanings.items():
        found = (engine["rows"].get(row) for engine in engines.values())
        words = [_WORDS[data["outcome"]] if data else "not run" for data in found]
        label = row if row == BASIC else f"`{row}`"
        lines.append([label, meaning, *words])
    first, *others = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([first, "|---" * len(header) + "|", *others])


def put_into(page: Path, table: str) -> str:
    """Return the text of a page with a table between its two marks.

    Raises:
        LkError: The page has no marks.
    """
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LkError(
            f"The page {str(page)!r} has no place for the table. Put two lines there:\n"
            f"{BEGIN}\n{END}"
        )
    return f"{before}{BEGIN}\n{table}\n{END}{after}"
