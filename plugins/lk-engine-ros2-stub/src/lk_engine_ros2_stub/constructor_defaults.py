"""What a component's class says of arguments: their defaults, and what they mean."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from like_keras_core.engine_kit import encode_json, thaw
from like_keras_core.errors import LkError
from like_keras_core.spec import ComponentSpec
from lk_engine_ros2_stub.parameters import SYSTEMS, Path

_CONFIG = "config"
_SECTION = re.compile(r"( *)(?:Args|Arguments|Attributes|Parameters):")
_ENTRY = re.compile(r"\*{0,2}(\w+)(?: *\([^)]*\))?:(.*)")


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an argument.

    Args:
        text: What it means.
        least: The least value that it may have.
        most: The greatest one.
    """

    text: str = ""
    least: float | None = None
    most: float | None = None


def with_defaults(component: ComponentSpec, cls: type) -> ComponentSpec:
    """Return a component as if it had been given every default of its class.

    What cannot be written down, such as a function, is left out.

    Args:
        component: The component, with what it was given.
        cls: Its class.
    """
    config = thaw(component.config or {})
    for path, value in _defaults(cls):
        holder = config
        for part in path[:-1]:
            holder = holder.setdefault(part, {})
        is_given = path[-1] in holder
        if is_given and not (path[-1] == _CONFIG and holder[_CONFIG] is None):
            continue
        try:
            holder[path[-1]] = encode_json(value)
        except LkError:
            continue
    return dataclasses.replace(component, config=config)


def descriptions(cls: type) -> dict[Path, About]:
    """Return what a class says of its arguments, and of the fields of its config.

    It says so in the sections `Args:` of docstrings. The metadata of a field may have
    `description`, `min` and `max`.
    """
    said = _said_of(cls)
    found: dict[Path, About] = {(x,): About(text) for x, text in said.items()}
    config = getattr(cls, "Config", None)
    place = _place_of_config(cls)
    if place is None or not isinstance(config, type):
        return found
    said = _said_of(config)
    fields = dataclasses.fields(config) if dataclasses.is_dataclass(config) else ()
    for field in fields:
        known: Mapping[Any, Any] = field.metadata
        words = map(known.get, ("description", "doc", "help"))
        text = next(filter(None, words), said.get(field.name, ""))
        about = About(str(text), _number(known, "min"), _number(known, "max"))
        inside = (*place, field.name)
        found[inside] = about
    return found


def _defaults(cls: type) -> Iterator[tuple[Path, Any]]:
    """Return where each argument with a default is, and the default."""
    place = _place_of_config(cls)
    for name, parameter in _parameters(cls).items():
        if name in (*SYSTEMS, "node") or parameter.default is parameter.empty:
            continue
        if place == (name,) and parameter.default is None:
            continue
        value = parameter.default
        if type(value) is int and parameter.annotation in (float, "float"):
            value = float(value)
        yield (name,), value
    if place is not None and (config := _default_config(cls)) is not None:
        yield place, config


def _parameters(cls: Any) -> Mapping[str, inspect.Parameter]:
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {item.name: item for item in parameters}


def _place_of_config(cls: type) -> Path | None:
    """Return where a component's config is among its arguments, if it can be given."""
    parameters = _parameters(cls)
    if _CONFIG in parameters:
        return (_CONFIG,)
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            return name, _CONFIG
    return None


def _default_config(cls: type) -> Any:
    config = getattr(cls, "Config", None)
    if not isinstance(config, type) or not dataclasses.is_dataclass(config):
        return None
    try:
        made = config()
    except TypeError:
        return None
    floats = {
        field.name: float(getattr(made, field.name))
        for field in dataclasses.fields(made)
        if field.init and field.type in (float, "float")
        if type(getattr(made, field.name)) is int
    }
    return dataclasses.replace(made, **floats) if floats else made


def _said_of(cls: type) -> dict[str, str]:
    """Return what the docstrings of a class and its bases say, by name."""
    found: dict[str, str] = {}
    for base in cls.__mro__:
        for text in (base.__doc__, getattr(vars(base).get("__init__"), "__doc__", "")):
            for name, said in _entries(inspect.cleandoc(text or "")):
                found.setdefault(name, said)
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Return the entries of the sections that name arguments."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if title := _SECTION.fullmatch(line.rstrip()):
            yield from _split(_indented(lines[number + 1 :], len(title[1]))).items()


def _indented(lines: list[str], indent: int) -> str:
    """Return the first lines that are indented more than their title."""

    def belongs(line: str) -> bool:
        return not line.strip() or len(line) - len(line.lstrip()) > indent

    return textwrap.dedent("\n".join(itertools.takewhile(belongs, lines)))


def _split(section: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if entry := _ENTRY.fullmatch(line):
            name = entry[1]
            found[name] = entry[2].strip()
        elif name and line.startswith(" "):
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _number(known: Mapping[Any, Any], name: str) -> float | None:
    value = known.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else None
