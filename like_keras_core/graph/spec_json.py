"""The elements of a spec as JSON data, and back: strictly, naming what does not fit."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from like_keras_core.errors import SpecError
from like_keras_core.graph.elements import (
    ComponentSpec,
    ConnectionSpec,
    DelaySpec,
    NodeSpec,
    PortSpec,
)

_T = TypeVar("_T")
_REQUIRED: Any = object()


def _port_dict(port: PortSpec) -> dict[str, Any]:
    return {
        "name": port.name,
        "type": port.type,
        "policy": port.policy,
        "required": port.required,
        "options": port.options,
    }


def component_dict(component: ComponentSpec) -> dict[str, Any]:
    """Return a component's fields; its options and config are shared, not copied."""
    rarely: dict[str, Any] = {}
    if component.takes:
        rarely["takes"] = component.takes
    if component.period is not None:
        rarely["period"] = _ticks_json(component.period)
    if component.needs:
        rarely["needs"] = list(component.needs)
    return {
        "name": component.name,
        "node": component.node,
        "entry_point": component.entry_point,
        "config": component.config,
        "every": _ticks_json(component.every),
        "inputs": [_port_dict(port) for port in component.inputs],
        "outputs": [_port_dict(port) for port in component.outputs],
        **rarely,
    }


def _ticks_json(ticks: int | Fraction) -> int | list[int]:
    """Return a whole number as itself, another one as numerator and denominator."""
    return ticks if isinstance(ticks, int) else [ticks.numerator, ticks.denominator]


def connection_dict(connection: ConnectionSpec) -> dict[str, Any]:
    """Return a connection's fields; an initial value is shared, not copied."""
    delay = connection.delay
    return {
        "source": connection.source,
        "target": connection.target,
        "delay": None if delay is None else {"initial": delay.initial},
        "inferred": connection.inferred,
    }


def node_dict(node: NodeSpec) -> dict[str, Any]:
    """Return a node's fields; its options are shared, not copied."""
    return {
        "name": node.name,
        "machine": node.machine,
        "engine": node.engine,
        "options": node.options,
    }


def parse_json(text: str) -> Any:
    """Return JSON data, in which every number is finite.

    Raises:
        SpecError: It is not JSON, or has a number that JSON does not.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise SpecError(f"A saved system is JSON; this is not: {error}") from None


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> float:
    raise ValueError(f"{text:.40} is not a finite number")


class JsonObject:
    """A JSON object whose fields are taken out one by one.

    Args:
        data: What should be an object.
        where: Where it stands in the spec, for errors.

    Raises:
        SpecError: It is not one.
    """

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            kind = type(data).__name__
            raise SpecError(f"In {where}: expected an object, got {kind}.")
        self.rest: dict[str, Any] = dict(data)
        self.where = where

    def get(
        self,
        key: str,
        kind: type[_T],
        *,
        optional: bool = False,
        default: Any = _REQUIRED,
    ) -> Any:
        """Take out a field.

        Args:
            key: Its name.
            kind: The type that it must have; an int will do for a float.
            optional: Whether it may be None.
            default: What stands for it where it is missing.
        """
        value = self.rest.pop(key, default)
        if value is _REQUIRED:
            raise SpecError(f"In {self.where}: the field {key!r} is missing.")
        if value is None and optional:
            return None
        if kind is float and type(value) in (int, float):
            value = self._finite(key, value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise SpecError(
                f"In {self.where}: {key!r} must be {kind.__name__}, got {value!r:.200}."
            )
        return value

    def _finite(self, key: str, value: float) -> float:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise SpecError(
                f"In {self.where}: {key!r} must be a finite number, got {value!s:.40}."
            )
        return number

    def each(self, key: str, read: Callable[[object, str], _T]) -> tuple[_T, ...]:
        """Take out a list, and return what `read` makes of each item."""
        items: Sequence[object] = self.get(key, list)
        return tuple(read(item, f"{key}[{n}]") for n, item in enumerate(items))

    def finish(self) -> None:
        """Refuse fields that nobody has taken out."""
        if self.rest:
            names = ", ".join(map(repr, self.rest))
            raise SpecError(f"In {self.where}: unknown field {names:.200}.")


def _read_port(data: object, where: str) -> PortSpec:
    reader = JsonObject(data, where)
    port = PortSpec(
        name=reader.get("name", str),
        type=reader.get("type", str),
        policy=reader.get("policy", str),
        required=reader.get("required", bool),
        options=reader.get("options", dict),
    )
    reader.finish()
    return port


def read_component(data: object, where: str) -> ComponentSpec:
    """Read what `component_dict` gave."""
    reader = JsonObject(data, where)
    component = ComponentSpec(
        name=reader.get("name", str),
        node=reader.get("node", str),
        entry_point=reader.get("entry_point", str),
        config=reader.get("config", dict, optional=True),
        every=_read_ticks("every", reader.get("every", object), reader.where),
        takes=reader.get("takes", int, default=0),
        period=_read_period(reader),
        inputs=reader.each("inputs", _read_port),
        outputs=reader.each("outputs", _read_port),
        needs=tuple(map(str, reader.get("needs", list, default=[]))),
    )
    reader.finish()
    return component


def _read_period(reader: JsonObject) -> int | Fraction | None:
    value = reader.get("period", object, optional=True, default=None)
    period = 1 if value is None else _read_ticks("period", value, reader.where)
    if period < 1:
        raise SpecError(f"In {reader.where}: 'period' must be 1 or more.")
    return None if value is None else period


def _read_ticks(name: str, value: Any, where: str) -> int | Fraction:
    if type(value) is int:
        return value
    if (
        not isinstance(value, list)
        or [type(item) for item in value] != [int, int]
        or value[1] < 2
        or math.gcd(*value) != 1
    ):
        raise SpecError(
            f"In {where}: {name!r} must be a whole number, or a numerator and a "
            f"denominator in lowest terms, got {value!r:.200}."
        )
    return Fraction(*value)


def read_connection(data: object, where: str) -> ConnectionSpec:
    """Read what `connection_dict` gave."""
    reader = JsonObject(data, where)
    delay = reader.get("delay", dict, optional=True)
    connection = ConnectionSpec(
        source=reader.get("source", str),
        target=reader.get("target", str),
        delay=None if delay is None else _read_delay(delay, f"{where}.delay"),
        inferred=reader.get("inferred", bool),
    )
    reader.finish()
    return connection


def _read_delay(data: object, where: str) -> DelaySpec:
    reader = JsonObject(data, where)
    delay = DelaySpec(initial=reader.get("initial", object, optional=True))
    reader.finish()
    return delay


def read_node(data: object, where: str) -> NodeSpec:
    """Read what `node_dict` gave."""
    reader = JsonObject(data, where)
    node = NodeSpec(
        name=reader.get("name", str),
        machine=reader.get("machine", str),
        engine=reader.get("engine", str, optional=True),
        options=reader.get("options", dict),
    )
    reader.finish()
    return node
