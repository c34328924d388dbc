"""A component's arguments as ROS parameters, as far as ROS can hold them.

A node's parameters are called as what they are: `camera.size` for the argument `size`
of the component `camera`, `camera.config.gain` for a field of its config. What ROS
cannot hold stays in the system's own file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from like_keras_core.issue import Issue
from like_keras_core.spec import ComponentSpec, SystemSpec
from lk_engine_ros2_stub.name_rules import token

Path = tuple[str, ...]

_NO_TEXT = re.compile(r"[\0\ud800-\udfff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NONE = "None"
OWN = "the system's own"
"""Why a name or a rate is not a parameter: every node must know the same ones."""

SYSTEMS = ("name", "every", "rate_hz", "takes", "takes_s")
"""What `Component` takes that is not a parameter."""

_DEPTH = 2
"""What `Component` takes is an argument, or stands in one that collects the others."""

_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument, or one entry of one.

    Args:
        owner: The component's name, part by part.
        inside: Where it is among the component's arguments.
        value: What ROS holds; None where ROS cannot hold it.
        reason: Why ROS cannot hold it; empty where it can.
    """

    owner: Path
    inside: Path
    value: Any
    reason: str = ""

    @property
    def path(self) -> Path:
        """Its name, part by part."""
        return self.owner + self.inside

    @property
    def name(self) -> str:
        """Its name in ROS."""
        return ".".join(self.path)


def parameters_of(component: ComponentSpec) -> list[Parameter]:
    """Return what a component was made with, in order."""
    owner = tuple(map(token, component.name.split(".")))
    return [
        Parameter(owner, inside, value, reason)
        for name, item in (component.config or {}).items()
        for inside, value, reason in _flat((name,), item)
    ]


def parameter_issues(spec: SystemSpec) -> Iterator[Issue]:
    """List arguments that ROS cannot hold, and names that two of them share."""
    owners: dict[str, dict[Path, str]] = {}
    for component in spec.components:
        kept = []
        for parameter in parameters_of(component):
            if parameter.reason in (NONE, OWN):
                continue
            if parameter.reason:
                kept.append(f"{parameter.name} ({parameter.reason})")
                continue
            other = _taken(owners.setdefault(component.node, {}), parameter.path)
            if other is not None and other != component.name:
                yield Issue(
                    f"The components {other!r} and {component.name!r} on node "
                    f"{component.node!r} both have the ROS parameter "
                    f"{parameter.name!r}, or one above it. Rename one of them.",
                    code="ros-collision",
                    address=component.name,
                )
            owners[component.node][parameter.path] = component.name
        if kept:
            yield Issue(
                f"ROS cannot hold every argument of component {component.name!r}: "
                f"{', '.join(kept)}. They are not parameters, and keep the values that "
                "the system was compiled with.",
                code="ros-parameter",
                address=component.name,
                severity="warning",
            )


def _taken(owners: Mapping[Path, str], path: Path) -> str | None:
    """Return whose parameter would be the same, or hold the other one."""
    for other, owner in owners.items():
        length = min(len(other), len(path))
        if other[:length] == path[:length]:
            return owner
    return None


def _flat(path: Path, value: Any) -> Iterator[tuple[Path, Any, str]]:
    """Return where each plain value is, the value, and why ROS cannot hold it."""
    fields = _fields(value)
    if not _NAME.fullmatch(path[-1]):
        yield path, None, "not a name"
    elif path[-1] in SYSTEMS and len(path) <= _DEPTH:
        yield path, None, OWN
    elif fields is None:
        yield (path, *_held(value))
    else:
        for name, item in fields.items():
            yield from _flat((*path, name), item)


def _fields(value: Any) -> Mapping[str, Any] | None:
    """Return what a dict or dataclass holds; None for any other value."""
    if not isinstance(value, Mapping):
        return None
    if "$dataclass" in value:
        content: Mapping[str, Any] = value["$dataclass"][1]
        return content
    return None if any(key.startswith("$") for key in value) else value


def _held(value: Any) -> tuple[Any, str]:
    """Return a value as ROS holds it, or why it cannot."""
    if isinstance(value, Mapping):
        return _tagged(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _list(value)
    if value is None:
        return None, NONE
    if isinstance(value, str) and _NO_TEXT.search(value):
        return None, "a string with a NUL or half a character"
    return value, ""


def _tagged(value: Mapping[str, Any]) -> tuple[Any, str]:
    ((tag, content),) = value.items()
    if tag == "$float":
        return float(content), ""
    if tag == "$int":
        number = int(content, 16)
        return (number, "") if number in _INT64 else (None, "more than 64 bits")
    if tag in ("$path", "$enum"):
        return str(content[1]), ""
    if tag == "$tuple":
        return _list(content)
    return None, f"a value of kind {tag[1:]}"


def _list(value: Sequence[Any]) -> tuple[Any, str]:
    items = [_held(item) for item in value]
    if not items:
        return None, "an empty list"
    if not all(_is_plain(item) for item in value):
        return None, "a list of more than plain values"
    if len({type(item) for item, _ in items}) > 1:
        return None, "a list of different types"
    return [item for item, _ in items], ""


def _is_plain(item: Any) -> bool:
    """Say whether an item of a list comes back as it was."""
    if isinstance(item, Mapping):
        return next(iter(item), "") in ("$float", "$int") and not _held(item)[1]
    return isinstance(item, (bool, int, float, str))
