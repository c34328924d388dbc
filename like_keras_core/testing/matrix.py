"""Outcomes of the kit's tests by engine and capability, as JSON data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from like_keras_core.engine import CAPABILITIES
from like_keras_core.plugins.discovery import find_engines
from like_keras_core.plugins.metadata import core_version
from like_keras_core.testing.level import LEVELS, UNTESTED

BASIC = "basic"
"""The row of the tests that use no capability."""


def to_matrix(found: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return outcomes of tests as the data of a capability matrix.

    ```text
    {"schema": 1, "core": "0.1.0", "engines": {"mine": {
        "distribution": "lk-engine-mine", "version": "1.0", "suite_level": 1,
        "rows": {"basic": {"outcome": "passed", "tests": {"test_…": "passed"}},
                 "delay": {"declared": true, "outcome": "passed", "tests": {…}}}}}}
    ```

    A row's outcome is `passed`, `failed`, `refused` (not declared, and refused as it
    must be), `new` (not in the engine's level of the kit), `untested` (declared, and
    the kit cannot show it), or `not run`.
    """
    engines: dict[str, Any] = {}
    versions = {record.name: record for record in find_engines()}
    for item in found:
        name = item["engine"]
        if name not in engines:
            record = versions.get(name)
            engines[name] = {
                "distribution": record.distribution if record else "",
                "version": record.version if record else "",
                "suite_level": item["suite_level"],
                "rows": _empty_rows(item["declared"]),
            }
        rows = engines[name]["rows"]
        for row in _rows_of(item):
            rows[row]["tests"][item["test"]] = item["outcome"]
    for engine in engines.values():
        for name, row in engine["rows"].items():
            row["outcome"] = _outcome(name, row, engine["suite_level"])
    return {"schema": 1, "core": core_version(), "engines": engines}


def _empty_rows(declared: Iterable[str]) -> dict[str, Any]:
    rows: dict[str, Any] = {BASIC: {"declared": True, "outcome": "", "tests": {}}}
    for capability in CAPABILITIES:
        is_declared = capability in declared
        rows[capability] = {"declared": is_declared, "outcome": "", "tests": {}}
    return rows


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
    if not outcomes or outcomes == {"skipped"}:
        return "not run"
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
        lines.append(f"{name}{version}, level {engine['suite_level']} of the kit")
        lines += [
            f"  {outcome}: {', '.join(rows)}" for outcome, rows in by_outcome.items()
        ]
    return lines
