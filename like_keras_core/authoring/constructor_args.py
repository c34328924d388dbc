"""Constructor arguments, kept as they were when a component was made."""

from __future__ import annotations

import copy
import inspect
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from like_keras_core.node import Node
from like_keras_core.values.kinds import IMMUTABLE

_signatures: weakref.WeakKeyDictionary[type, inspect.Signature] = (
    weakref.WeakKeyDictionary()
)


@dataclass(frozen=True, slots=True)
class ConstructorArgs:
    """The arguments of one construction, by parameter; without the node.

    Args:
        arguments: Copies made before the constructor ran.
        shared: Parameters whose values could not be copied: every instance that is
            made again shares them.
    """

    arguments: Mapping[str, Any]
    shared: frozenset[str] = frozenset()

    def build(self, cls: type, node: Node | None) -> Any:
        """Make a new instance of `cls` from fresh copies of the arguments."""
        arguments = {
            name: value if name in self.shared else copy_value(value)
            for name, value in self.arguments.items()
        }
        return construct(cls, arguments, node)


def construct(cls: type, arguments: Mapping[str, Any], node: Node | None) -> Any:
    """Call a component class with arguments by parameter, and its node if it asks.

    Args:
        cls: The component class.
        arguments: By parameter, without the node.
        node: Where the component runs; left out if it is None or not asked for.

    Raises:
        TypeError: The parameters are not those of the class's constructor.
    """
    signature = signature_of(cls)
    unknown = [name for name in arguments if name not in signature.parameters]
    if unknown:
        raise TypeError(
            f"{cls.__qualname__} takes no argument {', '.join(map(repr, unknown))}; "
            f"it takes: {', '.join(signature.parameters) or 'none'}."
        )
    bound = signature.bind_partial()
    for name, parameter in signature.parameters.items():
        if name in arguments:
            bound.arguments[name] = arguments[name]
        elif name == "node" and parameter.kind is not parameter.VAR_POSITIONAL:
            bound.arguments[name] = node
    return cls(*bound.args, **bound.kwargs)


def capture(
    cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> ConstructorArgs:
    """Copy the arguments of a construction that is about to happen.

    Args:
        cls: The component class.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """
    if not args and not kwargs:
        return _NOTHING
    try:
        bound = signature_of(cls).bind(*args, **kwargs)
    except TypeError:
        return _NOTHING
    arguments: dict[str, Any] = {}
    shared = set()
    for name, value in bound.arguments.items():
        if name == "node":
            continue
        if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            value = {key: item for key, item in value.items() if key != "node"}
        try:
            arguments[name] = copy_value(value)
        except Exception:  # noqa: BLE001 - whatever a copy raises
            arguments[name] = value
            shared.add(name)
    return ConstructorArgs(arguments, frozenset(shared))


def copy_value(value: Any) -> Any:
    """Return a deep copy; immutable values and nodes are themselves."""
    if type(value) in IMMUTABLE or isinstance(value, Node):
        return value
    return copy.deepcopy(value)


def signature_of(cls: type) -> inspect.Signature:
    """Return the signature of a class's constructor, without `self`."""
    found = _signatures.get(cls)
    if found is None:
        whole = inspect.signature(cls.__init__)  # type: ignore[misc]
        parameters = list(whole.parameters.values())[1:]
        found = _signatures[cls] = whole.replace(parameters=parameters)
    return found


_NOTHING = ConstructorArgs({})
