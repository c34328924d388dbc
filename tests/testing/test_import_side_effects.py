"""What an import changed is named, and nothing that may be a secret is shown."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.testing.import_side_effects import changes_since, state


def test_what_stays_as_it_is_is_not_listed() -> None:
    """An import without side effects changes nothing."""
    assert changes_since(state(), "") == []


def test_variables_are_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The environment holds tokens and passwords, and the lines go into logs."""
    monkeypatch.setenv("CHANGED_TOKEN", "secret-before")
    monkeypatch.setenv("REMOVED_TOKEN", "secret-gone")
    monkeypatch.setenv("KEPT_TOKEN", "secret-kept")
    before = state()
    os.environ["CHANGED_TOKEN"] = "secret-after"
    os.environ["ADDED_TOKEN"] = "secret-new"
    del os.environ["REMOVED_TOKEN"]

    changed = changes_since(before, "")

    monkeypatch.delenv("ADDED_TOKEN")
    (line,) = changed
    kinds = "ADDED_TOKEN added; CHANGED_TOKEN changed; REMOVED_TOKEN removed"
    assert line == f"environment variables: {kinds}"


def test_signals_are_named_without_their_handlers() -> None:
    """How a handler is written out is its author's business."""
    handler = signal.getsignal(signal.SIGTERM)
    before = state()
    signal.signal(signal.SIGTERM, lambda *_: None)

    changed = changes_since(before, "")

    signal.signal(signal.SIGTERM, handler)
    assert changed == ["signal handlers: SIGTERM changed"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (["/new", "/one", "/two"], "/new added"),
        (["/two"], "/one removed"),
        (["/two", "/one"], "their order or number changed"),
    ],
)
def test_entries_of_a_list_are_named(
    path: list[str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that came or went, however long the list is."""
    monkeypatch.setattr(sys, "path", ["/one", "/two"])
    before = state()
    sys.path[:] = path

    changed = changes_since(before, "")

    monkeypatch.undo()
    assert changed == [f"sys.path: {text}"]


def test_folders_and_prints_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They say where to look."""
    before: dict[str, Any] = state()
    monkeypatch.chdir(tmp_path)

    folder, printed = changes_since(before, "ready\n")

    assert folder.startswith("the working folder: ")
    assert folder.endswith(f"became {str(tmp_path)!r}")
    assert printed == "what is printed: 'ready\\n'"
