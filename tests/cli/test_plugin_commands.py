"""Commands that plug-ins add to `lk`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from like_keras_core.cli.app import lk
from like_keras_core.cli.main import main
from like_keras_core.plugins.discovery import COMMAND_GROUP

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a distribution that adds the commands of some lines."""
    module = """
import click


@click.command()
def greet():
    click.echo("hello")


@click.command()
def own_doctor():
    click.echo("never")
"""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("LK_PLUGINS_DISABLE", raising=False)
    sys.modules.pop("lk_greeting", None)
    (tmp_path / "lk_greeting.py").write_text(module)
    info = tmp_path / "lk_greeting-1.0.dist-info"
    info.mkdir()
    headers = "Name: lk-greeting\nVersion: 1.0\nSummary: Says hello.\n"
    (info / "METADATA").write_text(headers)

    def write(lines: str) -> None:
        text = f"[{COMMAND_GROUP}]\n{lines}\n"
        (info / "entry_points.txt").write_text(text)

    return write


def test_a_plug_in_adds_a_command(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a click command, under the name of its entry point."""
    install("greet = lk_greeting:greet")

    assert main(["greet"]) == 0
    assert capsys.readouterr().out == "hello\n"


def test_help_lists_an_added_command_without_importing_it(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its line says what it came with."""
    install("greet = lk_greeting:greet")

    assert main(["--help"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["greet", "From", "lk-greeting", "1.0."] in lines
    assert "lk_greeting" not in sys.modules


def test_a_broken_command_says_whose_it_is(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """Help goes on working beside it."""
    install("greet = lk_greeting:absent")

    assert main(["greet"]) == 1
    assert "'greet' (lk-greeting 1.0) cannot be used" in capsys.readouterr().err
    assert main(["--help"]) == 0


def test_no_plug_in_replaces_a_command_of_the_core(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """`lk doctor` has to work whatever is installed."""
    install("doctor = lk_greeting:own_doctor")

    main(["doctor"])

    assert "never" not in capsys.readouterr().out


def test_an_added_command_can_be_turned_off(
    install: Install,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the variable that turns off plug-ins."""
    install("greet = lk_greeting:greet")
    monkeypatch.setenv("LK_PLUGINS_DISABLE", "greet")

    assert main(["greet"]) == 2


@pytest.mark.parametrize(
    ("words", "incomplete", "found"),
    [([], "gr", "greet"), (["launch", "--engine"], "nat", "native")],
)
def test_completion_imports_no_plugin(
    install: Install, words: list[str], incomplete: str, found: str
) -> None:
    """Names and their lines come from metadata alone."""
    install("greet = lk_greeting:greet")
    before = {name for name in sys.modules if name.startswith("lk_engine_")}

    items = ShellComplete(lk, {}, "lk", "_LK_COMPLETE").get_completions(
        words, incomplete
    )

    assert found in [item.value for item in items]
    assert "lk_greeting" not in sys.modules
    assert before == {name for name in sys.modules if name.startswith("lk_engine_")}
