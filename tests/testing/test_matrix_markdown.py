"""The matrix as a table, from the outcomes of one run or of several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from like_keras_core.errors import LkError
from like_keras_core.testing.matrix import merged
from like_keras_core.testing.matrix_markdown import BEGIN, END, put_into, to_markdown


def outcomes(
    engine: str, row: str = "delay", outcome: str = "passed", **tests: str
) -> dict[str, Any]:
    """Return the matrix of an engine with one row."""
    tests = tests or {"test_a": outcome}
    data = {"declared": outcome != "refused", "outcome": outcome, "tests": tests}
    run = {"suite_level": 1, "rows": {row: data}}
    return {"schema": 1, "core": "0.1.0", "engines": {engine: run}}


def test_a_column_an_engine_and_a_row_a_capability() -> None:
    """What was not run says so."""
    both = merged([outcomes("one"), outcomes("two", "hold", "refused")])

    lines = to_markdown(both).splitlines()

    assert lines[0] == "| capability | what it means | `one` | `two` |"
    assert lines[1] == "|---|---|---|---|"
    assert "| `delay` | connections with a delay | yes | not run |" in lines
    assert lines[4].endswith("| not run | no |")


def test_a_capability_of_another_core_has_its_row() -> None:
    """Files may be older or newer than this core."""
    lines = to_markdown(outcomes("one", "teleport")).splitlines()

    assert lines[-1] == "| `teleport` | not known to this version of the core | yes |"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_worst_of_several_runs_counts(order: tuple[int, int]) -> None:
    """On one Python it works, on another it does not."""
    runs = [outcomes("one", test_a="passed"), outcomes("one", test_a="failed")]

    matrix = merged(runs[n] for n in order)

    assert matrix["engines"]["one"]["rows"]["delay"] == {
        "declared": True,
        "outcome": "failed",
        "tests": {"test_a": "failed"},
    }


def test_runs_of_different_releases_are_not_mixed() -> None:
    """One declares what the other does not."""
    runs = [outcomes("one"), outcomes("one", outcome="refused")]

    with pytest.raises(LkError, match="disagree on whether 'one' declares 'delay'"):
        merged(runs)


def test_a_table_is_put_between_its_marks(tmp_path: Path) -> None:
    """The rest of the page stays as it is; doing it twice changes nothing."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    page.write_text(put_into(page, "new"))

    assert page.read_text() == f"before\n{BEGIN}\nnew\n{END}\nafter\n"
    assert put_into(page, "new") == page.read_text()


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
def test_a_page_without_marks_is_told_which(text: str, tmp_path: Path) -> None:
    """They are two lines of comment."""
    page = tmp_path / "page.md"
    page.write_text(text)

    with pytest.raises(LkError, match="has no place for the table"):
        put_into(page, "new")
