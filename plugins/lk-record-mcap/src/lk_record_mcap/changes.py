"""What is another in a system than in the one that was recorded, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from like_keras_core.spec import ComponentSpec, SystemSpec


def changes(old: SystemSpec, new: SystemSpec, names: Iterable[str]) -> list[str]:
    """Return what has changed of some components, and of the system's rate.

    It is a hint where a replay differs, and not a reason to refuse it: to try another
    value on what was recorded is what replays are for.

    Args:
        old: The system that was recorded.
        new: The system that is replayed.
        names: The components that run again.
    """
    found = [] if old.rate_hz == new.rate_hz else [_line("rate_hz", old, new)]
    before = {item.name: item for item in old.components}
    for name in names:
        if name not in before:
            found.append(f"{name} was not there")
        else:
            found += _of_component(before[name], new.component(name))
    return found


def _of_component(old: ComponentSpec, new: ComponentSpec) -> Iterator[str]:
    for field in ("entry_point", "every", "takes"):
        if getattr(old, field) != getattr(new, field):
            yield f"{old.name}.{_line(field, old, new)}"
    before, after = old.config or {}, new.config or {}
    for argument in (*before, *(key for key in after if key not in before)):
        was, is_ = (
            _short(values[argument]) if argument in values else "not given"
            for values in (before, after)
        )
        if was != is_ or before.get(argument) != after.get(argument):
            yield f"{old.name}.{argument} was {was} and is {is_}"


def _line(field: str, old: object, new: object) -> str:
    return f"{field} was {getattr(old, field)} and is {getattr(new, field)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
