"""The `lk` group: its help, and what becomes of a command's errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import click
import pytest

from like_keras_core.cli import app
from like_keras_core.cli.app import exit_code
from like_keras_core.cli.main import main
from like_keras_core.errors import (
    CapabilityError,
    ComponentError,
    EngineNotFoundError,
    EngineOptionError,
    GraphError,
    LkWarning,
    LoadError,
    MixedEnginesError,
    SpecError,
)
from like_keras_core.issue import Issue

Probe = Callable[[Callable[[], object]], None]


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    """Makes `lk probe` call a function."""

    def install(action: Callable[[], object]) -> None:
        command = click.Command("probe", callback=action)
        monkeypatch.setitem(app.COMMANDS, "probe", ("app:probe", "For a test."))
        monkeypatch.setattr(app, "probe", command, raising=False)

    return install


def raising(error: BaseException) -> Callable[[], None]:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GraphError([Issue("wrong")]), 1),
        (OSError("disk full"), 1),
        (MixedEnginesError({"a": ["x"], "b": ["y"]}), 1),
        (LoadError("no module"), 2),
        (SpecError("no spec"), 2),
        (EngineOptionError("a", ["typo"], []), 2),
        (EngineNotFoundError("a", []), 3),
        (CapabilityError("a", "delay", "b"), 3),
        (ComponentError("a", "main", "forward", 3, "ZeroDivisionError"), 4),
    ],
)
def test_exit_codes(error: Exception, code: int) -> None:
    """Each kind of error has a documented exit code."""
    assert exit_code(error) == code


def test_our_errors_are_printed_as_they_are(
    probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, no kind: the text says it all."""
    probe(raising(EngineNotFoundError("x", ["y"])))

    code = main(["probe"])

    captured = capsys.readouterr()
    assert (code, captured.out) == (3, "")
    assert captured.err.startswith("error: No engine named 'x'.")
    assert "Traceback" not in captured.err


def test_other_errors_are_printed_with_their_kind(
    probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text says how to see more."""
    probe(raising(OSError("disk full")))

    code = main(["probe"])

    assert code == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: OSError: disk full",
        "Where: lk --debug shows it.",
    ]


@pytest.mark.parametrize("words", [["--debug", "probe"], ["probe", "--debug"]])
def test_debug_shows_where(
    probe: Probe, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """The flag stands anywhere; a component's own traceback comes first."""
    remote = "Traceback (most recent call last): on the other machine"
    probe(raising(ComponentError("a", "main", "forward", 3, "KeyError", remote)))

    code = main(words)

    text = capsys.readouterr().err
    assert code == 4
    assert text.startswith(remote)
    assert "ComponentError: Component 'a'" in text


def test_an_interrupt_exits_with_130(
    probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    """As shells expect it."""
    probe(raising(KeyboardInterrupt()))

    assert main(["probe"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


@pytest.mark.parametrize(("answer", "code"), [(None, 0), (1, 1), ("text", 0)])
def test_a_command_may_return_its_exit_code(
    probe: Probe, answer: object, code: int
) -> None:
    """What else it returns means success."""
    probe(lambda: answer)

    assert main(["probe"]) == code


def test_our_warnings_are_lines(
    probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    """They say nothing about files of ours."""

    def action() -> None:
        warnings.simplefilter("always")
        warnings.warn("mind the gap", LkWarning, stacklevel=1)

    probe(action)

    code = main(["probe"])

    assert code == 0
    assert capsys.readouterr().err == "warning: mind the gap\n"


@pytest.mark.parametrize("words", [[], ["--help"], ["doctor", "--help"]])
def test_help_is_always_there(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """`lk` alone shows how it is used."""
    main(words)

    captured = capsys.readouterr()
    assert "Usage: lk" in captured.out + captured.err
