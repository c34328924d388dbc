"""A wheel, unpacked beside the installed distributions instead of among them."""

from __future__ import annotations

import zipfile
from importlib import metadata
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from like_keras_core.errors import LkError
from like_keras_core.plugins.discovery import ENGINE_GROUP


class WheelError(LkError, ValueError):
    """A file is not a wheel of that engine."""


def unpack(file: Path, engine: str, folder: Path) -> tuple[str, list[Path]]:
    """Unpack a wheel; return its distribution, and what has to be on sys.path for it.

    Args:
        file: The wheel.
        engine: The name of an engine in it.
        folder: An empty folder.

    Raises:
        WheelError: It is not a wheel, is for another Python, or has no such engine.
    """
    try:
        distribution, _, _, tags = parse_wheel_filename(file.name)
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
    except (InvalidWheelFilename, OSError, zipfile.BadZipFile) as error:
        raise WheelError(f"Cannot read the wheel {str(file)!r}: {error}") from error
    if not tags.intersection(sys_tags()):
        listed = ", ".join(sorted(map(str, tags)))
        raise WheelError(f"{file.name} is for {listed}, which this Python is not.")
    engines = [
        point.name
        for found in metadata.distributions(path=[str(folder)])
        for point in found.entry_points
        if point.group == ENGINE_GROUP
    ]
    if engine not in engines:
        raise WheelError(
            f"{file.name} has no engine {engine!r}; it has: "
            f"{', '.join(map(repr, engines)) or 'none'}. An engine stands in its "
            f'pyproject.toml under [project.entry-points."{ENGINE_GROUP}"].'
        )
    return distribution, [folder, *folder.glob("*.data/*lib")]
