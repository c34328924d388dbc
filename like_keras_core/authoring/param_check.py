"""What is to be set, checked against the components: every problem, before any call."""

from __future__ import annotations

import copy
import dataclasses
import typing
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from like_keras_core.authoring.constructor_args import copy_value
from like_keras_core.authoring.parameters import (
    MISSING,
    PLACEMENT,
    Parameter,
    arguments_of,
    collector_of,
    inside,
    parameters_of,
    passed_on,
)
from like_keras_core.component import Component
from like_keras_core.errors import nearest
from like_keras_core.values.annotations import is_union, plain
from like_keras_core.values.conversion import maker, missing_fields
from like_keras_core.values.field_types import initial_only
from like_keras_core.values.mismatch import Make, MismatchError, shown

_DEEPEST = 50
_WORDS = {"True": True, "False": False, "None": None}
_INFINITE = ("inf", "+inf", "-inf", "nan", ".inf", "+.inf", "-.inf", ".nan")


class Given(NamedTuple):
    """Parameters from one source.

    Args:
        values: By address, or nested by its parts; or both.
        source: Where they are from, for errors.
        text: As it was typed, where `values` has one value that was.
    """

    values: Mapping[str, Any]
    source: str = "params"
    text: str | None = None


@dataclass(slots=True)
class Change:
    """What is set of one value: all of it, or parts of it, or both in this order."""

    whole: Make | None = None
    parts: dict[str, Change] = field(default_factory=dict)

    def make(self, parameter: Parameter) -> Any:
        """Make the new value of a parameter; this is where code of users is called."""
        base = copy_value(parameter.value) if self.whole is None else self.whole()
        if not self.parts:
            return base
        holder = replace(parameter, value=base)
        cls = holder.record
        if cls is not None:
            fields = inside(holder)
            made = {name: x.make(fields[name]) for name, x in self.parts.items()}
            if isinstance(base, cls):
                return dataclasses.replace(base, **made)
            return cls(**made)
        changed: MutableMapping[Any, Any] = (
            copy.copy(base) if isinstance(base, MutableMapping) else {}
        )
        for name, change in self.parts.items():
            changed[name] = change.make(_entry(holder, name))
        return changed


class ParamCheck:
    """Gathers what is to be set of some components, and what is wrong with that.

    Args:
        components: By address.

    Attributes:
        problems: What is wrong, a sentence each.
        changes: By component, and by argument, what is set.
        sources: By address of what is set, where that is from.
    """

    def __init__(self, components: Mapping[str, Component]) -> None:
        self._components = components
        self._arguments: dict[str, dict[str, Parameter]] = {}
        self._seen: set[str] = set()
        self.problems: list[str] = []
        self.changes: dict[str, dict[str, Change]] = {}
        self.sources: dict[tuple[str, tuple[str, ...]], str] = {}

    def add(self, given: Given) -> None:
        """Check what one source says; what a later one says counts more."""
        self._seen.clear()
        values: object = given.values
        if not isinstance(values, Mapping):
            self.problems.append(
                f"{given.source}: expected a mapping from components to their "
                f"arguments; got {shown(values)}."
            )
            return
        self._walk("", values, given)

    def arguments(self, component: str) -> dict[str, Parameter]:
        """Return what the constructor of a component takes."""
        if component not in self._arguments:
            found = arguments_of(component, self._components[component])
            self._arguments[component] = found
        return self._arguments[component]

    def finish(self) -> None:
        """Name what is still missing where a dataclass is made that was not there."""
        for component, changes in self.changes.items():
            for name, change in changes.items():
                self._complete(change, self.arguments(component)[name])

    def _complete(self, change: Change, parameter: Parameter) -> None:
        cls = parameter.record
        if cls is None or not change.parts or change.whole is not None:
            return
        is_there = isinstance(parameter.value, cls)
        missing = [] if is_there else missing_fields(cls, change.parts)
        lost = initial_only(cls) if is_there else []
        place = f"{self._source_of(parameter)}: {parameter.address!r}"
        if missing:
            self.problems.append(
                f"{place} is not there yet, and a {cls.__qualname__} needs "
                f"{', '.join(missing)} too."
            )
        elif lost:
            self.problems.append(
                f"{place} cannot be changed in part, for {cls.__qualname__} does not "
                f"keep what it was made with as {', '.join(lost)}. Set all of it, in "
                "Python."
            )
        fields = inside(parameter)
        for name, part in change.parts.items():
            self._complete(part, fields[name])

    def _source_of(self, parameter: Parameter) -> str:
        """Return where the first value in a parameter is from."""
        return next(
            source
            for (owner, path), source in self.sources.items()
            if owner == parameter.component
            and path[: len(parameter.path)] == parameter.path
        )

    def _walk(self, prefix: str, values: Mapping[Any, Any], given: Given) -> None:
        lines = getattr(values, "lines", {})
        for key, value in values.items():
            place = given
            if key in lines:
                place = given._replace(source=f"{given.source}, line {lines[key]}")
            if not isinstance(key, str):
                self.problems.append(
                    f"{place.source}: the name of a component or argument is a "
                    f"string; got {shown(key)}."
                )
                continue
            self._one(f"{prefix}.{key}" if prefix else key, value, place, given)

    def _one(self, address: str, value: Any, given: Given, whole: Given) -> None:
        parts = address.split(".")
        for n in range(len(parts) - 1, 0, -1):
            component = ".".join(parts[:n])
            if component in self._components:
                self._argument(component, tuple(parts[n:]), value, given, whole)
                return
        is_above = any(
            name == address or name.startswith(f"{address}.")
            for name in self._components
        )
        if not is_above:
            self.problems.append(f"{given.source}: {self._unknown(address)}")
        elif isinstance(value, Mapping):
            self._walk(address, value, whole)
        else:
            self.problems.append(
                f"{given.source}: {address!r} is not an argument. Write which one: "
                f"{self._example(address)}=..."
            )

    def _example(self, address: str) -> str:
        found = (item.address for item in parameters_of(self._components))
        inner = (name for name in found if name.startswith(f"{address}."))
        return next(inner, f"{address}.ARGUMENT")

    def _unknown(self, address: str) -> str:
        known = [item.address for item in parameters_of(self._components)]
        near = nearest(address, known)
        if not near:
            first = nearest(address.partition(".")[0], self._components)
            near = self._example(first) if first else ""
        cure = f"Did you mean {near!r}?" if near else "lk params TARGET lists them all."
        names = ", ".join(list(self._components)[:20]) or "none"
        return (
            f"there is no parameter {address[:200]!r}, for no component begins it; "
            f"there are: {names}. {cure}"
        )

    def _argument(
        self,
        component: str,
        path: tuple[str, ...],
        value: Any,
        given: Given,
        whole: Given,
    ) -> None:
        """Check what is set of one argument, or of a field in it."""
        known, cls = self.arguments(component), type(self._components[component])
        found: Parameter | str = ""
        kind: Any = Any
        collector = collector_of(cls)
        if collector and path[0] not in known and path[0] not in PLACEMENT:
            beyond = passed_on(cls)
            kind = beyond.get(path[0], Any)
            if path[0] not in beyond and nearest(path[0], [*known, *beyond]):
                known = {**known, **dict.fromkeys(beyond, known[collector])}
                found = self._unknown_argument(component, path[0], cls.__name__, known)
            path = (collector, *path)
        found = found or self._find(component, path)
        if isinstance(found, str):
            self.problems.append(f"{given.source}: {found}")
            return
        found = replace(found, type=kind) if kind is not Any else found
        if found.record is not None and isinstance(value, Mapping):
            lines = getattr(value, "lines", {})
            for key, item in value.items():
                place = given
                if key in lines:
                    place = given._replace(source=f"{whole.source}, line {lines[key]}")
                self._argument(component, (*path, str(key)), item, place, whole)
            return
        if found.address in self._seen:
            self.problems.append(f"{given.source}: {found.address!r} is set twice.")
            return
        self._seen.add(found.address)
        try:
            before = None if found.value is MISSING else found.value
            make = make_typed(value, found.type, before, given.text)
        except MismatchError as error:
            self.problems.append(f"{given.source}: {found.address!r} {error}.")
        except RecursionError:
            self.problems.append(
                f"{given.source}: {found.address!r} is nested too deeply."
            )
        else:
            self._note(component, path, make, given.source)

    def _note(
        self, component: str, path: tuple[str, ...], make: Make, source: str
    ) -> None:
        parts = self.changes.setdefault(component, {})
        for name in path[:-1]:
            parts = parts.setdefault(name, Change()).parts
        # What was said of its parts before does not count any more.
        parts[path[-1]] = Change(whole=make)
        self.sources = {
            (owner, other): said
            for (owner, other), said in self.sources.items()
            if owner != component or other[: len(path)] != path
        }
        self.sources[component, path] = source

    def _find(self, component: str, path: tuple[str, ...]) -> Parameter | str:
        """Return a parameter, or what is wrong with its address."""
        known = self.arguments(component)
        cls = type(self._components[component]).__qualname__
        found = None
        for n, name in enumerate(path[:_DEEPEST]):
            address = ".".join((component, *path[:n]))
            if name in known:
                found = known[name]
            elif n and found is not None and _is_mapping(found):
                found = _entry(found, name)
            elif n == 0:
                return self._unknown_argument(component, name, cls, known)
            elif not known:
                return f"{address!r} has no fields that could be set, as {name!r} here."
            else:
                near = nearest(name, known)
                hint = f" Did you mean '{address}.{near}'?" if near else ""
                return (
                    f"{address!r} has no field {name!r}; it has: {', '.join(known)}."
                    f"{hint}"
                )
            known = inside(found)
        if found is None or len(path) > _DEEPEST:
            return f"{component!r} is set {len(path)} fields deep, which is too deep."
        return found

    def _unknown_argument(
        self, component: str, name: str, cls: str, known: Mapping[str, Parameter]
    ) -> str:
        if name in PLACEMENT:
            return (
                f"the {name} of {component!r} is not a parameter: the system says "
                f"what a component is called and where it runs."
            )
        if name == "config":
            return (
                f"{cls}, the class of {component!r}, takes no argument 'config'. Let "
                "its __init__ take one and hand it on: def __init__(self, config=None):"
                " super().__init__(config=config)"
            )
        one = {component: self._components[component]}
        settable = [item.address for item in parameters_of(one)]
        settable += [f"{component}.{other}" for other in known]
        near = nearest(f"{component}.{name}", settable)
        hint = f" Did you mean {near!r}?" if near else ""
        listed = ", ".join(known) or "none"
        return (
            f"{cls}, the class of {component!r}, takes no argument {name!r}; it takes: "
            f"{listed}.{hint}"
        )


def _is_mapping(parameter: Parameter) -> bool:
    """Say whether a parameter's entries can be set one by one."""
    if isinstance(parameter.value, Mapping):
        return True
    kind = parameter.type
    arms = typing.get_args(kind) if is_union(kind) else (kind,)
    return any(_mapping_args(arm) is not None for arm in arms)


def _mapping_args(annotation: Any) -> tuple[Any, ...] | None:
    """Return the arguments of a mapping's type; None for other types."""
    annotation = plain(annotation)
    origin = typing.get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return typing.get_args(annotation)
    return None


def _entry(parameter: Parameter, name: str) -> Parameter:
    """Return an entry of a mapping as a parameter of its own."""
    kind = parameter.type
    arms = typing.get_args(kind) if is_union(kind) else (kind,)
    args = next((found for arm in arms if (found := _mapping_args(arm))), ())
    held = parameter.value if isinstance(parameter.value, Mapping) else {}
    return Parameter(
        parameter.component,
        (*parameter.path, name),
        args[1] if len(args) == 2 else Any,
        MISSING,
        held.get(name, MISSING),
    )


def make_typed(value: Any, kind: Any, before: Any, text: str | None) -> Make:
    """Check a value; one that was typed may be meant as the text that it is.

    Args:
        value: As data.
        kind: The annotation.
        before: The value that it replaces.
        text: What was typed; None if it was not.

    Raises:
        MismatchError: It cannot become what the annotation says.
    """
    try:
        return maker(value, kind, before)
    except MismatchError:
        for other in _readings(text):
            try:
                return maker(other, kind, before)
            except MismatchError:
                continue
        raise


def _readings(text: str | None) -> Iterator[Any]:
    """Give what else a typed value may mean: numbers, Python's words, and itself."""
    if text is None:
        return
    if text in _WORDS:
        yield _WORDS[text]
    if text.lower() in _INFINITE:
        yield float(text.replace(".", ""))
    yield text
