"""A wheel, unpacked beside the installed distributions instead of among them."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.errors import LkError
from like_keras_core.plugins.discovery import ENGINE_GROUP
from like_keras_core.plugins.metadata import normalise, parse_group, parse_headers


class WheelError(LkError, ValueError):
    """A file is not a wheel of that engine."""


class UnpackedWheel:
    """A wheel in a folder, from where it can be imported.

    Args:
        file: The wheel.
        folder: An empty folder.

    Raises:
        WheelError: It is not a wheel, or is for another Python.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.file, self.folder = file, folder
        try:
            tags = parse_wheel_filename(file.name)[3]
        except InvalidWheelFilename as error:
            raise WheelError(
                f"{str(file)!r} is not named as a wheel: {error}"
            ) from None
        if not tags.intersection(sys_tags()):
            raise WheelError(
                f"{file.name} is for {', '.join(sorted(map(str, tags)))}, and this is "
                f"Python {sys.version.split()[0]} on {sys.platform}."
            )
        try:
            with zipfile.ZipFile(file) as archive:
                archive.extractall(folder)
        except (OSError, zipfile.BadZipFile) as error:
            raise WheelError(f"Cannot read the wheel {str(file)!r}: {error}") from error
        infos = list(folder.glob("*.dist-info"))
        if len(infos) != 1 or not (infos[0] / "METADATA").is_file():
            raise WheelError(f"{file.name} has no metadata. Build it again.")
        self.info = infos[0]
        self.headers = parse_headers((self.info / "METADATA").read_text("utf-8"))

    @property
    def distribution(self) -> str:
        """Its normalised name."""
        return normalise(self.headers.get("name", [""])[0])

    @property
    def paths(self) -> list[Path]:
        """What has to be on sys.path for it."""
        extra = [
            *self.folder.glob("*.data/purelib"),
            *self.folder.glob("*.data/platlib"),
        ]
        return [self.folder, *extra]

    def engines(self) -> list[str]:
        """Return the names of the engines in it."""
        try:
            text = (self.info / "entry_points.txt").read_text("utf-8")
        except OSError:
            return []
        return [name for name, _ in parse_group(text, ENGINE_GROUP)]

    def check(self, name: str) -> Iterator[Check]:
        """Yield what is wrong with it as a wheel of the engine of that name.

        Raises:
            WheelError: The engine is not in it.
        """
        if name not in self.engines():
            listed = ", ".join(map(repr, self.engines())) or "none"
            raise WheelError(
                f"{self.file.name} has no engine {name!r}; it has: {listed}. An engine "
                f'stands in its pyproject.toml under [project.entry-points."'
                f'{ENGINE_GROUP}"].'
            )
        yield Check("PASS", "wheel", self.file.name)
        yield from self._check_python()
        yield from self._check_dependencies()
        yield from self._check_contents()

    def _check_python(self) -> Iterator[Check]:
        for text in self.headers.get("requires-python", []):
            version = ".".join(map(str, sys.version_info[:3]))
            try:
                fits = SpecifierSet(text).contains(version, prereleases=True)
            except InvalidSpecifier:
                fits = False
            if not fits:
                text = f"It is for Python {text}, and this is {version}."
                yield Check("FAIL", "Python", text)

    def _check_dependencies(self) -> Iterator[Check]:
        """Look for what it needs among what is installed, which is not touched."""
        for line in self.headers.get("requires-dist", []):
            try:
                needed = Requirement(line)
            except InvalidRequirement:
                text = (
                    f"{line!r} is not a valid requirement (PEP 508); pip will reject "
                    "the wheel."
                )
                yield Check("FAIL", "dependencies", text)
                continue
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                continue
            try:
                version = metadata.version(needed.name)
            except metadata.PackageNotFoundError:
                text = f"It needs {line}, which is not installed. pip install '{line}'"
                yield Check("FAIL", "dependencies", text)
                continue
            if not needed.specifier.contains(version, prereleases=True):
                text = f"It needs {line}, and {needed.name} {version} is installed."
                yield Check("FAIL", "dependencies", text)

    def _check_contents(self) -> Iterator[Check]:
        own = {"tests", "test", "docs", "examples", "benchmarks"}
        for item in sorted(self.folder.iterdir()):
            if item.name in own:
                text = (
                    f"It installs {item.name!r} at the top level, where those of other "
                    "distributions land, too. Leave it out of the wheel."
                )
                yield Check("WARN", "contents", text)
