"""`lk engines new`: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from like_keras_core.cli.main import main

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_to_do_next(work: Path, capsys: Output) -> None:
    """Every file is listed, and the four commands that show that it works."""
    code = main(["engines", "new", "steam"])

    out = capsys.readouterr().out
    assert code == 0
    made = work / "lk-engine-steam"
    files = {
        item.relative_to(made).as_posix() for item in made.rglob("*") if item.is_file()
    }
    assert {"pyproject.toml", "tox.ini", "src/lk_engine_steam/py.typed"} <= files
    assert all(f"  {name}\n" in out for name in files)
    assert "  pip install -e '.[test]'\n  pytest\n  lk engines list\n" in out


def test_json_is_for_programs(work: Path, capsys: Output) -> None:
    """Names, the folder, and the files in it."""
    words = ["--dir", "some where", "--license", "mit", "--author", "Ada", "--json"]

    code = main(["engines", "new", "steam", *words])

    data = json.loads(capsys.readouterr().out)
    assert code == 0
    assert data.pop("schema") == 1
    files = data.pop("files")
    assert data == {
        "engine": "steam",
        "distribution": "lk-engine-steam",
        "folder": "some where",
    }
    assert all((work / "some where" / name).is_file() for name in files)
    assert "Ada" in (work / "some where" / "LICENSE").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["Steam"], "Did you mean 'steam'?"),
        (["steam"], "is not empty"),
        (["water", "--license", "GPL"], "'GPL' is not one of"),
        ([], "Missing argument 'NAME'"),
    ],
)
def test_what_is_refused_exits_with_2(
    words: list[str], text: str, work: Path, capsys: Output
) -> None:
    """Nothing is written, and the way out is said on stderr."""
    (work / "lk-engine-steam").mkdir()
    (work / "lk-engine-steam" / "mine.txt").write_text("")
    before = sorted(work.rglob("*"))

    code = main(["engines", "new", *words])

    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert text in captured.err
    assert sorted(work.rglob("*")) == before
