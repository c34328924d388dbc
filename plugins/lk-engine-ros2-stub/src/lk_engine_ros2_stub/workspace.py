"""The files of a compiled workspace on disk, and what an earlier compile left there."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

WRITTEN = "compiled.json"
"""What the last compile wrote: what is not written again goes."""


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write files below a folder, and remove what the last compile wrote beside."""
    for path in _written(folder):
        if path not in files:
            (folder / path).unlink(missing_ok=True)
            _prune(folder, PurePosixPath(path).parent)
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="\n")
    listed = json.dumps(sorted(files), indent=2)
    (folder / WRITTEN).write_text(listed + "\n", encoding="utf-8", newline="\n")


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
