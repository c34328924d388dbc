"""A compiled system with the parameters that a node was started with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from like_keras_core.engine_kit import encode_json, thaw
from like_keras_core.spec import ComponentSpec, SystemSpec
from lk_engine_ros2_stub.parameters import parameters_of


def with_parameters(
    spec: SystemSpec, node: str, value_of: Callable[[str, Any], Any]
) -> SystemSpec:
    """Return a system with the parameters of a node's components.

    Args:
        spec: What was compiled.
        node: The node.
        value_of: Returns the value of a parameter, given its name and compiled value.
    """
    components = tuple(
        _component(item, value_of) if item.node == node else item
        for item in spec.components
    )
    return replace(spec, components=components)


def _component(
    component: ComponentSpec, value_of: Callable[[str, Any], Any]
) -> ComponentSpec:
    config = thaw(component.config)
    for parameter in parameters_of(component):
        if parameter.reason:
            continue
        value = value_of(parameter.name, parameter.value)
        if repr(value) != repr(parameter.value):
            _put(config, parameter.inside, value)
    return replace(component, config=config)


def _put(config: Any, path: tuple[str, ...], value: Any) -> None:
    """Write a value into encoded arguments, in the form that stands there."""
    for part in path[:-1]:
        config = _inside(config)[part]
    holder = _inside(config)
    before = holder[path[-1]]
    tag = next(iter(before)) if isinstance(before, dict) else ""
    if tag == "$tuple":
        holder[path[-1]] = {tag: [encode_json(item) for item in value]}
    elif tag in ("$path", "$enum"):
        holder[path[-1]] = {tag: [before[tag][0], value]}
    else:
        holder[path[-1]] = encode_json(value)


def _inside(data: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = data["$dataclass"][1] if "$dataclass" in data else data
    return content
