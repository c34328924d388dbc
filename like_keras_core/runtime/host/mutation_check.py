"""Finds components that change values which are not theirs to change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import ValueMutationError
from like_keras_core.values.kinds import IMMUTABLE
from like_keras_core.values.semantics import fingerprint


@dataclass(frozen=True, slots=True)
class _Watched:
    """A value that somebody will still read, and what it looked like."""

    owner: str
    value: Any
    print: bytes
    until: int


class MutationCheck:
    """Fingerprints what is sent and received, and names who changed it.

    A value is looked at when it is sent, after each component that fires while others
    still read it, and when a component that received it has fired. After its last
    reader its producer may use it again, as drivers do with their buffers.

    Args:
        tick: The host's clock; `tick[1]` is the present tick.
    """

    def __init__(self, tick: list[Any]) -> None:
        self._tick = tick
        self._at: int | None = None
        self._watched: list[_Watched] = []
        self.until: Mapping[str, int] = {}
        """The order of the last component that reads each component's values."""

    def wrap(self, name: str, order: int, component: Component) -> Callable[..., Any]:
        """Return a component's `forward` that looks for changed values.

        Args:
            name: The component's address.
            order: Its place in the order of execution.
            component: The component.
        """
        forward = component.forward
        ports = [port.name for port in component.inputs]

        def checked(*args: Any, **kwargs: Any) -> Any:
            self._begin(order)
            given = {**dict(zip(ports, args, strict=False)), **kwargs}
            before = {
                port: fingerprint(value)
                for port, value in given.items()
                if type(value) not in IMMUTABLE
            }
            result = forward(*args, **kwargs)
            for port, known in before.items():
                if fingerprint(given[port]) != known:
                    raise ValueMutationError(name, f"{name}.{port}")
            for watched in self._watched:
                if fingerprint(watched.value) != watched.print:
                    raise ValueMutationError(name, watched.owner)
            if type(result) not in IMMUTABLE:
                until = self.until.get(name, order)
                self._watched.append(_Watched(name, result, fingerprint(result), until))
            return result

        return checked

    def _begin(self, order: int) -> None:
        """Forget what belongs to an earlier tick, or is read no more."""
        if self._tick[1] != self._at:
            self._at = self._tick[1]
            self._watched.clear()
        self._watched = [item for item in self._watched if item.until >= order]
