"""Existing dora nodes as components: `DoraNode`, and how it is found in a spec."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from like_keras_core.authoring.forward_signature import ForwardSignature, PortTemplate
from like_keras_core.component import Component
from like_keras_core.errors import EngineError
from like_keras_core.graph.once import once_per_spec
from like_keras_core.node import Node
from like_keras_core.port import InputPort, OutputPort, PortCollection
from like_keras_core.spec import ComponentSpec, SystemSpec
from like_keras_core.values.config_json import decode

if TYPE_CHECKING:
    from lk_engine_dora.bridge import Bridge

ENTRY_POINT = "lk_engine_dora.foreign:DoraNode"
TICKS = "count"

Scalar = str | int | float | bool


class DoraNode(Component):
    """Stands for a dora node that is not a like_keras component.

    It is a dora node of its own, wired like any component. Only the dora engine can
    run it, which starts a process of ours beside it, `NAME.host`, that speaks for it
    with the other components.

    What it is given are Arrow arrays: an Arrow array as it is; a numpy array flat,
    with `dtype` and `shape` in the metadata; bytes as uint8; a number or a string as
    an array of one. None is not sent.

    What it gives are Arrow arrays too. If an input that reads them is annotated as
    `numpy.ndarray`, they are views of that kind, which show the same memory, in the
    shape that the metadata says; booleans are copied. Annotated as
    `pyarrow.Array`, as something else or not at all, they are the Arrow arrays.
    Everything else in its metadata is left out.

    At each tick at which it fires it is first given its inputs; then one message is
    awaited of each connected output. So a node with both must answer every time: for
    one that answers some inputs only, the run waits for ever, and `timeout_s` or a
    stop ends it. What it sends early waits in the memory of the process beside it.

    When it exits with 0 after n messages, it ends the run at tick n, unless it has no
    connected output; after another exit code its component fails there. At the end of
    the run its inputs are closed, so that it may do what is left before it exits.

    Its connections are as dora makes them: what it sends and is sent may be lost or
    overtaken, which nothing here finds out. All other connections of a system lose
    nothing.

    Args:
        name: Its name in the system, and its id in the dataflow.
        path: What dora starts: an executable, or a Python file.
        args: Its arguments: a list, or one string as a shell would read it.
        env: Its environment, beside the one that dora has. Values arrive as they are
            written here.
        inputs: The names of its inputs.
        outputs: The names of its outputs.
        machine: Where it runs, as of a `Node`.
        build: A command that makes it, for `dora build`.
        ticks: `"count"` says that its n-th message on each output is the value of
            the n-th tick at which it fires: of tick n, if all of its inputs have a
            value at every tick. Needed where an output is connected.

    Raises:
        TypeError: An argument is of another type.
        ValueError: A name is given twice, or `ticks` is something else.
    """

    needs = ("foreign-nodes",)
    _bridge: Bridge | None = None

    def __init__(
        self,
        name: str,
        path: str,
        args: Sequence[str] | str | None = None,
        env: Mapping[str, Scalar] | None = None,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        machine: str = "local",
        build: str | None = None,
        ticks: str | None = None,
    ) -> None:
        super().__init__(name, node=Node(name, machine=machine, engine="dora"))
        for what, value in (("path", path), ("args", args), ("env", env)):
            _check(name, what, value)
        for what, value in (("inputs", inputs), ("outputs", outputs)):
            _check(name, what, value)
            _check_once(name, what, value)
        _check(name, "build", build)
        if ticks not in (None, TICKS):
            raise ValueError(
                f"The ticks of DoraNode {name!r} are {TICKS!r}, which says that its "
                f"n-th message is tick n, or None; got {ticks!r}."
            )
        given: list[InputPort] = [_named(InputPort(), item) for item in inputs]
        taken: list[OutputPort] = [_named(OutputPort(), item) for item in outputs]
        from lk_engine_dora.arrow_values import register_arrays

        register_arrays()
        self._lk.inputs = PortCollection(self, "input", given)
        self._lk.outputs = PortCollection(self, "output", taken)
        self._lk.signature = _signature(given, taken)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        raise TypeError(
            f"{cls.__qualname__} cannot be a subclass of DoraNode: what a DoraNode is "
            "stands in its arguments. Write a function that returns one."
        )

    def on_configure(self) -> None:
        """Find the way to the dora node."""
        from lk_engine_dora.bridge import bridge_of

        self._bridge = bridge_of(self._lk.address)

    def forward(self, **inputs: Any) -> Any:
        """Give the dora node what came, and return what it gives.

        Raises:
            EngineError: This is not the process beside it; or it has failed.
            EndOfStream: It has ended.
            TypeError: A value is none that it can be given, or that can be shown.
        """
        if self._bridge is None:
            raise EngineError(
                f"{self.name!r} stands for a dora node, which only the dora engine can "
                "run: launch(engine='dora'). Elsewhere put a component in its place."
            )
        return self._bridge.step(inputs)


def _named(port: Any, name: str) -> Any:
    port.name = name
    return port


def _signature(
    inputs: Sequence[InputPort], outputs: Sequence[OutputPort]
) -> ForwardSignature:
    """Return what `forward` takes and gives, by the names of its ports."""
    names = [port.name for port in outputs]
    return ForwardSignature(
        tuple(PortTemplate(port.name, port.type, keyword=True) for port in inputs),
        tuple(PortTemplate(port.name, port.type) for port in outputs),
        (lambda result: tuple(map(result.get, names))) if names else None,
    )


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a spec says of a `DoraNode`.

    Args:
        name: The component's address.
        path: What dora starts.
        args: Its arguments as one string.
        env: Its environment.
        build: The command that makes it.
        ticks: How its messages are numbered.
    """

    name: str
    path: str
    args: str | None = None
    env: Mapping[str, Scalar] = field(default_factory=dict)
    build: str | None = None
    ticks: str | None = None

    @classmethod
    def from_spec(cls, component: ComponentSpec) -> Foreign:
        """Read the arguments that a spec has kept."""
        given = decode(dict(component.config or {}))
        args = given.get("args")
        return cls(
            component.name,
            given.get("path", ""),
            args if args is None or isinstance(args, str) else shlex.join(args),
            given.get("env") or {},
            given.get("build"),
            given.get("ticks"),
        )


@once_per_spec
def foreign_nodes(spec: SystemSpec) -> Mapping[str, Foreign]:
    """Return the dora nodes of a system that are not ours, by their node's name."""
    return MappingProxyType(
        {
            component.node: Foreign.from_spec(component)
            for component in spec.components
            if component.entry_point == ENTRY_POINT
        }
    )


def shows_numpy(spec: SystemSpec, address: str) -> bool:
    """Say whether the values of a dora node's output are handed over as numpy's."""
    types = types_of(spec, address)
    return any(map(is_numpy, types)) and not any(map(is_arrow, types))


def types_of(spec: SystemSpec, address: str) -> dict[str, str]:
    """Return how an output and the inputs that it feeds are annotated.

    Returns:
        By annotation, the address of the first of these ports that has it.
    """
    targets = {item.target for item in spec.connections if item.source == address}
    outputs = spec.outputs()
    found = {outputs[address].type: address} if address in outputs else {}
    for name, port in spec.inputs().items():
        if name in targets:
            found.setdefault(port.type, name)
    return found


def is_numpy(annotation: str) -> bool:
    """Say whether an annotation, given as text, has numpy's arrays in it."""
    return "numpy.ndarray" in annotation


def is_arrow(annotation: str) -> bool:
    """Say whether an annotation, given as text, has Arrow's arrays in it."""
    return "pyarrow" in annotation


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_command(value: object) -> bool:
    return value is None or _is_text(value)


def _is_names(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(map(_is_text, value))


def _is_args(value: object) -> bool:
    return value is None or isinstance(value, str) or _is_names(value)


def _is_env(value: object) -> bool:
    return value is None or (
        isinstance(value, dict)
        and all(map(_is_text, value))
        and all(isinstance(item, Scalar) for item in value.values())
    )


_EXPECTED: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "path": (_is_text, "a string such as 'dora-echo'"),
    "args": (_is_args, "a string, or a list of strings"),
    "env": (_is_env, "a dict of strings, numbers and booleans"),
    "inputs": (_is_names, "a list of names"),
    "outputs": (_is_names, "a list of names"),
    "build": (_is_command, "a command as a string"),
}


def _check(name: str, what: str, value: object) -> None:
    fits, expected = _EXPECTED[what]
    if not fits(value):
        raise TypeError(
            f"The {what} of DoraNode {name!r} must be {expected}; got {value!r:.80}."
        )


def _check_once(name: str, what: str, names: Sequence[str]) -> None:
    for item, count in Counter(names).items():
        if count > 1:
            raise ValueError(
                f"The {what} of DoraNode {name!r} have {item!r} {count} times; name "
                "each once."
            )
