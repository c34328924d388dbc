"""A build folder that cannot be written is named, with the options for another."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from pipes_engine import PipesEngine  # type: ignore[import-not-found]

import like_keras_core as lk
from like_keras_core import Node, System
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.runtime.os_resources.build_folder import (
    BuildFolderError,
    writing_into,
)
from like_keras_core.testing.components import Count, Scale


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> System:
    """Return a system of two nodes; files go into a folder of the test's."""
    monkeypatch.chdir(tmp_path)
    register_engine("pipes", PipesEngine)
    return System([Count(node=Node("a")), Scale(node=Node("b"))])


@pytest.mark.parametrize("blocked", [".lk_build", ".lk_build/pipes"])
def test_a_launch_names_the_folder_and_how_to_choose_another(
    system: System, tmp_path: Path, blocked: str
) -> None:
    """Before anything has run."""
    (tmp_path / blocked).parent.mkdir(exist_ok=True)
    (tmp_path / blocked).write_text("a file in its place")

    with pytest.raises(lk.LkError) as caught:
        system.launch(3, engine="pipes")

    text = str(caught.value)
    assert repr(str(tmp_path / ".lk_build" / "pipes")) in text
    assert "launch(build_dir=...)" in text
    assert "--build-dir" in text


def test_a_launch_works_in_the_folder_that_is_named(
    system: System, tmp_path: Path
) -> None:
    """Its logs go there, too, and nothing is written here."""
    folder = tmp_path / "elsewhere" / "robot"

    report = system.launch(3, engine="pipes", build_dir=folder)

    assert report.iterations == 3
    assert (folder / "logs" / "a.log").exists()
    assert not (tmp_path / ".lk_build").exists()


def test_logs_that_cannot_be_made_are_of_the_build_folder(
    system: System, tmp_path: Path
) -> None:
    """That is found where the processes are to start."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "logs").write_text("a file in their place")

    with pytest.raises(BuildFolderError, match="logs'"):
        system.launch(3, engine="pipes", build_dir=folder)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_disk_is_one_of_the_build_folder(number: int, tmp_path: Path) -> None:
    """The error has no path where a file is open already."""
    with (
        pytest.raises(BuildFolderError, match="cannot be written"),
        writing_into(tmp_path),
    ):
        raise OSError(number, "it does not fit")


def test_what_is_elsewhere_stays_what_it_is(tmp_path: Path) -> None:
    """During a run others write, too."""
    for error in (
        OSError(errno.ENOSPC, "No space left on device"),
        FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/a"),
    ):
        with pytest.raises(OSError) as caught, writing_into(tmp_path, run=True):  # noqa: PT011
            raise error

        assert caught.value is error


def test_a_trace_that_cannot_be_written_is_a_warning(system: System) -> None:
    """The run has ended well, and its report is given."""
    with pytest.warns(lk.LkWarning, match="The trace '/dev/full' is not whole: No sp"):
        report = system.launch(3, engine="native", trace_to="/dev/full")

    assert report.iterations == 3
