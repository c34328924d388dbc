"""The files of a compiled workspace on disk, and what an earlier compile left there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from like_keras_core.engine_kit import real_folder, write_text

WRITTEN = "compiled.json"
"""What the last compile wrote: what is not written again goes."""

DIGESTS = "digests.json"
"""What the files that people edit were when they were written: an edited one stays."""

NEW = ".new"
"""What the name of a file ends with that lies beside an edited one."""


def write_files(
    folder: Path, files: dict[str, str], editable: Sequence[str] = ()
) -> list[Path]:
    """Write files below a folder, and remove what the last compile wrote beside.

    Args:
        folder: The folder.
        files: The files by path.
        editable: Those that people edit: one that is not as it was written stays, and
            what would be new in it is written beside, with `NEW` behind its name.

    Returns:
        What was written beside.
    """
    before, files = _digests(folder), dict(files)
    digests: dict[str, str] = {}
    kept, news = [], []
    for path in editable:
        text, old = files[path], _read(folder, path)
        digest, beside = _digest(text), path + NEW
        if old is None or old == text or _digest(old) == before.get(path):
            digests[path] = digest
            continue
        kept.append(path)
        del files[path]
        digests[path] = before.get(path, "")
        if digest == digests[path]:
            continue
        digests[beside] = digest
        if digest != before.get(beside):
            news.append(folder / beside)
        # Who has removed it has seen it.
        if digest != before.get(beside) or _read(folder, beside) is not None:
            files[beside] = text
    for path in _written(folder):
        if path not in files and path not in kept and not _is_edited(folder, path):
            *names, name = PurePosixPath(path).parts
            (real_folder(folder, *names) / name).unlink(missing_ok=True)
            _prune(folder, PurePosixPath(path).parent)
    for path, text in files.items():
        *names, name = PurePosixPath(path).parts
        write_text(real_folder(folder, *names) / name, text, newline="\n")
    _write_json(folder / WRITTEN, sorted({*files, *kept}))
    _write_json(folder / DIGESTS, digests)
    return news


def _write_json(path: Path, data: object) -> None:
    write_text(path, json.dumps(data, indent=2) + "\n", newline="\n")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(folder: Path, path: str) -> str | None:
    *names, name = PurePosixPath(path).parts
    try:
        return (folder.joinpath(*names) / name).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


def _is_edited(folder: Path, path: str) -> bool:
    """Say whether a file that people edit, of an older system, was edited."""
    digest, text = _digests(folder).get(path), _read(folder, path)
    return None not in (digest, text) and _digest(text or "") != digest


def _digests(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


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
