"""Files in build folders: links there lead nowhere, and one launch works at a time."""

import os
import stat
import threading
from pathlib import Path

import pytest

from like_keras_core import EngineError
from like_keras_core.runtime.os_resources.folder_lock import folder_lock
from like_keras_core.runtime.os_resources.safe_files import (
    fresh_folder,
    open_new,
    open_regular,
    real_folder,
    write_text,
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that nothing may change."""
    path = tmp_path / "outside" / "mine.txt"
    path.parent.mkdir()
    path.write_text("mine")
    return path


def test_a_file_is_replaced_where_a_link_was(outside: Path, tmp_path: Path) -> None:
    """What the link led to stays, whichever way it is written."""
    for name in ("one", "two"):
        (tmp_path / name).symlink_to(outside)

    write_text(tmp_path / "one", "new")
    with open_new(tmp_path / "two") as file:
        file.write(b"new")

    for name in ("one", "two"):
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_text() == "new"
    assert outside.read_text() == "mine"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """What cannot be encoded leaves what was there, and nothing beside."""
    path = tmp_path / "file"
    write_text(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_may_be_read_by_whom_the_umask_says(tmp_path: Path) -> None:
    """As if it had been opened."""
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_folder_that_is_a_link_is_made_anew(outside: Path, tmp_path: Path) -> None:
    """What it leads to is not emptied."""
    (tmp_path / "logs").symlink_to(outside.parent)

    fresh_folder(tmp_path / "logs")

    assert list((tmp_path / "logs").iterdir()) == []
    assert outside.read_text() == "mine"


def test_no_link_is_gone_through(outside: Path, tmp_path: Path) -> None:
    """But the folder that was chosen may be one."""
    (tmp_path / "build").symlink_to(outside.parent)
    (outside.parent / "src").symlink_to(tmp_path)

    assert real_folder(tmp_path / "build", "a", "b").is_dir()
    with pytest.raises(EngineError, match="src' is a symbolic link"):
        real_folder(tmp_path / "build", "src", "a")


def test_only_a_file_is_opened_and_nobody_is_waited_for(
    outside: Path, tmp_path: Path
) -> None:
    """Neither a pipe that nobody writes to, nor a link, nor a folder."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(outside)

    for name in ("pipe", "link", "outside", "missing"):
        with pytest.raises(OSError, match=name):
            open_regular(tmp_path / name)
    with open_regular(outside) as file:
        assert file.read() == b"mine"


def test_a_second_launch_is_told_who_is_there(tmp_path: Path) -> None:
    """Also in the same process; afterwards the folder is free."""
    said = []

    def try_it() -> None:
        with pytest.raises(EngineError) as caught, folder_lock(tmp_path, "another"):
            pass
        said.append(str(caught.value))

    with folder_lock(tmp_path, "a launch"):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join(10)

    assert f"is in use by a launch (pid {os.getpid()}, since 2" in said[0]
    assert "--build-dir" in said[0]
    with folder_lock(tmp_path, "a launch"):
        pass


def test_a_lock_that_is_a_link_is_not_written_through(
    outside: Path, tmp_path: Path
) -> None:
    """It is replaced."""
    (tmp_path / ".lock").symlink_to(outside)

    with folder_lock(tmp_path, "a launch"):
        assert outside.read_text() == "mine"
