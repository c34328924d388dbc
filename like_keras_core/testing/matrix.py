"""Outcomes of the kit's tests by engine and capability, as JSON data."""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from like_keras_core.engine import CAPABILITIES
from like_keras_core.errors import LkError
from like_keras_core.plugins.discovery import find_engines
from like_keras_core.plugins.metadata import core_version
from like_keras_core.testing.level import LEVELS, UNTESTED

BASIC = "basic"
"""The row of the tests that use no capability."""

_WORST_FIRST = ("failed", "unknown", "skipped", "refused", "passed")
"""What may come of a test; `unknown` of one that was expected to fail."""


def to_matrix(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return outcomes of tests as the data of a capability matrix.

    ```text
    {"schema": 1, "core": "0.1.0", "engines": {"mine": {
        "distribution": "lk-engine-mine", "version": "1.0", "suite_level": 1,
        "environments": [{"python": "3.13.1", "platform": "linux-x86_64"}],
        "rows": {"basic": {"outcome": "passed", "tests": {"test_…": "passed"}},
                 "delay": {"declared": true, "outcome": "passed", "tests": {…}}}}}}
    ```

    A row's outcome is `passed`, `failed`, `skipped` (a test of it was skipped, or was
    expected to fail, so that it is not known), `refused` (not declared, and refused as
    it must be), `new` (not in the engine's level of the kit), `untested` (declared, and
    the kit cannot show it), or `not run`. Where several classes test one engine, the
    worst outcome of each test counts.
    """
    items: dict[str, list[Mapping[str, Any]]] = {}
    for item in found:
        items.setdefault(item["engine"], []).append(item)
    records = {record.name: record for record in reversed(find_engines())}
    engines = {}
    for name, tests in items.items():
        used = records.get(name)
        engines[name] = {
            "distribution": used.distribution if used else "",
            "version": used.version if used else "",
            **_together(name, list(_runs(tests))),
        }
    return {"schema": 1, "core": core_version(), "engines": engines}


def merged(matrices: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return several matrices as one; an engine may be in more than one of them.

    Raises:
        LkError: They say different things about what an engine declares.
    """
    cores: list[str] = []
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for matrix in matrices:
        cores.append(matrix["core"])
        for name, engine in matrix["engines"].items():
            runs.setdefault(name, []).append(engine)
    engines = {name: _together(name, found) for name, found in runs.items()}
    return {"schema": 1, "core": cores[0], "engines": engines}


def _runs(items: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each test of an engine as a run of its own."""
    declared = set.intersection(*(set(item["declared"]) for item in items))
    place = {
        "python": platform.python_version(),
        "platform": sysconfig.get_platform(),
    }
    for item in items:
        rows = {
            row: {"declared": row == BASIC or row in declared, "tests": {}}
            for row in (BASIC, *CAPABILITIES)
        }
        for row in _rows_of(item):
            rows[row]["tests"] = {item["test"]: item["outcome"]}
        yield {
            "suite_level": item["suite_level"],
            "environments": [place],
            "rows": rows,
        }


def _together(name: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return several runs of an engine as one."""
    rows: dict[str, Any] = {}
    for run in runs:
        for row, data in run["rows"].items():
            mine = rows.setdefault(row, {**data, "outcome": "", "tests": {}})
            if mine["declared"] != data["declared"]:
                raise LkError(
                    f"The files disagree on whether {name!r} declares {row!r}; they "
                    "are of different releases of it. Give those of one release."
                )
            for test, outcome in data["tests"].items():
                mine["tests"][test] = worst(mine["tests"].get(test, outcome), outcome)
    level = min(run["suite_level"] for run in runs)
    for row, data in rows.items():
        data["outcome"] = _outcome(row, data, level)
    places = {tuple(x.items()): x for run in runs for x in run.get("environments", ())}
    about = {"suite_level": level, "environments": list(places.values()), "rows": rows}
    return {**runs[0], **about}


def worst(one: str, other: str) -> str:
    """Return the worse of two outcomes of a test; one that is not known is worst."""
    ranks = {outcome: rank for rank, outcome in enumerate(_WORST_FIRST)}
    return min(one, other, key=lambda outcome: ranks.get(outcome, -1))


def _rows_of(item: Mapping[str, Any]) -> list[str]:
    """Return the rows that a test belongs to."""
    named = [x for x in item["capabilities"] if x in CAPABILITIES]
    if not named and "needs_it_runs_or_is_refused[" in item["test"]:
        named = [item["test"].partition("[")[2].rstrip("]")]
    return named or [BASIC]


def _outcome(name: str, row: Mapping[str, Any], suite_level: int) -> str:
    outcomes = set(row["tests"].values())
    if "failed" in outcomes:
        return "failed"
    if name != BASIC and LEVELS.get(name, suite_level + 1) > suite_level:
        return "new"
    if not outcomes:
        return "not run"
    if not outcomes <= {"passed", "refused"}:
        return "skipped"
    if not row["declared"]:
        return "refused"
    return "untested" if name in UNTESTED else "passed"


def to_lines(matrix: Mapping[str, Any]) -> list[str]:
    """Return a matrix as text, a line for each engine and outcome."""
    lines = []
    for name, engine in matrix["engines"].items():
        by_outcome: dict[str, list[str]] = {}
        for row, data in engine["rows"].items():
            by_outcome.setdefault(data["outcome"], []).append(row)
        version = f" {engine['version']}" if engine["version"] else ""
        about = [f"{name}{version}", f"level {engine['suite_level']} of the kit"]
        about += [
            f"Python {x['python']} on {x['platform']}" for x in engine["environments"]
        ]
        lines.append(", ".join(about))
        lines += [
            f"  {outcome}: {', '.join(rows)}" for outcome, rows in by_outcome.items()
        ]
    return lines
