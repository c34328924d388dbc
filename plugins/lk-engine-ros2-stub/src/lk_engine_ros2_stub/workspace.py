"""The files of a compiled workspace on disk, and what an earlier compile left there."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from like_keras_core.engine_kit import real_folder, write_text

WRITTEN = "compiled.json"
"""What the last compile wrote: what is not written again goes."""


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder, and remove what the last compile wrote beside."""
    for path in _written(folder):
        if path not in files:
            *names, name = PurePosixPath(path).parts
            (real_folder(folder, *names) / name).unlink(missing_ok=True)
            _prune(folder, PurePosixPath(path).parent)
    for path, text in files.items():
        *names, name = PurePosixPath(path).parts
        write_text(real_folder(folder, *names) / name, text, newline="\n")
    listed = json.dumps(sorted(files), indent=2)
    write_text(folder / WRITTEN, listed + "\n", newline="\n")


def _written(folder: Path) -> list[str]:
    try:
        listed = json.loads((folder / WRITTEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(listed, list):
        return []
    return [
        path
        for path in listed
        if isinstance(path, str)
        and path.startswith("src/")
        and ".." not in PurePosixPath(path).parts
    ]


def _prune(folder: Path, below: PurePosixPath) -> None:
    """Remove folders that have become empty."""
    while below.parts:
        try:
            (folder / below).rmdir()
        except OSError:
            return
        below = below.parent
