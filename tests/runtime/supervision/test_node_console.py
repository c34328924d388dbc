"""What processes of nodes print: in the terminal and in files, each once."""

import logging
from pathlib import Path

import pytest

from like_keras_core import Node, System
from like_keras_core.runtime.supervision.node_console import (
    LOGGED,
    NodeConsole,
    to_stderr,
)
from like_keras_core.testing.components import Count, Odd, Scale


@pytest.fixture
def output(tmp_path: Path) -> NodeConsole:
    """Take in the lines of two nodes: one with a component, one with two."""
    shared = Node("b")
    parts = [Count(node=Node("a")), Scale(node=shared), Odd(node=shared)]
    return NodeConsole(System(parts).to_spec(), tmp_path / "logs")


def test_a_line_goes_to_the_terminal_with_who_printed_it(
    output: NodeConsole, capsys: pytest.CaptureFixture[str]
) -> None:
    """The component, where the node has just one."""
    output.take("a", "one", "10:00")
    output.take("b", "two", "10:01")
    output.close()

    assert capsys.readouterr().out == "[a: count] one\n[b] two\n"


def test_a_log_record_goes_to_the_file_only(
    output: NodeConsole, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It comes home by another way, and appears once."""
    output.take("a", "printed", "10:00")
    output.take("a", f"{LOGGED}logged", "10:01")
    output.close()

    assert "logged" not in capsys.readouterr().out
    assert output.tail("a") == ["printed", "logged"]
    assert (tmp_path / "logs" / "a.log").read_text() == "10:00 printed\n10:01 logged\n"
    assert (tmp_path / "logs" / "b.log").read_text() == ""


@pytest.mark.parametrize("is_marked", [True, False])
def test_every_line_of_a_record_is_marked(
    capsys: pytest.CaptureFixture[str], is_marked: bool
) -> None:
    """Where a launching process reads them."""
    handler = to_stderr(is_marked=is_marked)
    record = logging.LogRecord("n", logging.INFO, "", 0, "one\ntwo", None, None)

    text = handler.format(record)

    mark = LOGGED if is_marked else ""
    assert text == f"{mark}INFO n: one\n{mark}two"
