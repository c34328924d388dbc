"""How commands print: the same text in every pipe, a drawn table on a terminal."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from like_keras_core.cli.output import to_text, write, write_json, write_table

if TYPE_CHECKING:
    from tests.conftest import Site


class Terminal(io.StringIO):
    """Takes what is written to a terminal."""

    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, *cells: str) -> str:
    """Return what a terminal shows of a table with one row."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    write_table(("name", "state"), [cells])
    return stream.getvalue()


def test_columns_are_aligned() -> None:
    """Every cell is as wide as its column, and no line ends in spaces."""
    assert to_text([("a", "b"), ("long", "")]) == "a     b\nlong"


def test_json_is_indented(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs read it, and people too."""
    write_json({"schema": 1})

    assert capsys.readouterr().out == '{\n  "schema": 1\n}\n'


def test_a_pipe_gets_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    """What could steer a terminal is taken out of cells."""
    write_table(("name", "state"), [("a\x1b[31m\n", "ok")])

    assert capsys.readouterr().out == "NAME     STATE\na [31m   ok\n"


def test_a_terminal_gets_a_drawn_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where rich is installed it draws, and takes cells as they are."""
    pytest.importorskip("rich")

    text = drawn(monkeypatch, "[bold]a", "ok")

    assert "─" in text
    assert "[bold]a" in text


@pytest.mark.parametrize("module", ["rich.box", "rich.table"])
def test_a_terminal_without_rich_gets_plain_text(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """A missing or broken rich takes no answer away."""
    monkeypatch.setitem(sys.modules, module, None)

    text = drawn(monkeypatch, "a", "ok")

    assert text == "NAME  STATE\na     ok\n"


def test_what_the_encoding_lacks_is_replaced(site: Site) -> None:
    """A summary in another script does not end a listing."""
    code = "from like_keras_core.cli.output import write; write('naïve 机器人')"

    done = site.run(code, PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stdout) == (0, "na?ve ???\n")


def test_a_line_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Text is followed by one line end."""
    write("text")

    assert capsys.readouterr().out == "text\n"
