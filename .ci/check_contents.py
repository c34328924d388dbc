"""Looks into built distributions: what must be in them, and what must not.

python .ci/check_contents.py dist/*
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

LEFTOVERS = {"__pycache__", ".hypothesis", ".lk_build", ".nox", ".tox", ".venv"}
"""Folders of work, which no distribution holds."""


def wrong_in_wheel(wheel: Path) -> list[str]:
    """Check for the typed package and its licence, and for nothing else."""
    names = zipfile.ZipFile(wheel).namelist()
    package, version = wheel.name.split("-")[:2]
    info = f"{package}-{version}.dist-info"
    must = {
        f"{package}/__init__.py",
        f"{package}/py.typed",
        f"{info}/METADATA",
        f"{info}/licenses/LICENSE",
    }
    return [
        *(f"{name} is missing" for name in sorted(must - set(names))),
        *(
            f"{name} is neither the package nor metadata"
            for name in names
            if name.split("/")[0] not in {package, info}
        ),
        *leftovers(names),
    ]


def wrong_in_sdist(sdist: Path) -> list[str]:
    """Check that it can be built, tested and read, and holds no leftovers."""
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
    top = sdist.name.removesuffix(".tar.gz")
    package = top.split("-")[0]
    must = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    missing = sorted(f"{top}/{name}" for name in must if f"{top}/{name}" not in names)
    sources = {f"{top}/{package}/__init__.py", f"{top}/src/{package}/__init__.py"}
    return [
        *(f"{name} is missing" for name in missing),
        *([] if sources & set(names) else [f"the package {package} is missing"]),
        *([] if any("/tests/" in name for name in names) else ["no tests"]),
        *(f"{name} is outside {top}" for name in names if name.split("/")[0] != top),
        *leftovers(names),
    ]


def leftovers(names: list[str]) -> list[str]:
    return [
        f"{name} is a leftover"
        for name in names
        if LEFTOVERS & set(name.split("/")) or name.endswith((".pyc", ".orig"))
    ]


def main(*files: str) -> bool:
    """Print what is wrong with each file, and whether anything is."""
    wrong = [
        f"{Path(file).name}: {problem}"
        for file in files
        for problem in (wrong_in_wheel if file.endswith(".whl") else wrong_in_sdist)(
            Path(file)
        )
    ]
    print(*(wrong or [f"{len(files)} distributions hold what they should"]), sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
