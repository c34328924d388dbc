"""Which distributions are installed, read from the files of their metadata.

Reading the folders ourselves takes a few milliseconds where `importlib.metadata`
takes tens, and it runs at the start of every command. So this module imports
nothing that a bare interpreter has not imported already; neither should its edits.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any

CORE = "like-keras-core"
UNKNOWN_VERSION = "0+unknown"

_BACKPORTS = ("importlib_metadata", "setuptools")


class Distribution:
    """One installed distribution, known by the folder of its metadata.

    Args:
        name: Its normalised name: `"lk-engine-dora"`.
        version: As the folder's name gives it; empty where it does not.
        folder: The `dist-info` or `egg-info` folder; for a distribution that is not
            a folder, where it came from.
    """

    __slots__ = ("folder", "name", "version")

    def __init__(self, name: str, version: str, folder: str) -> None:
        self.name, self.version, self.folder = name, version, folder

    def read(self, file: str) -> str:
        """Return the text of a metadata file; empty where it cannot be had."""
        try:
            with open(os.path.join(self.folder, file), "rb", 0) as stream:
                return stream.read().decode("utf-8", "replace")
        except (OSError, ValueError):
            return ""

    def headers(self) -> dict[str, list[str]]:
        """Return the metadata's header fields by lower-case name."""
        return parse_headers(self.read("METADATA") or self.read("PKG-INFO"))

    def is_complete(self) -> bool:
        """Say whether it is more than what a failed uninstall left behind."""
        return bool(self.read("METADATA") or self.read("PKG-INFO"))


class ReadDistribution(Distribution):
    """A distribution in a zip file, or one that a custom finder found."""

    __slots__ = ("source",)

    def __init__(self, source: Any) -> None:
        self.source = source
        metadata = source.metadata
        super().__init__(
            normalise(str(metadata["Name"])),
            str(metadata["Version"]),
            str(getattr(source, "_path", "")),
        )

    def read(self, file: str) -> str:
        """Return the text of a metadata file; empty where it cannot be had."""
        try:
            return self.source.read_text(file) or ""
        except Exception:  # noqa: BLE001 - a stranger's reader: it is not there
            return ""


def distributions() -> Iterator[Distribution]:
    """Yield what is installed, in the order in which it would be imported.

    Of several distributions with one name only the first counts.
    """
    seen: dict[str, Distribution] = {}
    for distribution in _all():
        first = seen.get(distribution.name)
        if first is None or not first.is_complete():
            seen[distribution.name] = distribution
    yield from seen.values()


def core_version(installed: Iterable[Distribution] | None = None) -> str:
    """Return the installed core's version; `"0+unknown"` for a bare checkout.

    Args:
        installed: What `distributions()` gave, where it is at hand.
    """
    return versions_of((CORE,), installed).get(CORE, UNKNOWN_VERSION)


def versions_of(
    names: Collection[str], installed: Iterable[Distribution] | None = None
) -> dict[str, str]:
    """Return the versions of those distributions that are installed, by name.

    Args:
        names: Normalised: `"lk-engine-dora"`.
        installed: What `distributions()` gave, where it is at hand.
    """
    if installed is None:
        # A prefix of the name spares looking at some hundred others.
        installed = _all(tuple(name.partition("-")[0] for name in names))
    found: dict[str, str] = {}
    for distribution in installed:
        if distribution.name in names and distribution.name not in found:
            headers = {} if distribution.version else distribution.headers()
            version = distribution.version or headers.get("version", [""])[0]
            if version:
                found[distribution.name] = version
            if len(found) == len(names):
                break
    return found


def normalise(name: str) -> str:
    """Return a distribution's name as package indexes compare it."""
    normal = name.lower().replace("_", "-").replace(".", "-")
    while "--" in normal:
        normal = normal.replace("--", "-")
    return normal


def parse_headers(text: str) -> dict[str, list[str]]:
    """Return the fields of an e-mail-like header, up to its first empty line."""
    fields: dict[str, list[str]] = {}
    last: list[str] = []
    for line in text.splitlines():
        if not line.strip():
            break
        if line[0] in " \t":
            if last:
                last[-1] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        if colon:
            last = fields.setdefault(key.strip().lower(), [])
            last.append(value.strip())
    return fields


def parse_group(text: str, group: str) -> list[tuple[str, str]]:
    """Return the `name = value` lines of one section of an `entry_points.txt`.

    A line without `=` comes back with an empty value.
    """
    lines: list[tuple[str, str]] = []
    inside = False
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            inside = line[1:-1].strip() == group
        elif inside:
            name, _, value = line.partition("=")
            lines.append((name.strip(), value.strip()))
    return lines


def _all(starts: tuple[str, ...] = ("",)) -> Iterator[Distribution]:
    """Yield every distribution of every finder, repetitions included.

    Args:
        starts: Folders whose names begin otherwise may be passed over.
    """
    for finder in list(sys.meta_path):
        kind = finder if isinstance(finder, type) else type(finder)
        if kind.__name__ == "PathFinder" and "importlib" in kind.__module__:
            for entry in dict.fromkeys(map(_absolute, list(sys.path))):
                yield from _in_entry(entry, starts)
        elif (
            hasattr(finder, "find_distributions")
            and kind.__module__.partition(".")[0] not in _BACKPORTS
        ):
            yield from _from_finder(finder)


def _absolute(entry: object) -> str:
    """Return an entry of sys.path in full; empty for what is not a path."""
    return os.path.abspath(entry) if isinstance(entry, str) else ""


def _in_entry(entry: str, starts: tuple[str, ...]) -> Iterator[Distribution]:
    """Yield the distributions of one entry of sys.path."""
    try:
        with os.scandir(entry) as items:
            names = sorted(
                item.name
                for item in items
                if (
                    item.name.endswith("-info") and item.name.lower().startswith(starts)
                )
                or item.name == "EGG-INFO"
            )
    except NotADirectoryError:
        yield from _in_archive(entry)
        return
    except (OSError, ValueError):
        return
    for name in names:
        if name.endswith((".dist-info", ".egg-info")) and name[0] != "~":
            project, _, rest = name.rpartition(".")[0].partition("-")
            version = rest.partition("-py")[0] if name.endswith(".egg-info") else rest
            yield Distribution(normalise(project), version, os.path.join(entry, name))
        elif name == "EGG-INFO":
            egg = os.path.basename(os.path.normpath(entry)).partition("-")
            yield Distribution(
                normalise(egg[0]),
                egg[2].partition("-py")[0].removesuffix(".egg"),
                os.path.join(entry, name),
            )


def _in_archive(entry: str) -> Iterator[Distribution]:
    """Yield the distributions in a zip file on sys.path."""
    try:
        found = list(_reader().distributions(path=[entry]))
    except Exception:  # noqa: BLE001 - a damaged archive stops no listing
        return
    yield from _readable(found)


def _from_finder(finder: Any) -> Iterator[Distribution]:
    """Yield the distributions that a finder on sys.meta_path knows by itself."""
    try:
        context = _reader().DistributionFinder.Context()
        found = list(finder.find_distributions(context))
    except Exception:  # noqa: BLE001 - a stranger's finder stops no listing
        return
    yield from _readable(found)


def _readable(found: list[Any]) -> Iterator[Distribution]:
    for source in found:
        try:
            yield ReadDistribution(source)
        except Exception:  # noqa: BLE001 - metadata without a name
            continue


def _reader() -> Any:
    """Return the metadata reader for what is not a plain folder."""
    from importlib import import_module

    if sys.version_info < (3, 12):
        try:
            return import_module("importlib_metadata")
        except ImportError:
            pass
    return import_module("importlib.metadata")
