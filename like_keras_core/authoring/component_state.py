"""What like_keras knows of a component: its name, place and ports, and its launch."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, MutableMapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from like_keras_core.authoring.component_time import Timing
from like_keras_core.authoring.constructor_args import ConstructorArgs
from like_keras_core.authoring.forward_signature import (
    ForwardSignature,
    signature_of,
)
from like_keras_core.lifecycle import LifecycleState
from like_keras_core.node import Node
from like_keras_core.port import InputPort, OutputPort, PortCollection

if TYPE_CHECKING:
    import numpy


class ComponentState:
    """What like_keras knows of one component; kept in its attribute `_lk`."""

    __slots__ = (
        "address",
        "arrivals",
        "assigned",
        "begins",
        "called",
        "captured",
        "config_print",
        "every",
        "has_default_name",
        "inputs",
        "launched",
        "made",
        "name",
        "node",
        "outputs",
        "period",
        "rate_hz",
        "rng",
        "seed",
        "signature",
        "state",
        "takes",
        "takes_s",
        "tick",
        "timing",
    )

    def __init__(self, component: Any) -> None:
        self.signature = signature = signature_of(type(component))
        self.name = snake_case(type(component).__name__)
        self.has_default_name = True
        self.node: Node | None = None
        # Of each pair one is None: then it follows from the other, and from the rate of
        # the system.
        self.every: int | Fraction | None = 1
        self.rate_hz: int | float | Fraction | None = None
        declared = getattr(type(component), "takes", None)
        self.takes: int | None = declared if type(declared) is int else 0
        self.takes_s: int | float | Fraction | None = None
        # As in the spec that it was made of.
        self.period: int | Fraction | None = None
        self.inputs, self.outputs = new_ports(component, signature)
        self.state = LifecycleState.UNCONFIGURED
        self.captured = ConstructorArgs({})
        self.config_print: bytes | None = None
        self.made = False
        self.called = False
        self.launched = False
        self.assigned: dict[str, None] = {}
        self.address = ""
        # Of a source: gives what came for its outputs from outside of the run.
        self.arrivals: Callable[[], Mapping[str, Any]] | None = None
        self.seed = 0
        self.rng: numpy.random.Generator | None = None
        self.tick: list[Any] = [None, None]
        self.timing: Timing | None = None
        # The ticks of the last two firings, for `dt`; None where nobody asks for it.
        self.begins: list[int | None] | None = None

    @property
    def ticks_between(self) -> int | Fraction:
        """How many ticks lie between firings, as far as that is known here."""
        if self.every is not None:
            return self.every
        return 1 if self.timing is None else self.timing.every

    @property
    def ticks_taken(self) -> int:
        """How many ticks a firing takes, as far as that is known here."""
        if self.takes is not None:
            return self.takes
        return 0 if self.timing is None else self.timing.takes

    def bind(
        self,
        address: str,
        seed: int,
        tick: list[Any],
        timing: Timing,
        begins: list[int | None] | None = None,
    ) -> None:
        """Give the component its address, the seed and the clock of a launch.

        Args:
            address: Where the component is in its system.
            seed: The launch's, for `rng`.
            tick: Its last item is the tick that runs; the host keeps it so.
            timing: When it fires.
            begins: Where the ticks of its last two firings are noted, if they are.
        """
        self.address, self.seed, self.tick = address, seed, tick
        self.timing, self.begins = timing, begins
        self.rng = None
        self.launched = True
        self.state = LifecycleState.UNCONFIGURED


def new_ports(
    component: Any, signature: ForwardSignature
) -> tuple[PortCollection[InputPort], PortCollection[OutputPort]]:
    """Return the input and the output ports that a signature implies."""
    return (
        PortCollection(component, "input", list(map(_input_port, signature.inputs))),
        PortCollection(component, "output", list(map(_output_port, signature.outputs))),
    )


def address_of(component: Any) -> str:
    """Return a component's address in the running system, such as `"arm.camera"`.

    For components that are part of a plug-in, from `on_configure` on: by its address
    a component finds what its engine holds ready for it. Where the component was not
    launched, it is its name.
    """
    state: ComponentState = component._lk
    return state.address or state.name


def _input_port(template: Any) -> InputPort:
    port = InputPort(template.type, policy=template.policy, required=template.required)
    port.name, port.options = template.name, dict(template.options)
    return port


def _output_port(template: Any) -> OutputPort:
    port = OutputPort(template.type)
    port.name, port.options = template.name, dict(template.options)
    return port


def snake_case(name: str) -> str:
    """Return `"FaceTracker"` as `"face_tracker"`, `"HTTPServer"` as `"http_server"`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return name.strip("_").lower() or "component"


class Rng:
    """A component's own random generator; its own attribute may take its place."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        record = instance._lk
        if record.rng is None:
            record.rng = make_rng(record.seed, address_of(instance))
        return record.rng


def make_rng(seed: int, address: str) -> numpy.random.Generator:
    """Return the generator that a component at `address` gets for a launch's seed."""
    import hashlib

    import numpy

    key = int.from_bytes(hashlib.sha256(address.encode()).digest()[:16], "little")
    return numpy.random.default_rng([seed, key])


class Log:
    """A component's own logger; its own attribute may take its place."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        name = f"like_keras.{address_of(instance)}"
        return _TickLogger(logging.getLogger(name), instance._lk)


class _TickLogger(logging.LoggerAdapter):  # type: ignore[type-arg]
    """Adds `address` and `tick` to each log record, and both to its text."""

    def __init__(self, logger: logging.Logger, record: ComponentState) -> None:
        super().__init__(logger, {})
        self._record = record

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        address, tick = self._record.address or self._record.name, self._record.tick[1]
        kwargs["extra"] = {**kwargs.get("extra", {}), "address": address, "tick": tick}
        when = "" if tick is None else f" @ {tick}"
        return f"[{address}{when}] {msg}", kwargs
