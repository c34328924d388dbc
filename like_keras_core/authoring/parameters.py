"""What can be set of a component: its constructor's arguments, and fields of these."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from like_keras_core.authoring.constructor_args import signature_of
from like_keras_core.component import Component
from like_keras_core.values.annotations import Unresolved, is_union, plain, resolve
from like_keras_core.values.field_types import (
    argument_docs,
    field_doc,
    field_types,
    is_dataclass_type,
    unit_in,
)
from like_keras_core.values.semantics import fingerprint

MISSING = dataclasses.MISSING
"""Stands for a value that is not there."""

PLACEMENT = frozenset({"name", "node"})
"""Arguments that say what a component is called and where it runs."""

_TIMES = frozenset({"every", "rate_hz", "takes", "takes_s"})


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a component that can be set.

    Args:
        component: The component's address.
        path: The argument, and in it the fields, from the outside in.
        type: Its annotation.
        default: What it is when it is not given; MISSING where that is not known.
        value: What it is.
        doc: What it means, in a line.
        unit: The symbol of its unit; empty if it is not said.
        is_needed: Whether it must be given, for it has no default.
    """

    component: str
    path: tuple[str, ...]
    type: Any
    default: Any = MISSING
    value: Any = MISSING
    doc: str = ""
    unit: str = ""
    is_needed: bool = False

    @property
    def address(self) -> str:
        """The component's address and the path, as `controller.config.gain`."""
        return ".".join((self.component, *self.path))

    @property
    def record(self) -> type | None:
        """The dataclass whose fields are parameters themselves; None for others."""
        if dataclasses.is_dataclass(self.value) and not isinstance(self.value, type):
            return type(self.value)
        arms = typing.get_args(self.type) if is_union(self.type) else (self.type,)
        found = [arm for arm in map(plain, arms) if is_dataclass_type(arm)]
        return found[0] if len(found) == 1 else None


def arguments_of(address: str, component: Component) -> dict[str, Parameter]:
    """Return what the constructor of a component takes, by name, with its values."""
    cls = type(component)
    captured = component._lk.captured.arguments
    function = inspect.unwrap(cls.__init__)
    docs = {
        name: text
        for base in reversed(cls.__mro__)
        if issubclass(base, Component) and base is not Component
        for name, text in argument_docs(base).items()
    }
    found = {}
    for name, item in signature_of(cls).parameters.items():
        if name in PLACEMENT:
            continue
        kind = resolved(item.annotation, function, cls)
        default: Any = MISSING if item.default is item.empty else item.default
        if item.kind is item.VAR_KEYWORD:
            kind, default = dict[str, kind], {}  # type: ignore[valid-type]
        elif item.kind is item.VAR_POSITIONAL:
            kind, default = tuple[kind, ...], ()  # type: ignore[valid-type]
        value = captured.get(name, default)
        if name == "config":
            kind, value = _config(component, kind, value)
        doc = docs.get(name, "")
        found[name] = Parameter(
            address,
            (name,),
            kind,
            default,
            value,
            doc,
            unit_in(doc),
            default is MISSING,
        )
    return found


def collector_of(cls: type) -> str | None:
    """Return the name of the argument that collects the others, if there is one."""
    for name, item in signature_of(cls).parameters.items():
        if item.kind is inspect.Parameter.VAR_KEYWORD:
            return name
    return None


def passed_on(cls: type) -> dict[str, Any]:
    """Return what the classes above a class take, which it may pass on, by type."""
    found: dict[str, Any] = {}
    for base in cls.__mro__[1:]:
        if issubclass(base, Component) and "__init__" in vars(base):
            function = inspect.unwrap(base.__init__)
            for name, item in signature_of(base).parameters.items():
                is_named = item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)
                if is_named and name not in PLACEMENT:
                    found.setdefault(name, resolved(item.annotation, function, base))
    return found


def resolved(annotation: Any, function: Any, owner: type) -> Any:
    """Return the type of a parameter; Any where it cannot be had.

    Args:
        annotation: As it stands there.
        function: Whose parameter it is.
        owner: The class around it.
    """
    if not isinstance(function, FunctionType):
        return Any if isinstance(annotation, str) else plain(annotation)
    found = resolve(annotation, function, owner)
    return Any if isinstance(found, Unresolved) else plain(found)


def _config(component: Component, kind: Any, value: Any) -> tuple[Any, Any]:
    """Return the type and the value of `config`, which the class may leave out."""
    cls = getattr(type(component), "Config", None)
    if is_dataclass_type(cls) and kind is Any:
        kind = cls
    own = vars(component).get("config")
    if config_is_changed(component):
        return kind, own
    if value in (None, MISSING) and is_dataclass_type(type(own)):
        return kind, own
    return kind, value


def config_is_changed(component: Component) -> bool:
    """Say whether a component's config was assigned, or changed, after it was made."""
    record = component._lk
    if record.config_print is None or record.launched:
        return "config" in record.assigned
    own = vars(component).get("config")
    return "config" in record.assigned or fingerprint(own) != record.config_print


def inside(parameter: Parameter) -> dict[str, Parameter]:
    """Return the fields of a parameter that is a dataclass; nothing for others."""
    cls = parameter.record
    if cls is None:
        return {}
    types, found = field_types(cls), {}
    for item in dataclasses.fields(cls):
        if not item.init:
            continue
        doc, unit = field_doc(cls, item)
        default = item.default
        if item.default_factory is not MISSING:
            default = _made(item.default_factory)
        value = default
        if isinstance(parameter.value, cls):
            value = getattr(parameter.value, item.name, default)
        found[item.name] = Parameter(
            parameter.component,
            (*parameter.path, item.name),
            types[item.name],
            default,
            value,
            doc,
            unit,
            default is MISSING and item.default_factory is MISSING,
        )
    return found


def _made(factory: Any) -> Any:
    """Return what a built-in type makes; another factory is not called."""
    return factory() if factory in (list, dict, set, tuple) else MISSING


def parameters_of(components: Mapping[str, Component]) -> Iterator[Parameter]:
    """List every parameter of some components, fields in the place of dataclasses.

    Args:
        components: By address.
    """
    for address, component in components.items():
        own = inspect.unwrap(type(component).__init__)
        is_plain = own is Component.__init__
        others = collector_of(type(component))
        for name, parameter in arguments_of(address, component).items():
            given = name in component._lk.captured.arguments
            if is_plain and name in _TIMES and not given:
                continue
            if name == "config" and parameter.value is None and is_plain:
                continue
            if name == others and not parameter.value:
                continue
            yield from _leaves(parameter)


def _leaves(parameter: Parameter) -> Iterator[Parameter]:
    # A field whose type is its own class would go on for ever.
    fields = inside(parameter) if len(parameter.path) < 20 else {}
    is_there = is_dataclass_type(type(parameter.value))
    if not fields or not is_there:
        yield parameter
        return
    for item in fields.values():
        yield from _leaves(item)
