"""Ports that an instance declares, in the place of those read from `forward`."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from like_keras_core.authoring.component_state import ComponentState, new_ports
from like_keras_core.authoring.forward_signature import PortTemplate
from like_keras_core.errors import OutputError
from like_keras_core.port import InputPort, OutputPort, Port

_NAME = re.compile(r"[\w-]+")
_EMPTY = inspect.Parameter.empty
_P = TypeVar("_P", InputPort, OutputPort)


def declare(
    component: Any,
    inputs: Mapping[str, InputPort] | Iterable[str] | None,
    outputs: Mapping[str, OutputPort] | Iterable[str] | None,
) -> None:
    """Give a component that is being made other ports than its class implies.

    Args:
        component: The component.
        inputs: Its input ports; None leaves those that it has.
        outputs: Its output ports; None leaves those that it has.

    Raises:
        RuntimeError: The component is made already.
        TypeError: An argument is of another type, or `forward` cannot take an input.
        ValueError: A name is given twice, or it cannot be a port's name.
    """
    state: ComponentState = component._lk
    if state.made:
        raise RuntimeError(
            f"{component.name!r} is made already, so its ports can no longer change: "
            f"another process makes it from its arguments alone. Call declare_ports "
            f"in the __init__ of {type(component).__qualname__}."
        )
    signature = state.signature
    if inputs is not None:
        ports = _ports(component, "inputs", inputs, InputPort)
        templates = _input_templates(component, ports)
        signature = replace(signature, inputs=templates, only_reads=False)
    if outputs is not None:
        given = _ports(component, "outputs", outputs, OutputPort)
        signature = replace(
            signature,
            outputs=tuple(
                PortTemplate(name, port.type, options=port.options)
                for name, port in given.items()
            ),
            unpack=_unpacker(type(component), tuple(given)) if given else None,
            record=None,
        )
    state.signature = signature
    state.inputs, state.outputs = new_ports(component, signature)


def _ports(
    component: Any, what: str, given: Mapping[str, _P] | Iterable[str], kind: type[_P]
) -> dict[str, _P]:
    """Return the ports by name; a name alone is a port for anything."""
    who = f"The {what} of {component.name!r}"
    if isinstance(given, (str, Port)) or not isinstance(given, Iterable):
        raise TypeError(
            f"{who} are a list of names, or a dict from names to ports; got "
            f'{given!r:.80}. Write {what}=["a"], or {what}={{"a": {kind.__name__}()}}.'
        )
    names = list(given)
    for name, count in Counter(map(repr, names)).items():
        if count > 1:
            raise ValueError(f"{who} have {name} {count} times; name each once.")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"{who} are named by strings; got {name!r:.80}. Ports go into a dict: "
                f'{what}={{"a": {kind.__name__}(int)}}.'
            )
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"{who} are named with letters, digits, '_' and '-'; got {name!r:.80}."
            )
    found = dict(given) if isinstance(given, Mapping) else {x: kind() for x in names}
    for name, port in found.items():
        if not isinstance(port, kind):
            raise TypeError(
                f"{who} are made of {kind.__name__}; {name!r} is {port!r:.80}. Write "
                f"{kind.__name__}() for any value, or {kind.__name__}(int) for a type."
            )
    return found


def _input_templates(
    component: Any, ports: Mapping[str, InputPort]
) -> tuple[PortTemplate, ...]:
    """Return what `forward` is given, always by name.

    Raises:
        TypeError: `forward` does not take an input, or needs something else.
    """
    where = f"{type(component).__qualname__}.forward"
    parameters = inspect.signature(component.forward).parameters
    named = {
        name: parameter.default is _EMPTY
        for name, parameter in parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    if all(x.kind is not x.VAR_KEYWORD for x in parameters.values()):
        for name in ports.keys() - named.keys():
            raise TypeError(
                f"{component.name!r} declares the input {name!r}, which {where} does "
                "not take. Let it take whatever is declared: "
                "def forward(self, **inputs)"
            )
    for name, parameter in parameters.items():
        is_caught = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if parameter.default is _EMPTY and not is_caught and name not in ports:
            raise TypeError(
                f"{where} needs {name!r}, which is not among the inputs that "
                f"{component.name!r} declares: {', '.join(ports) or 'none'}. Declare "
                "it, or give the parameter a default."
            )
    return tuple(
        PortTemplate(
            name,
            port.type,
            port.required and named.get(name, True),
            port.policy,
            keyword=True,
            options=port.options,
        )
        for name, port in ports.items()
    )


def _unpacker(
    cls: type, names: tuple[str, ...]
) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return what turns a dict by port into one value a port."""
    known = frozenset(names)

    def unpack(result: Any) -> tuple[Any, ...]:
        if isinstance(result, dict) and result.keys() <= known:
            return tuple([result.get(name) for name in names])
        raise OutputError(
            f"{cls.__qualname__}.forward returned {result!r:.100}; its output ports "
            f"({', '.join(names)}) are declared by declare_ports, so it returns a dict "
            f"by their names: {{{names[0]!r}: ...}}. A name left out sends nothing."
        )

    return unpack
