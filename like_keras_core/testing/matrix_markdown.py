"""A capability matrix as a Markdown table, from outcomes of the kit's tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from like_keras_core.engine import CAPABILITIES
from like_keras_core.errors import LkError
from like_keras_core.testing.matrix import BASIC, worst

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
"""The word for each outcome; where runs of an engine differ, the first here counts."""


def merged(matrices: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return several matrices as one; an engine may be in more than one of them.

    Raises:
        LkError: They say different things about what an engine declares.
    """
    engines: dict[str, Any] = {}
    core = ""
    for matrix in matrices:
        core = core or matrix["core"]
        for name, engine in matrix["engines"].items():
            if name in engines:
                _add(engines[name], engine, name)
            else:
                rows = {row: dict(data) for row, data in engine["rows"].items()}
                engines[name] = {**engine, "rows": rows}
    return {"schema": 1, "core": core, "engines": engines}


def _add(engine: dict[str, Any], other: Mapping[str, Any], name: str) -> None:
    """Add the outcomes of another run of an engine."""
    ranks = list(_WORDS)
    for row, data in other["rows"].items():
        mine = engine["rows"].setdefault(row, dict(data))
        if mine["declared"] != data["declared"]:
            raise LkError(
                f"The files disagree on whether {name!r} declares {row!r}; they are of "
                "different releases of it. Give those of one release."
            )
        mine["outcome"] = min(mine["outcome"], data["outcome"], key=ranks.index)
        tests = dict(mine["tests"])
        for test, outcome in data["tests"].items():
            tests[test] = worst(tests.get(test, outcome), outcome)
        mine["tests"] = tests
    environments = [*engine.get("environments", ()), *other.get("environments", ())]
    if environments:
        unique = {tuple(sorted(item.items())): item for item in environments}
        engine["environments"] = list(unique.values())


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
        LkError: The page cannot be read, or has no marks.
    """
    try:
        text = page.read_text("utf-8")
    except OSError as error:
        raise LkError(f"Cannot read the page {str(page)!r}: {error}") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LkError(
            f"The page {str(page)!r} has no place for the table. Put two lines there:\n"
            f"{BEGIN}\n{END}"
        )
    return f"{before}{BEGIN}\n{table}\n{END}{after}"
