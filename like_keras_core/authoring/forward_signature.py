"""What a component class's `forward` takes and gives: the ports it implies."""

from __future__ import annotations

import dis
import inspect
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from like_keras_core.errors import OutputError
from like_keras_core.port import InputPort, OutputPort
from like_keras_core.values.annotations import (
    Unresolved,
    fields_of,
    is_none,
    resolve,
    to_text,
    without_none,
)

_EMPTY = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class PortTemplate:
    """A port as the class defines it, before any instance has it.

    Args:
        name: The parameter, or the output's name.
        type: Its annotation, resolved.
        required: Whether an input must be connected.
        policy: An input's policy.
        keyword: Whether the parameter can only be passed by name.
        nameless: Whether it can only be passed by position.
        default: What a nameless parameter is given when it is not connected.
        options: JSON that an engine reads.
    """

    name: str
    type: Any
    required: bool = True
    policy: str = "sync"
    keyword: bool = False
    nameless: bool = False
    default: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ForwardSignature:
    """The ports of a class, and how `forward` is called and its result read.

    Args:
        inputs: In the order of `forward`'s parameters.
        outputs: In order.
        unpack: Turns a result that is not None into one value a port; None where the
            result is the single port's value itself.
        unresolved: Annotations whose names could not be found.
        record: The class whose fields are the outputs, if they are.
        only_reads: Whether `forward` can neither change nor keep its inputs.
    """

    inputs: tuple[PortTemplate, ...]
    outputs: tuple[PortTemplate, ...]
    unpack: Callable[[Any], tuple[Any, ...]] | None
    unresolved: tuple[str, ...] = ()
    record: type | None = None
    only_reads: bool = False


_known: weakref.WeakKeyDictionary[type, ForwardSignature] = weakref.WeakKeyDictionary()


def signature_of(cls: type) -> ForwardSignature:
    """Return the ports of a component class.

    Raises:
        TypeError: Its `forward` cannot be a component's.
    """
    found = _known.get(cls)
    if found is None:
        found = _known[cls] = _read(cls)
    return found


def _read(cls: type) -> ForwardSignature:
    forward = getattr(cls, "forward", None)
    if not callable(forward) or getattr(forward, "is_missing", False):
        raise TypeError(
            f"{cls.__qualname__} has no forward(). Write one: its parameters are the "
            "inputs, its result is the output."
        )
    function = inspect.unwrap(forward)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(
            f"{cls.__qualname__}.forward must be a plain function that returns its "
            "result; it is a generator or a coroutine."
        )
    unresolved: list[str] = []
    inputs = _inputs(cls, function, unresolved)
    declared = _declared(cls, OutputPort)
    if declared:
        outputs = tuple(
            PortTemplate(name, without_none(port.type), options=port.options)
            for name, port in declared.items()
        )
        unpack: Callable[[Any], tuple[Any, ...]] | None = _declared_unpacker(
            cls, outputs
        )
    else:
        outputs, unpack = _inferred_outputs(cls, function, unresolved)
    record = None if declared else _record(cls, function)
    return ForwardSignature(
        inputs, outputs, unpack, tuple(unresolved), record, only_reads(function)
    )


def _declared(cls: type, kind: type) -> dict[str, Any]:
    ports = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, kind):
                ports[name] = value
            else:
                ports.pop(name, None)
    return ports


def _type(annotation: Any, function: Any, cls: type, unresolved: list[str]) -> Any:
    found = resolve(annotation, function, cls)
    if isinstance(found, Unresolved):
        unresolved.append(found.text)
    return found


def _inputs(
    cls: type, function: Any, unresolved: list[str]
) -> tuple[PortTemplate, ...]:
    declared = _declared(cls, InputPort)
    ports = []
    catches_all = False
    parameters = list(inspect.signature(function).parameters.values())
    if "forward" not in vars(_owner(cls)) or not isinstance(
        vars(_owner(cls))["forward"], staticmethod
    ):
        parameters = parameters[1:]
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            catches_all = True
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise TypeError(
                f"{cls.__qualname__}.forward takes *{parameter.name}; name each input, "
                "since each parameter is a port."
            )
        name, keyword = parameter.name, parameter.kind is parameter.KEYWORD_ONLY
        nameless = parameter.kind is parameter.POSITIONAL_ONLY
        required = parameter.default is _EMPTY
        port = declared.pop(name, None)
        if port is None:
            found = _type(parameter.annotation, function, cls, unresolved)
            template = PortTemplate(name, found, required)
        else:
            template = PortTemplate(
                name,
                port.type,
                required and port.required,
                port.policy,
                options=port.options,
            )
        ports.append(
            replace(
                template, keyword=keyword, nameless=nameless, default=parameter.default
            )
        )
    if declared and not catches_all:
        names = ", ".join(map(repr, declared))
        raise TypeError(
            f"{cls.__qualname__} declares the input {names}, but its forward() has no "
            "parameter of that name."
        )
    for name, port in declared.items():
        ports.append(
            PortTemplate(
                name,
                port.type,
                port.required,
                port.policy,
                keyword=True,
                options=port.options,
            )
        )
    return tuple(ports)


def _owner(cls: type) -> type:
    return next(base for base in cls.__mro__ if "forward" in vars(base))


def _inferred_outputs(
    cls: type, function: Any, unresolved: list[str]
) -> tuple[tuple[PortTemplate, ...], Callable[[Any], tuple[Any, ...]] | None]:
    annotation = inspect.signature(function).return_annotation
    if annotation is _EMPTY:
        if not returns_value(function):
            return (), None
        return (PortTemplate("output", Any),), None
    found = without_none(_type(annotation, function, cls, unresolved))
    if is_none(found) or found is NoReturn:
        return (), None
    fields = fields_of(found)
    if fields is None:
        return (PortTemplate("output", found),), None
    outputs = tuple(
        PortTemplate(name, without_none(kind)) for name, kind in fields.items()
    )
    return outputs, _field_unpacker(cls, found, tuple(fields))


def _record(cls: type, function: Any) -> type | None:
    annotation = inspect.signature(function).return_annotation
    if annotation is _EMPTY:
        return None
    found = without_none(resolve(annotation, function, cls))
    return found if fields_of(found) is not None else None


def returns_value(function: Any) -> bool:
    """Say whether a function's body has a `return` of something other than None."""
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    before = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "RETURN_CONST" and instruction.argval is not None:
            return True
        if instruction.opname == "RETURN_VALUE":
            none = (
                before is not None
                and before.opname == "LOAD_CONST"
                and before.argval is None
                and not instruction.is_jump_target
            )
            if not none:
                return True
        before = instruction
    return False


_READING = frozenset(
    {
        *("RESUME", "CACHE", "NOP", "COPY", "SWAP", "ROT_TWO", "DUP_TOP", "POP_TOP"),
        *("LOAD_FAST", "LOAD_FAST_LOAD_FAST", "LOAD_CONST", "LOAD_GLOBAL", "LOAD_ATTR"),
        *("BINARY_ADD", "BINARY_SUBTRACT", "BINARY_MULTIPLY", "BINARY_TRUE_DIVIDE"),
        *("BINARY_FLOOR_DIVIDE", "BINARY_MODULO", "BINARY_POWER", "BINARY_SUBSCR"),
        *(
            "UNARY_NEGATIVE",
            "UNARY_NOT",
            "COMPARE_OP",
            "IS_OP",
            "CONTAINS_OP",
            "TO_BOOL",
        ),
        *("RETURN_VALUE", "RETURN_CONST", "JUMP_FORWARD"),
    }
)


def only_reads(function: Any) -> bool:
    """Say whether a body can neither change nor keep what it is given.

    It computes with operators alone and returns: no call, no assignment, nothing in
    place. So its inputs need no protection. Anything else counts as a no.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and all(
        instruction.opname in _READING
        or instruction.opname.startswith("POP_JUMP_")
        or (instruction.opname == "BINARY_OP" and "=" not in instruction.argrepr)
        for instruction in dis.get_instructions(code)
    )


def _field_unpacker(
    cls: type, kind: Any, names: tuple[str, ...]
) -> Callable[[Any], tuple[Any, ...]]:
    size = len(names)

    def from_tuple(result: Any) -> tuple[Any, ...]:
        if isinstance(result, tuple) and len(result) == size:
            return result
        raise _misfit(cls, names, result, f"a {kind.__name__}")

    def from_mapping(result: Any) -> tuple[Any, ...]:
        if isinstance(result, Mapping) and result.keys() <= set(names):
            return tuple([result.get(name) for name in names])
        raise _misfit(cls, names, result, f"a {kind.__name__} (a dict)")

    def from_object(result: Any) -> tuple[Any, ...]:
        try:
            return tuple([getattr(result, name) for name in names])
        except AttributeError:
            raise _misfit(cls, names, result, f"a {kind.__name__}") from None

    if issubclass(kind, tuple):
        return from_tuple
    return from_mapping if issubclass(kind, dict) else from_object


def _declared_unpacker(
    cls: type, outputs: tuple[PortTemplate, ...]
) -> Callable[[Any], tuple[Any, ...]]:
    names = tuple(port.name for port in outputs)
    size, known = len(names), set(names)
    single_tuple = size == 1 and to_text(outputs[0].type).startswith("tuple")

    def unpack(result: Any) -> tuple[Any, ...]:
        if type(result) is dict and result.keys() <= known:
            return tuple([result.get(name) for name in names])
        if isinstance(result, tuple) and len(result) == size and not single_tuple:
            return result
        if size == 1:
            return (result,)
        raise _misfit(cls, names, result, f"a dict, or a tuple of {size}")

    return unpack


def _misfit(
    cls: type, names: tuple[str, ...], result: Any, expected: str
) -> OutputError:
    return OutputError(
        f"{cls.__qualname__}.forward returned {result!r:.100}; its output ports "
        f"({', '.join(names)}) need {expected}."
    )
