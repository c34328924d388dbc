"""Nested systems laid out flat: every component by address, each scope with its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from like_keras_core.authoring.composition import Composition
from like_keras_core.component import Component
from like_keras_core.issue import Issue
from like_keras_core.port import Delay, OutputPort

Source = OutputPort | Delay
_DEEPEST = 100


@dataclass(slots=True)
class Flat:
    """A system without its nesting: components by address, and each scope's own."""

    components: dict[str, Component] = field(default_factory=dict)
    addresses: dict[Component, str] = field(default_factory=dict)
    scopes: list[tuple[Any, list[Component]]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def flatten(system: Composition) -> Flat:
    """Name every component of a system and its subsystems by address."""
    flat = Flat()
    _flatten(system, "", flat, ())
    return flat


def children_of(
    system: Composition, given: Iterable[Any], own: Collection[str]
) -> list[Any]:
    """Return the components and subsystems of a system, in order of appearance.

    Args:
        system: The system.
        given: Those that it was made with.
        own: Names of attributes of the system that hold none.
    """
    found = list(given)
    seen = {id(item) for item in found}
    for name, value in vars(system).items():
        if name in own:
            continue
        if isinstance(value, dict):
            items = list(value.values())
        else:
            items = list(value) if isinstance(value, (list, tuple)) else [value]
        for item in items:
            if isinstance(item, (Component, Composition)) and id(item) not in seen:
                seen.add(id(item))
                found.append(item)
    return found


def _flatten(
    system: Composition, prefix: str, flat: Flat, above: tuple[Any, ...]
) -> list[Component]:
    inside: list[Component] = []
    children = system.children()
    for child, name in zip(children, _names(children), strict=True):
        address = prefix + name
        if isinstance(child, Component) and type(child).__hash__ is None:
            flat.issues.append(
                Issue(
                    f"{type(child).__qualname__} defines equality, as @dataclass does, "
                    "so its instances cannot be distinguished. Write "
                    "@dataclass(eq=False), or keep the fields in its Config.",
                    code="not-a-component",
                    address=address,
                )
            )
        elif isinstance(child, Component):
            if child in flat.addresses:
                flat.issues.append(_twice(child, flat.addresses[child], address))
                continue
            if address in flat.components:
                flat.issues.append(_same_name(flat.components[address], child, address))
                continue
            flat.addresses[child] = address
            flat.components[address] = child
            inside.append(child)
        elif isinstance(child, Composition):
            if child is system or child in above or len(above) > _DEEPEST:
                where = f"{address[:40]}..." if len(above) > _DEEPEST else address
                flat.issues.append(
                    Issue(
                        f"System {where!r} contains itself, or is nested more than "
                        f"{_DEEPEST} deep.",
                        code="recursion",
                        address=address,
                    )
                )
                continue
            inside += _flatten(child, f"{address}.", flat, (*above, system))
        else:
            flat.issues.append(_no_component(child, address))
    flat.scopes.append((system, inside))
    return inside


def _names(children: list[Any]) -> list[str]:
    """Number the children that share a default name, in order."""
    default = [getattr(child, "has_default_name", False) for child in children]
    for n, child in enumerate(children):
        if isinstance(child, Component):
            default[n] = child._lk.has_default_name
    names = [
        str(getattr(child, "name", f"item_{n}")) for n, child in enumerate(children)
    ]
    counts = Counter(name for name, free in zip(names, default, strict=True) if free)
    taken = {name for name, free in zip(names, default, strict=True) if not free}
    next_number: Counter[str] = Counter()
    result = []
    for name, free in zip(names, default, strict=True):
        if free and (counts[name] > 1 or name in taken):
            next_number[name] += 1
            while f"{name}_{next_number[name]}" in taken:
                next_number[name] += 1
            name = f"{name}_{next_number[name]}"
        result.append(name)
    return result


def _twice(component: Component, first: str, second: str) -> Issue:
    return Issue(
        f"{component!r} is in the system twice, as {first!r} and {second!r}. "
        f"Make a second instance: {type(component).__qualname__}(...).",
        code="same-component",
        address=first,
    )


def _same_name(first: Component, second: Component, address: str) -> Issue:
    return Issue(
        f"Two components have the name {address!r}: a {type(first).__qualname__} and a "
        f"{type(second).__qualname__}. Names are unique in a system; rename one: "
        f'component.name = "{address}_2"',
        code="duplicate-name",
        address=address,
    )


def _no_component(child: Any, address: str) -> Issue:
    if isinstance(child, type) and issubclass(child, Component):
        text = f"{child.__qualname__} is a class; make an instance: {child.__name__}()"
    elif callable(child):
        text = (
            f"{child!r} is a function. Write it as the forward method of a class that "
            "derives from Component"
        )
    else:
        text = f"{child!r:.80} is neither a Component nor a System"
    return Issue(f"{text}.", code="not-a-component", address=address)
