"""What installed distributions ask for: is it there, and in a version that fits?"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from like_keras_core.plugins.metadata import normalise


class Unmet(NamedTuple):
    """A requirement that is not met.

    Args:
        name: The distribution that is asked for; `"Python"` for the interpreter.
        wanted: What is asked for: `"pyarrow>=18"`.
        found: The version that is installed; empty if none is.
        owner: The distribution that asks.
    """

    name: str
    wanted: str
    found: str
    owner: str

    @property
    def text(self) -> str:
        """The problem in a sentence, with its cure."""
        if self.name == "Python":
            return (
                f"{self.owner} is for Python {self.wanted}, and this is {self.found}."
            )
        state = f"{self.found} is installed" if self.found else "it is not installed"
        cure = f"pip install {self.wanted!r}"
        return f"{self.owner} needs {self.wanted}, and {state}. {cure}"


def unmet(distribution: str) -> Iterator[Unmet]:
    """Yield what a distribution needs and does not have, and what that needs in turn.

    Args:
        distribution: Its name. One that is not installed needs nothing.
    """
    queue: list[tuple[str, frozenset[str]]] = [(normalise(distribution), frozenset())]
    seen = set(queue)
    for owner, extras in queue:
        yield from _python_of(owner)
        for needed in requirements_of(owner, extras):
            name = normalise(needed.name)
            found = version_of(name)
            if not found or not needed.specifier.contains(found, prereleases=True):
                wanted = f"{needed.name}{needed.specifier}"
                yield Unmet(name, wanted, found, owner)
            item = (name, frozenset(needed.extras))
            if found and item not in seen:
                seen.add(item)
                queue.append(item)


def requirements_of(
    distribution: str, extras: Iterable[str] = ()
) -> Iterator[Requirement]:
    """Yield what a distribution asks for on this machine.

    Args:
        distribution: Its name.
        extras: Those of its extras that are asked for.
    """
    try:
        lines = metadata.requires(distribution) or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        try:
            needed = Requirement(line)
        except InvalidRequirement:
            continue
        marker = needed.marker
        if marker is None or any(marker.evaluate({"extra": x}) for x in ("", *extras)):
            yield needed


def version_of(distribution: str) -> str:
    """Return the version that is installed; empty if none is."""
    try:
        found: str | None = metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
    return found or ""


def _python_of(distribution: str) -> Iterator[Unmet]:
    try:
        wanted = metadata.metadata(distribution)["Requires-Python"] or ""
        version = platform.python_version()
        if not SpecifierSet(wanted).contains(version, prereleases=True):
            yield Unmet("Python", wanted, version, distribution)
    except (metadata.PackageNotFoundError, InvalidSpecifier, KeyError):
        return
