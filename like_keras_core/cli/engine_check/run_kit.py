"""The conformance kit, run on an installed engine in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.cli.engine_check.isolated_process import run_module

SUITES = ("contract", "basic", "capabilities")
"""The suites of a check; all engines must pass them, whatever they declare."""

_NEEDS = ("pytest", "hypothesis")
_LINES = 12
"""How much of a failure is shown."""


def run_kit(
    name: str,
    *,
    suites: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    timeout_s: float,
) -> Iterator[Check]:
    """Run suites of the kit, and yield what came of them.

    Args:
        name: The engine's name.
        suites: Which suites; all where none is named.
        folder: An empty folder to work in.
        env: The environment that the engine is installed in.
        timeout_s: How long all of it may take [s].
    """
    missing = [module for module in _NEEDS if find_spec(module) is None]
    if missing:
        text = (
            f"not run: it needs {' and '.join(missing)}. "
            "pip install 'like-keras-core[testing]'"
        )
        yield Check("FAIL", "kit", text)
        return
    (folder / "pytest.ini").write_text("[pytest]\n")
    began = time.perf_counter()
    done = run_module(
        "pytest",
        *("-q", "--tb=short", "-p", "no:cacheprovider", "-c", "pytest.ini"),
        *("-p", "like_keras_core.testing.pytest_plugin", "--junit-xml=junit.xml"),
        *("--pyargs", "like_keras_core.testing", "--lk-engine", name),
        *(word for suite in suites for word in ("--lk-suite", suite)),
        cwd=folder,
        env={**env, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        timeout_s=timeout_s,
    )
    again = f"pytest --pyargs like_keras_core.testing --lk-engine {name}"
    if done.code is None:
        text = (
            f"It was not done within {timeout_s:g} s, and was ended. Look for the "
            f"launch that does not end: {again} -x -v"
        )
        yield Check("FAIL", "kit", text)
        return
    report = folder / "junit.xml"
    cases = list(ElementTree.parse(report).iter("testcase")) if report.exists() else []
    found = [check for case in cases for check in _judge(case, again)]
    yield from found
    failed = [check for check in found if check.outcome == "FAIL"]
    if done.code not in (0, 1) or not cases:
        text = f"pytest ended with exit code {done.code}: {done.last_line}"
        yield Check("FAIL", "kit", text)
    elif not failed:
        which = ", ".join(suites) or "all"
        took = time.perf_counter() - began
        text = f"{len(cases)} tests passed in {took:.1f} s; suites: {which}"
        yield Check("PASS", "kit", text)


def _judge(case: ElementTree.Element, again: str) -> Iterator[Check]:
    """Yield the check of one test; nothing if it passed."""
    name = case.get("name", "")
    for problem in [*case.findall("failure"), *case.findall("error")]:
        lines = (problem.get("message") or problem.text or "").strip().splitlines()
        text = "\n".join([*lines[:_LINES], f"See it: {again} -k '{_words(name)}'"])
        yield Check("FAIL", name, text)
    for skipped in case.findall("skipped"):
        yield Check("WARN", name, f"not run: {skipped.get('message') or 'skipped'}")


def _words(name: str) -> str:
    """Return what `-k` finds a test with."""
    return name.partition("[")[0]
