"""The pytest plug-in: `--lk-engine`, `--lk-suite`, `--lk-matrix`, and `lk_run`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("like_keras_core.testing.suites")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("like_keras", "engines of like_keras")
    group.addoption(
        "--lk-engine",
        metavar="NAME",
        help="the engine that `--pyargs like_keras_core.testing` tests",
    )
    group.addoption(
        "--lk-suite",
        metavar="SUITE",
        action="append",
        help="of the conformance kit run this suite only; repeat it for more",
    )
    group.addoption(
        "--lk-matrix",
        metavar="FILE",
        type=Path,
        help="write outcomes by engine and capability to this JSON file",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect outcomes, where there are some."""
    config.pluginmanager.register(Outcomes(config), "like_keras-outcomes")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out the kit's tests that are not in the suites that are asked for.

    Raises:
        UsageError: There is no such suite.
    """
    wanted = config.getoption("--lk-suite")
    if not wanted:
        return
    suites = {item: _suite_of(item) for item in items}
    known = sorted({suite for suite in suites.values() if suite})
    unknown = [suite for suite in wanted if suite not in known]
    if known and unknown:
        raise pytest.UsageError(
            f"The conformance kit has no suite {unknown[0]!r}; it has: "
            f"{', '.join(known)}."
        )
    left_out = [item for item in items if suites[item] not in (None, *wanted)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if suites[item] in (None, *wanted)]


def _suite_of(item: pytest.Item) -> str | None:
    """Return the suite of the kit that a test is of; None where it is of none."""
    module = getattr(getattr(item, "function", None), "__module__", "") or ""
    package, _, suite = module.rpartition(".")
    return suite if package == "like_keras_core.testing.suites" else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Mark a test of an engine as such, before anything can skip it."""
    module = sys.modules.get("like_keras_core.testing.suite")
    if module is None:
        return
    mark = module.mark_of(getattr(item, "cls", None), getattr(item, "function", None))
    if mark:
        item.user_properties.append(("lk", mark))


class Outcomes:
    """Gathers what came of the kit's tests, and prints it at the end.

    Args:
        config: That of this session.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.found: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember one test of an engine: its call, or what kept it from that."""
        mark = dict(report.user_properties).get("lk")
        if not isinstance(mark, dict):
            return
        if report.when != "call" and report.outcome == "passed":
            return
        if report.outcome not in ("passed", "failed", "skipped"):
            return  # of another plug-in, as "rerun": what counts is still to come
        outcome: str = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "unknown"
        elif outcome == "passed" and mark["refused"]:
            outcome = "refused"
        reason = getattr(report, "wasxfail", "")
        name = report.nodeid.rpartition("::")[2]
        self.found.append({**mark, "test": name, "outcome": outcome, "reason": reason})

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Tell what each engine can do, and what is new; write the matrix."""
        if not self.found:
            return
        from like_keras_core.testing.matrix import to_lines, to_matrix

        data = to_matrix(self.found)
        terminalreporter.section("engines of like_keras")
        for line in to_lines(data):
            terminalreporter.line(line)
        path = self.config.getoption("--lk-matrix")
        if path is not None:
            text = json.dumps(data, indent=2, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
            terminalreporter.line(f"wrote {path}")


@pytest.fixture
def lk_run() -> Callable[..., Any]:
    """`like_keras_core.testing.run`: feed one component, get what it sent."""
    from like_keras_core.testing.run_component import run

    return run
