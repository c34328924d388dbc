"""Replays what tox and its environments reported, so that one summary counts it all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
RUNS = ("quick", "ends")


def environments() -> list[Any]:
    """Each environment that tox ran: its verdict, and what its commands printed."""
    found = []
    for report in sorted(ROOT.glob(".tox/results/*.json")):
        for name, env in json.loads(report.read_text())["testenvs"].items():
            if "result" in env:
                ran = [*env.get("setup", ()), *env.get("test", ())]
                bad = "\n".join(c["output"] + c["err"] for c in ran if c["retcode"])
                if (ROOT / ".tox" / "junit" / f"{name}.xml").exists():
                    bad = bad.rstrip().rpartition("\n")[2]  # the rest is in cases()
                found.append(pytest.param(env["result"]["success"], bad, id=name))
    return found


def cases() -> list[Any]:
    """Each test of each environment: what happened to it beside passing."""
    found = []
    for report in sorted(ROOT.glob(".tox/junit/*.xml")):
        for case in ElementTree.parse(report).iter("testcase"):
            name = f"{report.stem}::{case.get('classname')}::{case.get('name')}"
            found.append(pytest.param(list(case), id=name))
    return found


@pytest.mark.parametrize("run", RUNS)
def test_tox_ended_well(run: str) -> None:
    status = ROOT / ".tox" / "results" / f"{run}.status"

    assert status.read_text().strip() == "0", f"tox run -m {run} failed; see above"


@pytest.mark.parametrize(("success", "output"), environments())
def test_environment(success: bool, output: str) -> None:
    if not success:
        pytest.fail(output, pytrace=False)


@pytest.mark.parametrize("outcomes", cases())
def test_case(outcomes: list[ElementTree.Element]) -> None:
    for outcome in outcomes:
        text = outcome.get("message", "")
        if outcome.get("type") == "pytest.xfail":
            pytest.xfail(text)
        if outcome.tag == "skipped":
            pytest.skip(text)
        if outcome.tag in {"failure", "error"}:
            pytest.fail(outcome.text or text, pytrace=False)
