"""A new distribution with an engine that works, written file by file from templates."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from like_keras_core.cli.engine_scaffold.names import Names, ScaffoldError
from like_keras_core.engine import CAPABILITIES
from like_keras_core.plugins.metadata import CORE, UNKNOWN_VERSION, core_version
from like_keras_core.testing.level import LEVEL
from like_keras_core.testing.matrix_markdown import to_markdown

LICENCES = ("Apache-2.0", "MIT", "BSD-3-Clause", "none")
"""What a new distribution may be licensed under, by SPDX name."""

_DECLARED = ("delay", "hold", "latest", "every", "takes", "rate", "late", "record")
"""What the engine in the templates declares, and can do."""

_FILES = {
    "README.md": "README.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "pyproject.toml": "pyproject.toml",
    "tox.ini": "tox.ini",
    ".gitignore": "gitignore",
    ".github/workflows/test.yml": "workflow.yml",
    "src/{package}/__init__.py": "package.py",
    "src/{package}/engine.py": "engine.py",
    "tests/test_conformance.py": "test_conformance.py",
    "tests/test_engine.py": "test_engine.py",
}
"""Where each template goes; `{package}` is the name of what is imported."""


def distribution_files(
    names: Names, *, licence: str = LICENCES[0], author: str = ""
) -> dict[str, str]:
    """Return the text of every file of a new distribution, by its path.

    Args:
        names: What things in it are called.
        licence: One of `LICENCES`.
        author: Who holds the rights; the developers of the distribution when empty.

    Raises:
        ScaffoldError: There is no text of that licence.
    """
    if licence not in LICENCES:
        raise ScaffoldError(
            f"The licence must be one of {', '.join(LICENCES)}; got {licence!r}."
        )
    author = " ".join(author.split()) or f"The {names.distribution} developers"
    values = {
        "name": names.engine,
        "distribution": names.distribution,
        "package": names.package,
        "title": names.title,
        "engine_class": names.engine_class,
        "author": author,
        "quoted_author": json.dumps(author, ensure_ascii=False),
        "year": str(datetime.datetime.now(datetime.timezone.utc).year),
        "core_requirement": _core_requirement(core_version()),
        "license_lines": _license_lines(licence),
        "classifier_lines": "\n    ".join(_classifiers(licence)),
        "matrix": to_markdown(_expected_matrix(names.engine)),
        "level": str(LEVEL),
    }
    made = {
        path.format(package=names.package): _render(template, values)
        for path, template in _FILES.items()
    }
    made[f"src/{names.package}/py.typed"] = ""
    if licence != "none":
        made["LICENSE"] = _render(f"licences/{licence}", values)
    return dict(sorted(made.items()))


def write_distribution(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write files below a folder that is not there yet, or is empty.

    Returns:
        The files.

    Raises:
        ScaffoldError: The folder holds something, or cannot be written.
    """
    try:
        # A fresh clone of an empty repository will do.
        found = [item.name for item in folder.iterdir() if item.name != ".git"]
    except FileNotFoundError:
        found = []
    except OSError as error:
        raise ScaffoldError(f"Cannot write to {str(folder)!r}: {error}") from error
    if found:
        raise ScaffoldError(
            f"The folder {str(folder)!r} is not empty: it has {min(found)!r}. Nothing "
            "was written. Name another with --dir, or move what is there."
        )
    paths = []
    try:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            paths.append(path)
    except OSError as error:
        raise ScaffoldError(f"Cannot write {str(path)!r}: {error}") from error
    return paths


def _render(template: str, values: Mapping[str, str]) -> str:
    place = files("like_keras_core.cli.engine_scaffold") / "template" / f"{template}.in"
    return Template(place.read_text("utf-8")).substitute(values)


def _core_requirement(version: str) -> str:
    """Return the requirement of a core as this one, up to the next breaking one."""
    if version == UNKNOWN_VERSION:
        return CORE
    major, minor = (int(part) for part in version.split(".")[:2])
    end = f"0.{minor + 1}" if major == 0 else str(major + 1)
    return f"{CORE}>={major}.{minor},<{end}"


def _license_lines(licence: str) -> str:
    if licence == "none":
        return "# No licence: others may not use it until there is one."
    return f'license = "{licence}"\nlicense-files = ["LICENSE"]'


def _classifiers(licence: str) -> list[str]:
    found = [
        "Development Status :: 3 - Alpha",
        "Programming Language :: Python :: 3 :: Only",
        "Typing :: Typed",
    ]
    if licence == "none":
        found.insert(0, "Private :: Do Not Upload")
    return [f'"{item}",' for item in found]


def _expected_matrix(engine: str) -> dict[str, object]:
    """Return what the kit will say of the engine as it is written."""
    rows = {
        capability: {"outcome": "passed" if capability in _DECLARED else "refused"}
        for capability in ("basic", *CAPABILITIES)
    }
    rows["basic"] = {"outcome": "passed"}
    return {"engines": {engine: {"rows": rows}}}
