"""A row of the matrix says what is known of its tests, and no more."""

from __future__ import annotations

import itertools
import platform
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.plugins.discovery import ENGINE_GROUP
from like_keras_core.testing.matrix import merged, to_lines, to_matrix, worst
from like_keras_core.testing.matrix_markdown import to_markdown

RUN = {
    "engine": "mine",
    "suite_level": 1,
    "declared": ["delay"],
    "capabilities": ["delay"],
}


def came(outcome: str, name: str = "test_a", **facts: Any) -> dict[str, Any]:
    """Return what came of a test, as the kit's plug-in tells it."""
    return {**RUN, "test": name, "outcome": outcome, **facts}


def row_of(found: Iterable[dict[str, Any]], row: str = "delay") -> dict[str, Any]:
    """Return a row of the matrix of some outcomes."""
    data: dict[str, Any] = to_matrix(found)["engines"]["mine"]["rows"][row]
    return data


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["skipped", "failed"], "failed"),
        (["passed", "skipped"], "skipped"),
        (["skipped", "skipped"], "skipped"),
        (["passed", "unknown"], "skipped"),
        ([], "not run"),
    ],
)
def test_a_row_passes_if_all_of_its_tests_do(
    outcomes: list[str], expected: str
) -> None:
    """One that was skipped, or expected to fail, shows nothing."""
    found = [came(x, f"test_{n}") for n, x in enumerate(outcomes)]
    found.append(came("passed", capabilities=[]))

    assert row_of(found)["outcome"] == expected


def test_a_refusal_that_was_skipped_is_not_one() -> None:
    """What is not declared is refused only where that was seen."""
    found = [
        came("refused", declared=[]),
        came("skipped", "test_b", declared=[]),
    ]

    assert row_of(found)["outcome"] == "skipped"
    assert row_of(found[:1])["outcome"] == "refused"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_of_several_classes_the_worst_counts(order: tuple[int, ...]) -> None:
    """One engine may be tested by many classes, and a test's name is in all of them."""
    found = [came("passed"), came("failed"), came("skipped")]

    row = row_of(found[n] for n in order)

    assert row == {
        "declared": True,
        "outcome": "failed",
        "tests": {"test_a": "failed"},
    }


def test_the_lowest_level_of_several_classes_counts() -> None:
    """What one of them was not held to is not shown."""
    found = [came("passed", suite_level=1), came("passed", suite_level=0)]

    data = to_matrix(found)["engines"]["mine"]

    assert (data["suite_level"], data["rows"]["delay"]["outcome"]) == (0, "new")


def test_an_outcome_that_is_not_known_is_worst() -> None:
    """A file may be of a later core."""
    assert worst("failed", "melted") == worst("melted", "failed") == "melted"


def test_the_environment_is_told() -> None:
    """Which Python, on which platform; nothing that names the machine."""
    data = to_matrix([came("passed")])

    environment = {
        "python": platform.python_version(),
        "platform": sysconfig.get_platform(),
    }
    assert data["engines"]["mine"]["environments"] == [environment]
    about = "Python {python} on {platform}".format(**environment)
    assert to_lines(data)[0] == f"mine, level 1 of the kit, {about}"


def test_the_version_is_that_of_the_distribution_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that of another one which claims the name."""
    monkeypatch.delenv("LK_ENGINES_DISABLE", raising=False)
    for name in ("first", "second"):
        info = tmp_path / name / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{ENGINE_GROUP}]\nmine = json:A\n")
    monkeypatch.syspath_prepend(tmp_path / "second")
    monkeypatch.syspath_prepend(tmp_path / "first")

    data = to_matrix([came("passed")])

    assert data["engines"]["mine"]["distribution"] == "first"


def on(python: str, *found: dict[str, Any]) -> dict[str, Any]:
    """Return the matrix of a run on some Python."""
    data = to_matrix(found)
    data["engines"]["mine"]["environments"][0]["python"] = python
    return data


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_test_that_one_run_skipped_did_not_pass(is_reversed: bool) -> None:
    """Whichever file is given first."""
    runs = [on("3.10.1", came("skipped")), on("3.13.1", came("passed"))]

    both = merged(reversed(runs) if is_reversed else runs)

    row = both["engines"]["mine"]["rows"]["delay"]
    assert (row["outcome"], row["tests"]) == ("skipped", {"test_a": "skipped"})
    assert "| connections with a delay | skipped |" in to_markdown(both)


def test_parts_of_the_kit_that_ran_apart_add_up() -> None:
    """A row that a run has no test of says nothing against it."""
    other = came("passed", "test_b", capabilities=[])

    both = merged([on("3.13.1", came("passed")), on("3.13.1", other)])

    rows = both["engines"]["mine"]["rows"]
    assert (rows["basic"]["outcome"], rows["delay"]["outcome"]) == ("passed", "passed")


def test_runs_that_are_merged_keep_their_environments() -> None:
    """Each once; files of a core that did not tell theirs can still be read."""
    old = on("", came("passed"))
    del old["engines"]["mine"]["environments"]
    runs = [on(x, came("passed")) for x in ("3.10.1", "3.13.1", "3.10.1")]

    both = merged([old, *runs])

    found = [x["python"] for x in both["engines"]["mine"]["environments"]]
    assert found == ["3.10.1", "3.13.1"]
    assert merged([old, old])["engines"]["mine"]["environments"] == []
