"""Outcomes of the kit's tests by engine and capability, as JSON data."""

from __future__ import annotations

import platform
import sysconfig
from collections.abc import Iterable, Mapping
from typing import Any

from like_keras_core.engine import CAPABILITIES
from like_keras_core.plugins.discovery import EngineEntry, find_engines
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
    engines: dict[str, Any] = {}
    records: dict[str, EngineEntry] = {}
    for record in find_engines():
        records.setdefault(record.name, record)
    for item in found:
        name = item["engine"]
        if name not in engines:
            used = records.get(name)
            engines[name] = {
                "distribution": used.distribution if used else "",
                "version": used.version if used else "",
                "suite_level": item["suite_level"],
                "environments": [_environment()],
                "rows": _empty_rows(),
            }
        engine = engines[name]
        engine["suite_level"] = min(engine["suite_level"], item["suite_level"])
        for capability in CAPABILITIES:
            if capability not in item["declared"]:
                engine["rows"][capability]["declared"] = False
        for row in _rows_of(item):
            tests = engine["rows"][row]["tests"]
            before = tests.get(item["test"], item["outcome"])
            tests[item["test"]] = worst(before, item["outcome"])
    for engine in engines.values():
        for name, row in engine["rows"].items():
            row["outcome"] = _outcome(name, row, engine["suite_level"])
    return {"schema": 1, "core": core_version(), "engines": engines}


def worst(one: str, other: str) -> str:
    """Return the worse of two outcomes of a test; one that is not known is worst."""
    ranks = {outcome: rank for rank, outcome in enumerate(_WORST_FIRST)}
    return min(one, other, key=lambda outcome: ranks.get(outcome, -1))


def _environment() -> dict[str, str]:
    """Return what the tests run on."""
    return {
        "python": platform.python_version(),
        "platform": sysconfig.get_platform(),
    }


def _empty_rows() -> dict[str, Any]:
    return {
        row: {"declared": True, "outcome": "", "tests": {}}
        for row in (BASIC, *CAPABILITIES)
    }


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
            f"Python {x['python']} on {x['platform']}"
            for x in engine.get("environments", ())
        ]
        lines.append(", ".join(about))
        lines += [
            f"  {outcome}: {', '.join(rows)}" for outcome, rows in by_outcome.items()
        ]
    return lines
