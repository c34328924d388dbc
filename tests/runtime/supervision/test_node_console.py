"""What processes of nodes print: in the terminal and in files, each once."""

import logging
import os
import sys
from pathlib import Path

import pytest

from like_keras_core import Node, System
from like_keras_core.runtime.supervision.node_console import (
    LOG_MARK,
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
    output.take("a", f"{output.mark}logged", "10:01")
    output.close()

    assert "logged" not in capsys.readouterr().out
    assert output.tail("a") == ["printed", "logged"]
    assert (tmp_path / "logs" / "a.log").read_text() == "10:00 printed\n10:01 logged\n"
    assert (tmp_path / "logs" / "b.log").read_text() == ""


def test_a_component_cannot_print_a_record(
    output: NodeConsole, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands before those of a launch is random; another mark hides nothing."""
    for line in (
        "\x1ehidden",
        "\x1em-0123456789abcdef hidden",
        f"x{output.mark}hidden",
    ):
        output.take("a", line, "10:00")
    output.close()

    assert capsys.readouterr().out.count("hidden") == 3


def test_every_line_of_a_record_is_marked(
    output: NodeConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a launching process reads them and says how."""
    for name, value in output.environment().items():
        monkeypatch.setenv(name, value)
    record = logging.LogRecord("n", logging.INFO, "", 0, "one\ntwo", None, None)

    marked = to_stderr(is_marked=True).format(record)
    plain = to_stderr(is_marked=False).format(record)
    monkeypatch.delenv(LOG_MARK)
    untold = to_stderr(is_marked=True).format(record)

    assert marked == f"{output.mark}INFO n: one\n{output.mark}two"
    assert plain == untold == "INFO n: one\ntwo"
    output.close()


def test_a_log_that_cannot_be_written_is_named_once(
    output: NodeConsole,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """The lines go on to the terminal; who reads them must not fail."""
    path = tmp_path / "full.log"
    path.symlink_to("/dev/full")
    full = output.file("../full.log")
    for number in range(3):
        full.write("line")
        output.take("a", str(number), "10:00")
    output.close()
    full.close()

    assert capsys.readouterr().out.count("\n") == 3
    [said] = caplog.messages
    assert "full.log' cannot be written" in said
    assert "No space left on device" in said


@pytest.mark.parametrize("stream", [None, "closed pipe", "/dev/full"])
def test_a_stdout_that_takes_nothing_ends_nothing(
    output: NodeConsole,
    stream: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The file has it, and it is said once where the lines are."""
    stdout = None
    if stream == "closed pipe":
        read, written = os.pipe()
        os.close(read)
        stdout = os.fdopen(written, "w")
    elif stream:
        stdout = os.fdopen(os.open(stream, os.O_WRONLY), "w")
    monkeypatch.setattr(sys, "stdout", stdout)
    for number in range(3):
        output.take("a", str(number), "10:00")
    output.close()
    if stdout is not None:
        stdout.close()

    assert (output.folder / "a.log").read_text().count("\n") == 3
    assert len(caplog.messages) == (stream is not None)
    assert all(f"it is in {str(output.folder)!r}" in x for x in caplog.messages)
