"""Whether an installed plug-in can work here: its name, version range and module.

Nothing is imported to find out, apart from `packaging` for a range that is more than
comparisons of plain numbers.
"""

from __future__ import annotations

import os
import sys

from like_keras_core.plugins.metadata import CORE, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec

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
    """Say whether a module can be found, as far as that is known without imports.

    A regular package answers for all that is in it. Several distributions may share a
    namespace package, so there the search goes on.
    """
    name, path = "", None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        if name in sys.modules:
            if not is_namespace(name):
                return True
            path = list(sys.modules[name].__path__)
            continue
        spec = spec_of(name, path)
        if spec is None:
            # Of a folder whose parent is not imported Python's own finder makes none.
            folders = (os.path.join(entry, part) for entry in path or ())
            path = list(filter(os.path.isdir, folders))
            if not path:
                return False
        elif spec.loader and not type(spec.loader).__name__.endswith("NamespaceLoader"):
            return True
        else:
            path = list(spec.submodule_search_locations or ())
    return False


def spec_of(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """Return where a module is; None where no finder knows it. Nothing is imported.

    Args:
        name: Its full name.
        path: The folders of the package that it is in; None at the top.
    """
    for finder in list(sys.meta_path):
        try:
            spec: ModuleSpec | None = finder.find_spec(name, path)
        except Exception:  # noqa: BLE001 - a stranger's finder stops no listing
            continue
        if spec is not None:
            return spec
    return None


def is_namespace(module: str) -> bool:
    """Say whether a module is loaded and is a package that several may share."""
    package = sys.modules.get(module)
    path = getattr(package, "__path__", None)
    has_file = getattr(package, "__file__", None) is not None
    return path is not None and (not has_file or len(list(path)) > 1)


def depth_in_common(module: str, other: str) -> int:
    """Return the number of the first names that two modules have in common.

    It is 0 where these name namespace packages only, which say nothing about where a
    module came from.
    """
    names: list[str] = []
    for one, another in zip(module.split("."), other.split("."), strict=False):
        if one != another:
            break
        names.append(one)
    packages = (".".join(names[: n + 1]) for n in range(len(names)))
    return 0 if all(map(is_namespace, packages)) else len(names)


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
