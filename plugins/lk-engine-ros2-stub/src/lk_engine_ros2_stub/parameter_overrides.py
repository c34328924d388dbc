"""A node's components with the parameters that the node was started with."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from like_keras_core.engine_kit import encode_json, resolve_class, thaw
from like_keras_core.spec import ComponentSpec, SystemSpec
from lk_engine_ros2_stub.constructor_defaults import (
    About,
    descriptions,
    with_defaults,
)
from lk_engine_ros2_stub.parameters import NONE, parameters_of
from lk_engine_ros2_stub.parameters import Path as Place

_NEAR = 0.6


class Declared(Protocol):
    """Where parameters are declared: a ROS node."""

    def check(self, name: str, default: Any) -> None:
        """Raise if a parameter was set to a value of another type."""

    def declare(self, name: str, default: Any, about: About) -> Any:
        """Declare a parameter; return its value."""

    def undeclared(self) -> Sequence[str]:
        """Return the parameters that were set, and are not declared."""


class ParameterOverrides:
    """Declares what a node's components are made with, and takes what was set.

    Args:
        spec: The system.
        node: The node.
        declared: Where the parameters are declared.
        folders: Where scripts are looked for.
    """

    def __init__(
        self,
        spec: SystemSpec,
        node: str,
        declared: Declared,
        folders: Sequence[Path] = (),
    ) -> None:
        self._components = [item for item in spec.components if item.node == node]
        self._declared = declared
        self._folders = folders
        self._names: dict[str, str] = {}
        # How many components have yet to declare theirs.
        self._missing = len(self._components)

    def check(self) -> None:
        """Refuse what was set to another type, as far as it is known from the start.

        Raises:
            LkError: A value has another type than the one that was compiled.
        """
        for component in self._components:
            for parameter in parameters_of(component):
                if not parameter.reason:
                    self._declared.check(parameter.name, parameter.value)

    def configure(self, component: ComponentSpec) -> ComponentSpec:
        """Return a component with the parameters of its node.

        Those of its class's defaults that nobody has set are left to the class.

        Raises:
            LkError: A value has another type than its default, or is out of range.
            LoadError: The code of the component cannot be loaded.
        """
        cls = resolve_class(component.entry_point, folders=self._folders)
        whole, said = with_defaults(component, cls), descriptions(cls)
        changes: dict[Place, Any] = {}
        for parameter in parameters_of(whole):
            self._names[parameter.name] = parameter.reason
            if parameter.reason in ("", NONE):
                about = said.get(parameter.inside, About())
                value = self._declared.declare(parameter.name, parameter.value, about)
                if repr(value) != repr(parameter.value):
                    changes[parameter.inside] = value
        self._missing -= 1
        if not self._missing:
            self._say_unknown()
        return applied(component, whole, changes)

    def _say_unknown(self) -> None:
        """Say which parameters were set that nothing takes."""
        for name in self._declared.undeclared():
            reason = self._names.get(name, "")
            if reason not in ("", NONE):
                why = f"ROS cannot hold it ({reason})"
            else:
                held = [x for x, reason in self._names.items() if reason in ("", NONE)]
                near = difflib.get_close_matches(name, held, n=1, cutoff=_NEAR)
                why = "there is none of that name on this node"
                why += f"; did you mean {near[0]!r}?" if near else ""
            logging.getLogger("like_keras").warning(
                "The parameter %r was set and changes nothing: %s", name, why
            )


def applied(
    component: ComponentSpec, whole: ComponentSpec, changes: Mapping[Place, Any]
) -> ComponentSpec:
    """Return a component with some of its arguments changed.

    Args:
        component: The component, with what it was given.
        whole: The same with the defaults of its class.
        changes: The values by place; those of a default make it an argument given.
    """
    if not changes:
        return component
    config, complete = thaw(component.config or {}), thaw(whole.config or {})
    for place, value in changes.items():
        _put(complete, place, value)
        config[place[0]] = complete[place[0]]
    return replace(component, config=config)


def _put(config: Any, place: Place, value: Any) -> None:
    """Write a value into encoded arguments, in the form that stands there."""
    for part in place[:-1]:
        config = _inside(config)[part]
    holder = _inside(config)
    before = holder[place[-1]]
    tag = next(iter(before)) if isinstance(before, dict) else ""
    if tag == "$tuple":
        holder[place[-1]] = {tag: [encode_json(item) for item in value]}
    elif tag in ("$path", "$enum"):
        holder[place[-1]] = {tag: [before[tag][0], value]}
    else:
        holder[place[-1]] = encode_json(value)


def _inside(data: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = data["$dataclass"][1] if "$dataclass" in data else data
    return content
