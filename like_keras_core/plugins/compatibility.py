"""Whether an installed plug-in can work here: its name, version range and module.

Nothing is imported to find out, apart from `packaging` for a range that is more than
comparisons of plain numbers.
"""

from __future__ import annotations

import sys

from like_keras_core.plugins.metadata import CORE, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_OPERATORS = (">=", "<=", "==", "!=", ">", "<")


def required_core(requirements: Iterable[str]) -> str:
    """Return the range of core versions in `Requires-Dist` lines; empty for any."""
    ranges = []
    for requirement in requirements:
        text, _, marker = requirement.partition(";")
        text = text.partition("@")[0].strip()
        end = 0
        while end < len(text) and (text[end].isalnum() or text[end] in "-_."):
            end += 1
        if normalise(text[:end]) != CORE or not _applies(marker):
            continue
        rest = text[end:].strip()
        if rest.startswith("["):
            rest = rest.partition("]")[2].strip()
        ranges.append(rest.strip("()").replace(" ", ""))
    return ",".join(filter(None, ranges))


def admits(specifier: str, version: str) -> bool:
    """Say whether a version lies in a range; a development version counts as its own.

    Raises:
        ValueError: The range is not one.
    """
    if not specifier:
        return True
    plain = _release(version)
    if plain is not None:
        answers = [_compare(plain, clause) for clause in specifier.split(",")]
        if None not in answers:
            return all(answers)
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    allowed = SpecifierSet(specifier)
    exact = Version(version)
    return allowed.contains(exact, prereleases=True) or (
        exact.is_devrelease and allowed.contains(exact.base_version)
    )


def is_importable(module: str) -> bool:
    """Say whether a module's top-level package can be found."""
    top = module.partition(".")[0]
    if top in sys.modules:
        return True
    for finder in list(sys.meta_path):
        try:
            spec = finder.find_spec(top, None)
        except Exception:  # noqa: BLE001 - a stranger's finder stops no listing
            continue
        if spec is not None:
            loader = type(spec.loader).__name__.strip("_")
            is_folder = spec.loader is None or loader == "NamespaceLoader"
            return "." in module or not is_folder
    return False


def is_name(name: str) -> bool:
    """Say whether an engine may have this name, which is also a folder's name."""
    letters = name.replace("-", "").replace("_", "").replace(".", "")
    return letters.isalnum() and letters.isascii() and name[:1].isalnum()


def split_entry_point(value: str) -> tuple[str, str]:
    """Split `"package.module:attribute [extra]"` into module and attribute."""
    module, _, attribute = value.partition("[")[0].partition(":")
    return module.strip(), attribute.strip()


def _applies(marker: str) -> bool:
    """Say whether a requirement's marker holds without any extra."""
    if not marker.strip():
        return True
    if "extra" in marker:
        return False
    from packaging.markers import Marker

    try:
        return Marker(marker.strip()).evaluate()
    except ValueError:
        return True


def _compare(version: tuple[int, ...], clause: str) -> bool | None:
    """Compare plain numbers; None where the clause needs all of PEP 440."""
    for operator in _OPERATORS:
        if clause.startswith(operator):
            bound = _release(clause[len(operator) :])
            if bound is None:
                return None
            return {
                ">=": version >= bound,
                "<=": version <= bound,
                "==": version == bound,
                "!=": version != bound,
                ">": version > bound,
                "<": version < bound,
            }[operator]
    return None


def _release(version: str) -> tuple[int, ...] | None:
    """Return `"1.2.0"` as `(1, 2)`; None for anything but plain numbers."""
    parts = version.strip().split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    numbers = [int(part) for part in parts]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
