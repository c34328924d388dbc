"""What cannot be written into a build folder, said with the option for another one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from like_keras_core.errors import EngineError, LkError
from like_keras_core.runtime.os_resources.file_limit import file_limit_text

_NO_ROOM = (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Whatever is written: what is wrong is where it is."""


class BuildFolderError(EngineError, OSError):
    """A build folder, or something in it, cannot be written."""

    def __init__(self, folder: Path, why: str) -> None:
        self.folder = folder
        super().__init__(
            f"The build folder {str(folder.absolute())!r} cannot be written: {why}. "
            "Choose another: launch(build_dir=...) or compile(build_dir=...) in "
            "Python, --build-dir of lk launch and lk compile."
        )


@contextmanager
def writing_into(folder: Path, *, run: bool = False) -> Iterator[None]:
    """Name a build folder where writing into it fails.

    Args:
        folder: The folder; it may not exist yet.
        run: Whether others write elsewhere meanwhile: only a path inside counts.

    Raises:
        BuildFolderError: It cannot be made or written.
        EngineError: This process may open no more files.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EMFILE and not isinstance(error, LkError):
            raise EngineError(f"{error.strerror}. {file_limit_text()}") from error
        is_ours = _is_inside(error, folder) if run else _is_of(error, folder)
        if isinstance(error, LkError) or not is_ours:
            raise
        where = f": {str(error.filename)!r}" if error.filename else ""
        raise BuildFolderError(folder, f"{error.strerror}{where}") from error


def _is_inside(error: OSError, folder: Path) -> bool:
    path = _path_of(error)
    return path is not None and path.is_relative_to(folder.absolute())


def _is_of(error: OSError, folder: Path) -> bool:
    path = _path_of(error)
    is_above = path is not None and folder.absolute().is_relative_to(path)
    return is_above or error.errno in _NO_ROOM or _is_inside(error, folder)


def _path_of(error: OSError) -> Path | None:
    name = error.filename
    return Path(name).absolute() if isinstance(name, (str, os.PathLike)) else None
