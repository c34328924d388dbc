"""What an error suggests: the nearest name that is known, or what to install."""

from __future__ import annotations

# `lk engines list` imports this module: it costs no import that could wait.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KNOWN_ENGINES: Mapping[str, str] = {
    "native": "lk-engine-native",
    "dora": "lk-engine-dora",
    "ros2": "lk-engine-ros2-stub",
}
"""Engines that we publish, with the distribution that brings each."""

KNOWN_OPTIONS: Mapping[str, str] = dict.fromkeys(
    ("record_to", "record_ports", "record_compression"), "lk-record-mcap"
)
"""Options of a launch that our plug-ins bring, with the distribution of each."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the name that is most like a misspelt one; empty if none is."""
    import difflib

    return next(iter(difflib.get_close_matches(name, list(names), n=1)), "")


def install_advice(name: str) -> str:
    """Return the command that brings an engine, for the engines that are known."""
    if name in KNOWN_ENGINES:
        return f"Install it: pip install {KNOWN_ENGINES[name]}"
    near = nearest(name, KNOWN_ENGINES)
    if near:
        return f"Did you mean {near!r}? pip install {KNOWN_ENGINES[near]}"
    return "See what is there: lk engines list"


def module_advice(module: str, distribution: str) -> str:
    """Return what to install where an engine cannot import what it needs."""
    return (
        f"The module {module!r}, which it needs, is not installed. To install what is "
        f"missing: pip install {distribution}"
    )


def engine_advice(name: str, installed: Iterable[str]) -> str:
    """Return what to write, or to install, where no engine has a name."""
    near = nearest(name, installed)
    return f"Did you mean {near!r}?" if near else install_advice(name)


def option_advice(unknown: Iterable[str], known: Iterable[str]) -> str:
    """Return what to write, or to install, for unknown options; empty if nothing."""
    names, known = list(unknown), list(known)
    brought = {KNOWN_OPTIONS[name] for name in names if name in KNOWN_OPTIONS}
    if brought:
        return f"To have it: pip install {' '.join(sorted(brought))}"
    near = [match for name in names if (match := nearest(name, known))]
    return f"Did you mean {', '.join(map(repr, near))}?" if near else ""


def one_or_listed(one: str, several: str, items: Sequence[str]) -> str:
    """Return the only item after one heading, or a list of them below another.

    Args:
        one: The heading of one item, in its line.
        several: The heading of a list.
        items: The items.
    """
    if len(items) == 1:
        return f"{one}{items[0]}"
    lines = (item.replace("\n", "\n    ") for item in items)
    return several + "".join(f"\n  - {line}" for line in lines)
