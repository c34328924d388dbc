"""Shared memory that a run leaves: only files of this user are opened or removed."""

import fcntl
import os
from pathlib import Path

import pytest

from lk_engine_dora import shm_cleanup


@pytest.mark.timeout(20)
def test_what_is_not_a_file_of_ours_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to holds up nobody, and a link leads nowhere."""
    monkeypatch.setattr(shm_cleanup, "_MEMORY", tmp_path)
    os.mkfifo(tmp_path / "pipe.zenoh")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link.zenoh").symlink_to(tmp_path / "mine")
    for name in ("free.zenoh", "used.zenoh"):
        (tmp_path / name).write_text("")

    with (tmp_path / "used.zenoh").open() as used:
        fcntl.flock(used, fcntl.LOCK_SH)
        shm_cleanup.remove_free(shm_cleanup.segments())

    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["link.zenoh", "mine", "pipe.zenoh", "used.zenoh"]
