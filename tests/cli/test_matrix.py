"""`lk engines matrix`: outcomes of the kit, for people and for pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from like_keras_core.cli.main import main
from like_keras_core.testing.matrix_markdown import BEGIN, END

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the outcomes of two engines, and a page."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        row = {"declared": True, "outcome": "passed", "tests": {}}
        data = {
            "schema": 1,
            "core": "0.1.0",
            "engines": {name: {"suite_level": 1, "rows": {"hold": row}}},
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    (tmp_path / "page.md").write_text(f"{BEGIN}\n{END}\n")
    return tmp_path


def test_files_become_one_table(capsys: Output) -> None:
    """In the order in which they are given."""
    code = main(["engines", "matrix", "two.json", "one.json"])

    out = capsys.readouterr().out
    assert code == 0
    assert out.startswith("| capability | what it means | `two` | `one` |\n")


def test_json_is_the_same_as_data(capsys: Output) -> None:
    """A file of the same form as those that went in."""
    code = main(["engines", "matrix", "one.json", "two.json", "--json"])

    data = json.loads(capsys.readouterr().out)
    assert (code, list(data["engines"])) == (0, ["one", "two"])


def test_a_page_is_written_and_checked(work: Path, capsys: Output) -> None:
    """`--check` exits with 1 until the page says what was found."""
    words = ["engines", "matrix", "one.json", "--into", "page.md"]

    before = main([*words, "--check"])
    text = capsys.readouterr().err
    written = main(words)
    after = main([*words, "--check"])

    assert (before, written, after) == (1, 0, 0)
    assert "lk engines matrix one.json --into page.md" in text
    assert "| `hold` |" in (work / "page.md").read_text()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ([], 2, "Missing argument 'FILES...'"),
        (["gone.json"], 2, "gone.json"),
        (["one.json", "--check"], 2, "--into README.md --check"),
        (["page.md"], 1, "as JSON"),
        (["other.json"], 1, "is not a matrix of this version"),
        (["one.json", "--into", "gone.md"], 2, "gone.md"),
    ],
)
def test_what_cannot_be_done_says_why(
    words: list[str], code: int, text: str, work: Path, capsys: Output
) -> None:
    """And prints no half of a table."""
    (work / "other.json").write_text("[]")

    found = main(["engines", "matrix", *words])

    captured = capsys.readouterr()
    assert (found, captured.out) == (code, "")
    assert text in captured.err
